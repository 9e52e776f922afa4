"""Files come in whole or not at all, recordings only redacted, and the same bytes only once."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from caskmcp.canon import pretty
from caskmcp.compiler.capture.codec import decode_lines
from caskmcp.errors import CaskError
from caskmcp.model.finding import Report
from caskmcp.store.layout import Root
from caskmcp.store.manifest import parse
from caskmcp.workflows import build, capture
from caskmcp.workflows.given import Ledger
from tests.support.recordings import SPEC, har
from tests.support.world import world

SHOP = har(
    "https://api.shop.example/orders/1",
    "https://api.shop.example/orders/2",
    "https://cdn.example/x.js",
    authorization="Bearer s3cr3t-v4lue",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    (tmp_path / "shop.har").write_bytes(SHOP)
    (tmp_path / "orders.yaml").write_text(SPEC, encoding="utf-8")
    return made


def take(folder: Path, *sources: str, hosts: tuple[str, ...] = ("api.shop.example",), name: str | None = None) -> Report:
    return capture.take(world(folder), sources=sources, hosts=hosts, name=name)


def entries(folder: Path) -> list[tuple[str, str]]:
    return [(row.kind, row.pattern) for row in parse((folder / "cask.yaml").read_text(encoding="utf-8")).sources]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file but the lock file."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


# ---------------------------------------------------------------- recordings
@pytest.mark.feature(1)
def test_a_recording_becomes_a_capture_under_the_root(folder: Path) -> None:
    report = take(folder, "../shop.har")
    ((kind, capture_id),) = entries(folder)
    assert (kind, len(capture_id)) == ("capture", 64)
    root = Root(folder / ".caskmcp")
    kept = list(decode_lines([root.exchanges(capture_id).read_bytes()]))
    assert [item.host for item in kept] == ["api.shop.example"] * 2
    assert report.summary == {"added": 1, "kept": 2}
    assert report.lines[0] == "../shop.har: 2 exchanges; left out: 1 third party"
    assert report.lines[1] == "  hosts that are not yours: cdn.example (1)"


@pytest.mark.feature(1)
def test_the_same_bytes_again_add_nothing(folder: Path) -> None:
    take(folder, "../shop.har", "../orders.yaml")
    before = tree(folder)
    again = take(folder, "../shop.har", "../orders.yaml", hosts=())
    assert tree(folder) == before
    assert [row["state"] for row in again.tables["sources"]] == ["known", "known"]
    assert again.summary["added"] == 0


def test_the_same_traffic_in_another_order_is_the_same_capture(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "b.har.gz").write_bytes(
        gzip.compress(har("https://api.shop.example/orders/2", "https://api.shop.example/orders/1", authorization="Bearer s3cr3t-v4lue"))
    )
    take(folder, "../shop.har")
    before = entries(folder)
    assert take(folder, "../b.har.gz").tables["sources"][0]["state"] == "known"
    assert entries(folder) == before


@pytest.mark.feature(14)
def test_what_is_kept_is_private_and_holds_no_credential(folder: Path) -> None:
    take(folder, "../shop.har")
    root = Root(folder / ".caskmcp")
    ((_, capture_id),) = entries(folder)
    assert root.captures.stat().st_mode & 0o777 == 0o700
    assert root.exchanges(capture_id).stat().st_mode & 0o777 == 0o600
    assert root.redaction_key.stat().st_mode & 0o777 == 0o600
    files = {**tree(folder), "exchanges": gzip.decompress(root.exchanges(capture_id).read_bytes())}
    assert [name for name, data in files.items() if b"s3cr3t" in data] == []


def test_broken_entries_are_named_and_the_others_are_kept(folder: Path, tmp_path: Path) -> None:
    value = json.loads(SHOP)
    value["log"]["entries"][1] = "junk"
    (tmp_path / "odd.har").write_text(json.dumps(value), encoding="utf-8")
    lines = take(folder, "../odd.har").lines
    assert lines[0] == "../odd.har: 1 exchange; left out: 1 broken, 1 third party"
    assert lines[1].startswith("  entry 1: ") or lines[1].startswith("  entry 2: ")


def test_a_file_inside_the_project_that_is_a_source_already_is_known(folder: Path) -> None:
    (folder / "shop.har").write_bytes(SHOP)
    (folder / "cask.yaml").write_text("version: 1\nhosts: [api.shop.example]\nsources:\n  - har: '*.har'\n", encoding="utf-8")
    report = take(folder, "shop.har")
    assert report.tables["sources"][0] == {"file": "shop.har", "source": "har: shop.har", "kept": 2, "state": "known"}
    assert entries(folder) == [("har", "*.har")]


# ---------------------------------------------------------------- specs
@pytest.mark.feature(4)
def test_a_spec_is_copied_to_specs_and_named(folder: Path, tmp_path: Path) -> None:
    report = take(folder, "../orders.yaml")
    assert entries(folder) == [("openapi", "specs/orders.yaml")]
    assert (folder / "specs" / "orders.yaml").read_bytes() == (tmp_path / "orders.yaml").read_bytes()
    assert report.lines[0] == "../orders.yaml: 1 operation; left out: 1 third party"


def test_a_spec_that_lies_there_already_is_named_where_it_is(folder: Path) -> None:
    (folder / "specs" / "v1").mkdir(parents=True)
    (folder / "specs" / "v1" / "a.yaml").write_text(SPEC, encoding="utf-8")
    take(folder, "specs/v1/a.yaml")
    assert entries(folder) == [("openapi", "specs/v1/a.yaml")]
    assert sorted(path.name for path in (folder / "specs").iterdir()) == ["v1"]


def test_another_spec_of_the_same_name_replaces_nothing(folder: Path, tmp_path: Path) -> None:
    take(folder, "../orders.yaml")
    (tmp_path / "orders.yaml").write_text(SPEC.replace("/orders", "/carts"), encoding="utf-8")
    before = tree(folder)
    with pytest.raises(CaskError) as caught:
        take(folder, "../orders.yaml")
    assert caught.value.code == "CASK-I001"
    assert str(caught.value.mend).startswith("cp ../orders.yaml ")
    assert tree(folder) == before


def test_a_spec_alone_says_which_host_is_first_party(folder: Path) -> None:
    take(folder, "../orders.yaml", hosts=())
    assert parse((folder / "cask.yaml").read_text(encoding="utf-8")).hosts == ("api.shop.example",)


# ---------------------------------------------------------------- the manifest
def test_without_a_project_one_is_begun_with_what_was_seen(folder: Path) -> None:
    take(folder, "../shop.har", name="shop")
    text = (folder / "cask.yaml").read_text(encoding="utf-8")
    assert "#   api.shop.example: {scheme: bearer, from: env:API_SHOP_EXAMPLE_TOKEN}\n" in text
    assert (parse(text).id, parse(text).auth) == ("shop", {})
    assert ".caskmcp/captures/" in (folder / ".gitignore").read_text(encoding="utf-8")
    assert ".caskmcp/** -text" in (folder / ".gitattributes").read_text(encoding="utf-8")


def test_a_project_keeps_every_comment_and_gets_what_it_lacks(folder: Path) -> None:
    (folder / "cask.yaml").write_text("# ours\nversion: 1\nhosts: [a.example] # first\n", encoding="utf-8")
    take(folder, "../shop.har", "../orders.yaml")
    text = (folder / "cask.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ours\nversion: 1\nhosts: [a.example, api.shop.example] # first\nsources:\n  - capture: ")
    assert text.endswith("  - openapi: specs/orders.yaml\n")


def test_a_command_below_the_project_adds_to_that_project(folder: Path) -> None:
    (folder / "cask.yaml").write_text("version: 1\nhosts: [api.shop.example]\n", encoding="utf-8")
    (folder / "deep").mkdir()
    take(folder / "deep", "../../shop.har")
    assert [kind for kind, _ in entries(folder)] == ["capture"]
    assert (folder / ".caskmcp" / "captures").is_dir()
    assert sorted(path.name for path in (folder / "deep").iterdir()) == []


def test_a_project_of_another_name_is_not_renamed(folder: Path) -> None:
    take(folder, "../shop.har", name="shop")
    with pytest.raises(CaskError) as caught:
        take(folder, "../shop.har", name="other")
    assert (caught.value.code, caught.value.what) == ("CASK-I001", "the project is called `shop`, not `other`")


# ---------------------------------------------------------------- refusals
# fmt: off
REFUSED = [
    # file          content                                       hosts                 code         place                     mend
    ("gone.har",    None,                                         ("api.shop.example",),       "CASK-I002", "gone.har",               None),
    ("a.txt",       b"hello",                                     ("api.shop.example",),       "CASK-C001", "../a.txt",               "cask capture import --help"),
    ("empty.har",   b"",                                          ("api.shop.example",),       "CASK-C001", "../empty.har",           None),
    ("cut.har",     SHOP[:-20],                                   ("api.shop.example",),       "CASK-C001", "../cut.har",             None),
    ("other.har",   SHOP,                                         ("a.example",),       "CASK-C003", "../other.har",           "cask capture import ../other.har -a api.shop.example"),
    ("other.har",   SHOP,                                         (),                   "CASK-I001", None,                     "cask capture import ../other.har -a api.shop.example"),
    ("two.yaml",    b"swagger: '1.2'\npaths: {}\n",               ("a.example",),       "CASK-C002", "../two.yaml:1",          "convert it to OpenAPI 3.1 first"),
    ("bad.yaml",    SPEC.replace("paths:", "path:").encode(),     ("a.example",),       "CASK-C002", "../bad.yaml:5",          None),
]
# fmt: on


@pytest.mark.feature(3)
@pytest.mark.parametrize(("file", "content", "hosts", "code", "place", "mend"), REFUSED, ids=[f"{row[0]} {row[3]}" for row in REFUSED])
def test_bad_input_is_an_error_with_place_and_mend_and_nothing_is_written(
    folder: Path, tmp_path: Path, file: str, content: bytes | None, hosts: tuple[str, ...], code: str, place: str | None, mend: str | None
) -> None:
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(CaskError) as caught:
        take(folder, "../orders.yaml", f"../{file}", hosts=hosts) if code == "CASK-C001" else take(folder, f"../{file}", hosts=hosts)
    assert caught.value.code == code
    assert place is None or str(caught.value.place).startswith(place) or str(caught.value.place).endswith(place)
    assert mend is None or caught.value.mend == mend
    assert list(folder.iterdir()) == []


def test_a_manifest_that_cannot_be_edited_is_told_before_anything_is_written(folder: Path) -> None:
    (folder / "cask.yaml").write_text("version: 1\nhosts: [api.shop.example]\nsources: [\n  {har: a.har}]\n", encoding="utf-8")
    before = tree(folder)
    with pytest.raises(CaskError) as caught:
        take(folder, "../orders.yaml")
    assert "write `- openapi: specs/orders.yaml` there" in caught.value.what
    assert tree(folder) == before


def test_a_specs_folder_that_leads_out_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (folder / "specs").symlink_to(tmp_path / "out")
    with pytest.raises(CaskError) as caught:
        take(folder, "../orders.yaml")
    assert caught.value.code == "CASK-I005"
    assert list((tmp_path / "out").iterdir()) == []


# ---------------------------------------------------------------- list and forget
def observations(folder: Path, *parts: str) -> Path:
    path = folder / ".caskmcp" / "toolpacks" / "api-shop-example" / "artifact" / "observations.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pretty({"schema": "caskmcp/observations/1", "parts": {part: {"kind": "traffic"} for part in parts}}))
    return path


def parts(path: Path) -> Any:
    return sorted(json.loads(path.read_bytes())["parts"])


def test_captures_are_listed_with_what_they_hold(folder: Path) -> None:
    assert capture.listing(world(folder)).lines == ("No capture yet. Bring one in: cask capture import FILE -a HOST",)
    take(folder, "../shop.har")
    ((_, capture_id),) = entries(folder)
    assert capture.listing(world(folder)).tables["captures"] == ({"id": capture_id, "kind": "har", "kept": 2, "source": "yes"},)


def test_a_damaged_record_of_a_capture_is_named(folder: Path) -> None:
    take(folder, "../shop.har")
    ((_, capture_id),) = entries(folder)
    Root(folder / ".caskmcp").redaction(capture_id).write_text("{", encoding="utf-8")
    with pytest.raises(CaskError) as caught:
        capture.listing(world(folder))
    assert (caught.value.code, caught.value.mend) == ("CASK-I008", f"cask capture forget {capture_id[:12]}")


def test_forgetting_takes_the_capture_its_entry_and_its_part(folder: Path) -> None:
    take(folder, "../shop.har", "../orders.yaml")
    capture_id = dict(entries(folder))["capture"]
    given = Root(folder / ".caskmcp").given
    rows = {f"capture {capture_id}": {"parts": ["sha256:aa", "sha256:shared"]}, "har elsewhere.har": {"parts": ["sha256:shared"]}}
    given.write_bytes(pretty({"schema": "caskmcp/given/1", "sources": rows}))
    path = observations(folder, "sha256:aa", "sha256:shared", "sha256:bb")
    report = capture.forget(world(folder), capture=capture_id[:8])
    assert report.summary == {"forgotten": capture_id, "parts": 1}
    assert entries(folder) == [("openapi", "specs/orders.yaml")]
    assert parts(path) == ["sha256:bb", "sha256:shared"]
    assert not (folder / ".caskmcp" / "captures" / capture_id).exists()
    assert Ledger(world(folder).files, Root(folder / ".caskmcp")).of([f"capture {capture_id}"], "parts") == {"sha256:shared"}


def test_what_was_forgotten_is_in_no_later_build(folder: Path) -> None:
    take(folder, "../shop.har", "../orders.yaml")
    build.run(world(folder))
    path = folder / ".caskmcp" / "toolpacks" / "api-shop-example" / "artifact" / "observations.json"
    assert sorted(part["kind"] for part in json.loads(path.read_bytes())["parts"].values()) == ["spec", "traffic"]
    assert capture.forget(world(folder), capture=dict(entries(folder))["capture"]).summary["parts"] == 1
    build.run(world(folder))
    assert [part["kind"] for part in json.loads(path.read_bytes())["parts"].values()] == ["spec"]


def test_a_recording_that_is_still_named_is_said_to_come_back(folder: Path) -> None:
    (folder / "shop.har").write_bytes(SHOP)
    (folder / "cask.yaml").write_text("version: 1\nhosts: [api.shop.example]\nsources:\n  - har: shop.har\n", encoding="utf-8")
    build.run(world(folder))
    (capture_id,) = (path.name for path in (folder / ".caskmcp" / "captures").iterdir())
    report = capture.forget(world(folder), capture=capture_id)
    assert report.lines[0] == "har shop.har is still a source: the next build captures it again"


def test_a_part_that_no_source_here_gave_is_forgotten_by_its_own_id(folder: Path) -> None:
    take(folder, "../orders.yaml")
    path = observations(folder, "sha256:" + "ab" * 32, "sha256:" + "cd" * 32)
    capture.forget(world(folder), capture="abab")
    assert parts(path) == ["sha256:" + "cd" * 32]
    capture.forget(world(folder), capture="sha256:cdcd")
    assert not path.exists()


@pytest.mark.parametrize("given", ["", "ab", "ffff", "../../x", "abab"])
def test_what_names_no_capture_or_several_forgets_nothing(folder: Path, given: str) -> None:
    take(folder, "../orders.yaml")
    path = observations(folder, "sha256:abab1", "sha256:abab2")
    with pytest.raises(CaskError) as caught:
        capture.forget(world(folder), capture=given)
    assert (caught.value.code, caught.value.mend) == ("CASK-I010", "cask capture list")
    assert parts(path) == ["sha256:abab1", "sha256:abab2"]
