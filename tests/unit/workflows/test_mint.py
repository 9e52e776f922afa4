"""`mint` takes files in, compiles, and says what comes next, to the letter."""

from pathlib import Path

import pytest

from caskmcp.govern import keys, sign
from caskmcp.model.finding import Report
from caskmcp.store.layout import Root
from caskmcp.store.manifest import parse
from caskmcp.store.project import load_project
from caskmcp.workflows import mint
from tests.support.recordings import SPEC, har
from tests.support.world import world


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    calls = [f"https://api.shop.example/orders/{number}" for number in (17, 18, 19)]
    (tmp_path / "shop.har").write_bytes(har(*calls, answer={"id": 17, "total": 2}))
    (tmp_path / "orders.yaml").write_text(SPEC, encoding="utf-8")
    return made


def run(folder: Path, *sources: str, name: str | None = None, root: str | None = None) -> Report:
    return mint.run(world(folder, root=root), sources=sources, hosts=("api.shop.example",), name=name)


NEXT = [
    "  cask diff",
    "  cask keys new NAME",
    "  cask trust init --key NAME",
    '  cask gate allow --all --reason "first review"',
    "  git add cask.yaml .caskmcp .gitignore .gitattributes specs/orders.yaml",
    "  cask check",
    "  cask config --client claude-desktop",
    "  cask serve",
]


def test_a_recording_and_a_spec_become_a_toolpack(folder: Path) -> None:
    report = run(folder, "../shop.har", "../orders.yaml", name="shop")
    pack = Root(folder / ".caskmcp").pack("shop")
    assert (report.report, report.exit, report.summary["added"], report.summary["tools"]) == ("mint", 0, 2, 2)
    assert sorted(path.name for path in pack.path.iterdir()) == ["artifact", "lockfile", "toolpack.yaml"]
    assert pack.pending.exists()
    assert list(report.lines[report.lines.index("Next:") + 1 :]) == NEXT
    assert report.lines.count("Next:") == 1


def test_minting_again_adds_nothing_and_runs_nothing(folder: Path) -> None:
    run(folder, "../shop.har", name="shop")
    before = {path: path.read_bytes() for path in (folder / ".caskmcp" / "toolpacks").rglob("*") if path.is_file()}
    report = run(folder, "../shop.har")
    assert (report.summary["added"], report.summary["ran"]) == (0, 0)
    assert {path: path.read_bytes() for path in before} == before


def test_a_recording_inside_the_project_is_captured_once(folder: Path, tmp_path: Path) -> None:
    (folder / "shop.har").write_bytes((tmp_path / "shop.har").read_bytes())
    run(folder, "shop.har")
    assert [row.kind for row in parse((folder / "cask.yaml").read_text(encoding="utf-8")).sources] == ["capture"]


def test_what_is_done_already_is_not_asked_for_again(folder: Path) -> None:
    here = world(folder)
    keys.save(here.files, here.config, sign.generate(here.entropy, "alice"), "correct horse")
    run(folder, "../shop.har", name="shop")
    assert list(mint.next_commands(here, load_project(here.files, folder)))[:2] == ["cask diff", "cask trust init --key alice"]
    root = Root(folder / ".caskmcp").pack("shop").trust_root(1)
    root.parent.mkdir()
    root.write_text("{}", encoding="utf-8")
    assert list(mint.next_commands(here, load_project(here.files, folder)))[:2] == ["cask diff", "cask trust pin"]


def test_the_commands_lead_to_this_toolpack_from_where_the_person_is(folder: Path) -> None:
    run(folder, "../shop.har", name="shop", root="my state")
    other = folder / "my state" / "toolpacks" / "other" / "toolpack.yaml"
    other.parent.mkdir()
    other.write_text("id: other\n", encoding="utf-8")
    (folder / "deep").mkdir()
    below = world(folder / "deep", root="../my state")
    commands = list(mint.next_commands(below, load_project(below.files, below.cwd)))
    assert commands[0] == "cask --root '../my state' --toolpack shop diff"
    assert commands[4] == "git add ../cask.yaml '../my state' ../.gitignore ../.gitattributes"
