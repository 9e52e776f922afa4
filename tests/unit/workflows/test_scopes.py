"""`cask scopes` on a toolpack that was really built: what is suggested, what is the user's, and a merge that only adds."""

import shutil
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.store.scopefile import parse
from caskmcp.workflows import build, scopes
from tests.support.world import world

SPEC = Path(__file__).with_name("shop.yaml").read_text(encoding="utf-8")
MANIFEST = "# ours\nversion: 1\nname: shop\nhosts: [api.shop.example]\nsources: [{openapi: shop.yaml}]\n"
OWN = """\
version: 1
scopes:
  sales:   # ours
    description: Sell things
    tools: [get_order, delete_order]
  "orders:read":
    description: See what was ordered
    tools: []
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scopes") / "project"
    folder.mkdir()
    (folder / "cask.yaml").write_text(MANIFEST, encoding="utf-8")
    (folder / "shop.yaml").write_text(SPEC, encoding="utf-8")
    build.run(world(folder))
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built, tmp_path / "project")
    return tmp_path / "project"


def own(project: Path, text: str = OWN) -> None:
    (project / "scopes.yaml").write_text(text, encoding="utf-8")
    (project / "cask.yaml").write_text(f"{MANIFEST}scopes: scopes.yaml\n", encoding="utf-8")


def test_without_a_file_everything_is_suggested_and_nothing_is_wrong(project: Path) -> None:
    report = scopes.show(world(project))
    assert report.exit == 0
    assert [(row["scope"], row["by"], row["tools"]) for row in report.tables["scopes"]] == [
        ("orders:read", "suggested", 2),
        ("orders:write", "suggested", 2),
        ("payments:write", "suggested", 1),
    ]
    assert not (project / "scopes.yaml").exists()


@pytest.mark.feature(37)
def test_the_first_merge_writes_the_file_shows_it_and_names_it_in_the_manifest(project: Path) -> None:
    report = scopes.merge(world(project))
    written = parse((project / "scopes.yaml").read_text(encoding="utf-8")).scopes
    assert {name: row.tools for name, row in written.items()} == {
        "orders:read": ("get_order", "list_orders"),
        "orders:write": ("create_order", "delete_order"),
        "payments:write": ("refund_payment",),
    }
    assert (project / "cask.yaml").read_text(encoding="utf-8") == f"{MANIFEST}scopes: scopes.yaml\n"
    assert "+      - refund_payment" in report.lines
    assert report.lines[-1] == "Next: cask build"
    assert report.summary == {"added": 5, "file": "scopes.yaml"}


@pytest.mark.feature(37)
def test_a_merge_adds_and_never_overwrites(project: Path) -> None:
    own(project)
    report = scopes.merge(world(project))
    text = (project / "scopes.yaml").read_text(encoding="utf-8")
    written = parse(text).scopes
    assert written["sales"].tools == ("get_order", "delete_order")
    assert written["sales"].description == "Sell things"
    assert written["orders:read"].description == "See what was ordered"
    assert written["orders:read"].tools == ("list_orders",)
    assert written["orders:write"].tools == ("create_order",)
    assert "  sales:   # ours" in text
    assert [row for row in OWN.splitlines() if row not in text.splitlines()] == ["    tools: []"]
    assert [line for line in report.lines if line.startswith("-")] == ["--- scopes.yaml", "-    tools: []"]
    kept = [finding.message for finding in report.findings if finding.code == "scope-kept"]
    assert kept == ["get_order stays in sales; orders:read is suggested", "delete_order stays in sales; orders:write is suggested"]
    assert report.exit == 0


def test_a_second_merge_changes_nothing(project: Path) -> None:
    own(project)
    scopes.merge(world(project))
    before = {name: (project / name).read_bytes() for name in ("cask.yaml", "scopes.yaml")}
    report = scopes.merge(world(project))
    assert report.lines == ("scopes.yaml lacks nothing.",)
    assert {name: (project / name).read_bytes() for name in before} == before


def test_tools_in_no_scope_of_the_user_are_a_review(project: Path) -> None:
    own(project)
    report = scopes.show(world(project))
    assert report.exit == 1
    assert [finding.subject for finding in report.findings if finding.code == "scope-new"] == [
        "orders:read",
        "orders:write",
        "payments:write",
    ]
    scopes.merge(world(project))
    assert scopes.show(world(project)).exit == 0


@pytest.mark.feature(37)
def test_after_the_merge_a_build_binds_the_scopes_that_were_merged(project: Path) -> None:
    own(project)
    scopes.merge(world(project))
    build.run(world(project))
    tools = (project / ".caskmcp/toolpacks/shop/artifact/tools.json").read_text(encoding="utf-8")
    assert tools.count('"boundary": "sha256:') == 5
    assert tools.count('"scope": "sales"') == 2


def test_a_scope_that_names_a_tool_that_is_gone_stops_the_build(project: Path) -> None:
    own(project, OWN.replace("get_order,", "get_ordr,"))
    with pytest.raises(CaskError) as caught:
        build.run(world(project))
    assert caught.value.code == "CASK-I010"
    assert "`get_ordr`" in caught.value.what


@pytest.mark.parametrize(
    ("text", "code"),
    [("version: 1\nscopes: [a]\n", "CASK-I004"), ("version: 2\n", "CASK-I004"), ("a: [\n", "CASK-I003"), ("\ta", "CASK-I003")],
)
def test_a_file_that_is_none_is_refused_and_left_alone(project: Path, text: str, code: str) -> None:
    own(project, text)
    with pytest.raises(CaskError) as caught:
        scopes.merge(world(project))
    assert caught.value.code == code
    assert (project / "scopes.yaml").read_text(encoding="utf-8") == text


def test_a_path_that_leaves_the_project_is_refused(project: Path) -> None:
    (project / "cask.yaml").write_text(f"{MANIFEST}scopes: ../scopes.yaml\n", encoding="utf-8")
    with pytest.raises(CaskError) as caught:
        scopes.merge(world(project))
    assert caught.value.code == "CASK-I005"


def test_a_toolpack_that_suggests_no_scopes_says_how_to_get_them(project: Path) -> None:
    (project / ".caskmcp/toolpacks/shop/artifact/scopes.suggested.yaml").unlink()
    with pytest.raises(CaskError) as caught:
        scopes.show(world(project))
    assert (caught.value.code, caught.value.mend) == ("CASK-I002", "edit cask.yaml")
