"""Which root a command works on: by option, by the toolpack's own place, or upward from the working directory."""

from pathlib import Path

import pytest

from caskmcp.workflows import here
from tests.support import packs
from tests.support.world import world


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    packs.write(packs.approved_pack(), folder / ".caskmcp")
    (tmp_path / "elsewhere").mkdir()
    return folder


def test_the_nearest_root_upward_is_taken(project: Path) -> None:
    (project / "deep" / "er").mkdir(parents=True)
    assert here.root(world(project / "deep" / "er")).path == project / ".caskmcp"


@pytest.mark.parametrize("form", ["{pack}/toolpack.yaml", "{pack}", "{pack}/", "{pack}/../shop/toolpack.yaml"])
def test_a_toolpack_given_by_path_brings_its_root_with_it(project: Path, form: str) -> None:
    elsewhere = project.parent / "elsewhere"
    for pack in (str(project / ".caskmcp" / "toolpacks" / "shop"), "../project/.caskmcp/toolpacks/shop"):
        of = world(elsewhere, toolpack=form.format(pack=pack))
        assert here.root(of).path == project / ".caskmcp"
        assert here.pack(of).path == project / ".caskmcp" / "toolpacks" / "shop"


@pytest.mark.parametrize("given", ["shop", "/no/such/toolpacks/shop", "./absent/toolpack.yaml"])
def test_an_id_or_a_path_to_nothing_brings_none(project: Path, given: str) -> None:
    assert here.root(world(project, toolpack=given)).path == project / ".caskmcp"


def test_the_option_wins(project: Path) -> None:
    path = str(project / ".caskmcp" / "toolpacks" / "shop")
    assert here.root(world(project, toolpack=path, root="/other/root")).path == Path("/other/root")


def test_a_toolpack_that_was_moved_out_of_a_root_has_none_of_its_own(project: Path) -> None:
    moved = project.parent / "handed-over"
    (project / ".caskmcp" / "toolpacks" / "shop").rename(moved)
    assert here.root(world(project, toolpack=str(moved))).path == project / ".caskmcp"
