"""Twins of two real applications, recorded by others, from the recording that was compiled and from another one.

The recordings are not part of this repository: CASK_SHARED names the folder that holds `truth/`; without it these tests are skipped. They compile
both applications, which takes too long for each run.
"""

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from caskmcp.model.contract import Contracts
from caskmcp.ports import World
from caskmcp.runtime.twin.operations import known
from caskmcp.runtime.twin.play import Twin
from caskmcp.runtime.twin.seeded import seeded
from caskmcp.store.layout import Pack
from caskmcp.workflows import build, capture, here, twin
from tests.support.parity import captured, replayed
from tests.support.twinned import lives
from tests.support.world import world

SHARED = Path(os.environ.get("CASK_SHARED", "/nonexistent"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (SHARED / "truth").is_dir(), reason="CASK_SHARED names no folder with recordings of real applications"),
]
LIVES = {"prefect": 12, "labelstudio": 8}
"""Resources that can be made, got and deleted."""


class Made(NamedTuple):
    """An application, compiled from its first recording; the second one lies under the root."""

    app: str
    world: World
    pack: Pack
    captures: tuple[str, str]


@pytest.fixture(scope="module", params=["prefect", "labelstudio"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    app, folder = str(request.param), tmp_path_factory.mktemp("truth") / "app"
    folder.mkdir()
    (folder / "a.har.gz").write_bytes((SHARED / "truth" / app / "recording_a.har.gz").read_bytes())
    (folder / "b.har.gz").write_bytes((SHARED / "truth" / app / "recording_b.har.gz").read_bytes())
    (folder / "cask.yaml").write_text(f"version: 1\nname: shop\nhosts: [{app}.truth.test]\nsources: [{{har: a.har.gz}}]\n")
    at = world(folder)
    build.run(at)
    (first,) = at.files.listing(here.root(at).captures)
    capture.take(at, sources=("b.har.gz",), hosts=())
    (second,) = set(at.files.listing(here.root(at).captures)) - {first}
    return Made(app, at, here.pack(at), (first, second))


@pytest.mark.parametrize("which", [0, 1], ids=["compiled", "other"])
def test_every_captured_read_has_its_shape_and_nearly_every_one_its_value(made: Made, which: int) -> None:
    name = made.captures[which]
    with twin.running(made.world, made.pack, captures=(name,)) as running:
        seen = replayed(running.port, captured(here.root(made.world).exchanges(name)))
    assert seen.reads > 200
    assert seen.shapes == seen.reads
    assert seen.values >= 0.95 * seen.reads


@pytest.mark.parametrize("which", [(0,), (1,), ()], ids=["compiled", "other", "contracts"])
def test_what_can_be_made_got_and_deleted_lives_a_whole_life(made: Made, which: tuple[int, ...]) -> None:
    contracts = Contracts.from_yaml(made.world.files.read(made.pack.artifact("contracts.yaml")), "contracts.yaml").contracts
    rows = [row for index in which for row in captured(here.root(made.world).exchanges(made.captures[index]))]
    found = list(lives(Twin(seeded(known(contracts, rows)))))
    assert [life for life in found if not life.whole] == []
    assert len(found) == LIVES[made.app]
