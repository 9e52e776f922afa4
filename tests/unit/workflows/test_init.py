"""`init` writes what a person would, once, and what it writes keeps traffic and keys out of git."""

import gzip
import json
import subprocess
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.finding import Report
from caskmcp.store.project import load_project
from caskmcp.workflows import init
from tests.support.recordings import SPEC, har
from tests.support.world import world


def run(folder: Path, *hosts: str, name: str | None = None, root: str | None = None) -> Report:
    return init.run(world(folder, root=root), hosts=hosts, name=name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    return made


# ---------------------------------------------------------------- what is written
def test_a_host_is_enough(folder: Path) -> None:
    report = run(folder, "api.shop.example", name="shop")
    loaded = load_project(world(folder).files, folder)
    assert (loaded.project.hosts, loaded.project.id, loaded.project.sources) == (("api.shop.example",), "shop", ())
    assert report.summary == {"toolpack": "shop", "hosts": 1, "sources": 0}
    assert report.exit == 0
    assert report.lines == ("Next:", "  cask capture import FILE")


@pytest.mark.feature(109)
def test_a_second_run_changes_nothing(folder: Path) -> None:
    (folder / "openapi.yaml").write_text(SPEC, encoding="utf-8")
    run(folder)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    report = run(folder, "other.example")
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    assert [row["state"] for row in report.tables["files"]] == ["kept", "kept", "kept"]


def test_what_a_person_wrote_stays_in_the_git_files(folder: Path) -> None:
    (folder / ".gitignore").write_text("node_modules/\n.caskmcp/cache/", encoding="utf-8")
    (folder / ".gitattributes").write_bytes(b"*.sh text eol=lf\r\n")
    report = run(folder, "a.example")
    ignored = (folder / ".gitignore").read_text(encoding="utf-8").split("\n")
    assert ignored[:4] == [
        "node_modules/",
        ".caskmcp/cache/",
        "# CaskMCP: traffic, state and caches stay out; all else is committed",
        ".caskmcp/captures/",
    ]
    assert ignored.count(".caskmcp/cache/") == 1
    assert (folder / ".gitattributes").read_bytes() == (
        b"*.sh text eol=lf\r\n# CaskMCP: what is signed is compared byte for byte\r\n.caskmcp/** -text\r\n"
        b"caskmcp.lock.yaml merge=cask-lock\r\n.caskmcp/toolpacks/*/artifact/tools.json diff=cask-surface\r\n"
    )
    assert [row["state"] for row in report.tables["files"]] == ["written", "added to", "added to"]


@pytest.mark.feature(109)
def test_git_takes_the_toolpack_and_leaves_traffic_and_keys(folder: Path) -> None:
    run(folder, "a.example")
    kept = [".caskmcp/toolpacks/a/artifact/tools.json", ".caskmcp/baselines/a/baseline.json", "specs/a.yaml"]
    private = [
        ".caskmcp/captures/x/exchanges.ndjson.gz",
        ".caskmcp/state/redaction.key",
        ".caskmcp/cache/blobs/x",
        ".caskmcp/evidence/run/x",
        "shop.har",
        "captures/deep/shop.har.gz",
        "x.flow",
    ]
    for name in kept + private:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"a\r\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    assert git(folder, "ls-files").split() == sorted([".gitattributes", ".gitignore", "cask.yaml", *kept])
    assert git(folder, "check-attr", "text", kept[0]).strip().endswith("text: unset")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-c", "core.autocrlf=true", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_another_root_inside_the_project_is_kept_out_too(folder: Path) -> None:
    run(folder, "a.example", root="state/cask")
    assert "state/cask/captures/" in (folder / ".gitignore").read_text(encoding="utf-8")
    assert "state/cask/** -text" in (folder / ".gitattributes").read_text(encoding="utf-8")


def test_a_root_outside_the_project_needs_no_lines(folder: Path) -> None:
    run(folder, "a.example", root="../elsewhere")
    assert not (folder / ".gitignore").exists()


# ---------------------------------------------------------------- what is found
@pytest.mark.feature(109)
def test_specs_and_recordings_nearby_become_sources(folder: Path) -> None:
    (folder / "specs").mkdir()
    (folder / "specs" / "orders.yaml").write_text(SPEC, encoding="utf-8")
    (folder / "late.json").write_text(
        json.dumps({"components": {"x-fill": "x" * 100_000}, "openapi": "3.0.3", "paths": {}}), encoding="utf-8"
    )
    (folder / "package.json").write_text('{"name": "x", "version": "3.0.0"}', encoding="utf-8")
    (folder / "shop [1].har.gz").write_bytes(gzip.compress(har("https://api.shop.example/orders")))
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "openapi.json").write_text('{"openapi": "3.0.0", "paths": {}}', encoding="utf-8")
    (folder / ".hidden.har").write_bytes(har("https://x.example/"))
    report = run(folder)
    assert report.tables["sources"] == (
        {"kind": "openapi", "path": "late.json"},
        {"kind": "har", "path": "shop [[]1].har.gz"},
        {"kind": "openapi", "path": "specs/orders.yaml"},
    )
    assert report.lines == ("Next:", "  cask build", "  cask diff")


def test_the_first_server_of_a_spec_is_the_host(folder: Path) -> None:
    (folder / "openapi.yaml").write_text(SPEC, encoding="utf-8")
    run(folder)
    assert load_project(world(folder).files, folder).project.hosts == ("api.shop.example",)


def test_a_scheme_that_was_seen_is_a_comment_and_no_entry(folder: Path) -> None:
    (folder / "openapi.yaml").write_text(SPEC, encoding="utf-8")
    (folder / "a.har").write_bytes(har("https://api.shop.example/x", "https://cdn.example/y", authorization="Basic c2VjcmV0OnZhbHVl"))
    run(folder)
    text = (folder / "cask.yaml").read_text(encoding="utf-8")
    assert "#   api.shop.example: {scheme: bearer, from: env:API_SHOP_EXAMPLE_TOKEN}\n" in text
    assert "#   api.shop.example: {scheme: basic, from: env:API_SHOP_EXAMPLE_LOGIN}\n" in text
    assert "cdn.example" not in text
    assert "c2VjcmV0" not in text
    assert load_project(world(folder).files, folder).project.auth == {}


def test_a_recording_alone_does_not_say_which_hosts_are_yours(folder: Path) -> None:
    (folder / "a.har").write_bytes(
        har("https://api.shop.example:443/1", "https://api.shop.example/2", "http://cdn.example:80/a.js", "blob:x")
    )
    with pytest.raises(CaskError) as caught:
        run(folder)
    assert (caught.value.code, caught.value.mend) == ("CASK-I001", "cask init -a api.shop.example")
    assert caught.value.what == "which hosts are yours? Seen nearby: api.shop.example (2), cdn.example (1)"
    assert sorted(path.name for path in folder.iterdir()) == ["a.har"]


def test_without_anything_a_host_is_asked_for(folder: Path) -> None:
    with pytest.raises(CaskError) as caught:
        run(folder)
    assert (caught.value.code, caught.value.mend) == ("CASK-I001", "cask init -a HOST")
    assert list(folder.iterdir()) == []


def test_a_file_that_cannot_be_read_is_left_out_and_told(folder: Path) -> None:
    (folder / "old.yaml").write_text('swagger: "1.2"\npaths: {}\n', encoding="utf-8")
    (folder / "torn.har").write_bytes(har("https://a.example/")[:-9])
    report = run(folder, "a.example")
    assert [(row.code, row.subject) for row in report.findings] == [("CASK-C002", "old.yaml"), ("CASK-C001", "torn.har")]
    assert report.findings[0].message == "old.yaml is left out: Swagger 1.2 is not supported"
    assert report.findings[0].place == "old.yaml, line 1"
    assert (report.exit, report.summary["sources"]) == (0, 0)


def test_files_behind_links_are_not_taken(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.har").write_bytes(har("https://x.example/"))
    (folder / "link.har").symlink_to(tmp_path / "elsewhere.har")
    (folder / "up").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder)
    assert run(folder, "a.example").tables["sources"] == ()


def test_files_deep_below_are_not_looked_for(folder: Path) -> None:
    for depth in ("1/2/3", "1/2/3/4"):
        (folder / depth).mkdir(parents=True)
        (folder / depth / "a.har").write_bytes(har("https://x.example/"))
    assert [row["path"] for row in run(folder, "a.example").tables["sources"]] == ["1/2/3/a.har"]


# ---------------------------------------------------------------- what is given
@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("API.Shop.Example", "api.shop.example"),
        ("https://api.shop.example/v1", "api.shop.example"),
        ("http://localhost:8080/", "localhost:8080"),
        ("localhost:8080", "localhost:8080"),
        ("https://me:pw@api.shop.example", "api.shop.example"),
    ],
)
def test_a_host_may_be_given_as_people_write_it(given: str, host: str) -> None:
    assert init.host_of(given) == host


@pytest.mark.parametrize("given", ["", "a b", "-a", "a/b", "*.example.com", "https://", "a..b", "ü.example"])
def test_what_is_no_host_is_refused_before_anything_is_written(folder: Path, given: str) -> None:
    with pytest.raises(CaskError) as caught:
        run(folder, given)
    assert caught.value.code == "CASK-I001"
    assert list(folder.iterdir()) == []


def test_a_name_that_is_no_id_is_refused_before_anything_is_written(folder: Path) -> None:
    with pytest.raises(CaskError) as caught:
        run(folder, "a.example", name="My Shop")
    assert caught.value.code == "CASK-I009"
    assert list(folder.iterdir()) == []


def test_a_broken_manifest_is_told_and_left_alone(folder: Path) -> None:
    (folder / "cask.yaml").write_text("version: 1\nhosts: []\n", encoding="utf-8")
    with pytest.raises(CaskError) as caught:
        run(folder, "a.example")
    assert (caught.value.code, caught.value.place) == ("CASK-I004", "cask.yaml:2")
    assert [path.name for path in folder.iterdir()] == ["cask.yaml"]


def test_a_project_above_is_no_reason_not_to_begin_one_here(folder: Path) -> None:
    run(folder, "a.example")
    (folder / "inner").mkdir()
    run(folder / "inner", "b.example")
    assert load_project(world(folder).files, folder / "inner").project.hosts == ("b.example",)
