"""A folder of Bruno is imported as one collection, with its environments; other folders are refused, links are not followed."""

import json
import shutil
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.finding import Report
from caskmcp.workflows import brunofolder, capture, init
from tests.support.world import world

FIXTURES = Path(__file__).parents[3] / "fixtures" / "captures" / "collections"
HOST = "api.shop.example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    shutil.copytree(FIXTURES / "bruno-shop", made / "shop")
    return made


def take(folder: Path, *sources: str) -> Report:
    return capture.take(world(folder), sources=sources, hosts=(HOST,))


def test_a_folder_is_one_capture_and_the_same_again_adds_nothing(folder: Path) -> None:
    first, second = take(folder, "shop"), take(folder, "shop")
    assert (first.summary, second.summary) == ({"added": 1, "kept": 9}, {"added": 0, "kept": 9})
    assert "shop: 9 exchanges; left out: 1 unsupported" in first.lines


def test_its_environment_says_where_the_requests_go(folder: Path) -> None:
    files = json.loads(brunofolder.content(world(folder).files, folder / "shop", "shop"))["files"]
    assert sorted(files) == [
        "Orders/Change order.bru",
        "Orders/Create order.bru",
        "Orders/Delete order.bru",
        "Orders/Get order.bru",
        "Orders/List items.bru",
        "Orders/List orders.bru",
        "Orders/folder.bru",
        "Search.bru",
        "Sign in.bru",
        "Upload a file.bru",
        "collection.bru",
        "environments/Production.bru",
    ]
    (folder / "shop" / "environments" / "Production.bru").write_text("vars {\n  baseUrl: https://other.example\n}\n", encoding="utf-8")
    with pytest.raises(CaskError, match=r"hosts seen: other\.example"):
        take(folder, "shop")


def test_a_folder_without_the_mark_is_refused_and_nothing_is_written(folder: Path) -> None:
    (folder / "shop" / "bruno.json").unlink()
    with pytest.raises(CaskError, match="no collection of Bruno") as caught:
        take(folder, "shop")
    assert (caught.value.code, caught.value.place) == ("CASK-C001", "shop")
    assert [path.name for path in folder.iterdir()] == ["shop"]


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.bru").write_text("get {\n  url: https://api.shop.example/leak\n}\n", encoding="utf-8")
    (folder / "shop" / "leak.bru").symlink_to(tmp_path / "secret.bru")
    (folder / "shop" / "around").symlink_to(folder / "shop", target_is_directory=True)
    assert take(folder, "shop").summary["kept"] == 9


def test_more_files_than_the_limit_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brunofolder, "MOST", 5)
    with pytest.raises(CaskError) as caught:
        take(folder, "shop")
    assert caught.value.code == "CASK-C005"


def test_a_file_that_is_not_text_is_named(folder: Path) -> None:
    (folder / "shop" / "bad.bru").write_bytes(b"meta {\xff}")
    with pytest.raises(CaskError, match="not UTF-8") as caught:
        take(folder, "shop")
    assert caught.value.place == "shop/bad.bru, byte 6"


def test_init_names_what_an_import_alone_takes_and_lists_what_a_manifest_may_name(folder: Path) -> None:
    for name in ("shop.http", "shop.chrome.curl", "shop.postman_collection.json", "shop.insomnia-v5.yaml"):
        shutil.copy(FIXTURES / name, folder / name)
    report = init.run(world(folder), hosts=(HOST,), name=None)
    assert [(row["kind"], row["path"]) for row in report.tables["sources"]] == [("postman", "shop.postman_collection.json")]
    assert [(row.subject, row.mend) for row in report.findings] == [
        ("shop.chrome.curl", "cask capture import shop.chrome.curl"),
        ("shop.http", "cask capture import shop.http"),
        ("shop", "cask capture import shop"),
    ]
    assert "api.shop.example: {scheme: bearer" in (folder / "cask.yaml").read_text(encoding="utf-8")


def test_a_file_below_a_collection_belongs_to_its_folder(folder: Path) -> None:
    files = world(folder).files
    assert brunofolder.holder(files, folder / "shop" / "Orders" / "Get order.bru") == folder / "shop"
    assert brunofolder.holder(files, folder / "other.bru") == folder / "other.bru"
    assert brunofolder.holder(files, folder / "shop" / "x.http") == folder / "shop" / "x.http"
