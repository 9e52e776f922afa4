"""`cask verify --twin` on two real applications, compiled from one recording, against a twin made from the other one, with faults.

The recordings are not part of this repository: CASK_SHARED names the folder that holds `truth/`; without it these tests are skipped. They compile
both applications, which takes too long for each run.
"""

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from caskmcp.govern import keys
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import build, capture, gate, here, trust
from caskmcp.workflows.verify import story
from caskmcp.workflows.verify.story import Asked
from tests.support import packs
from tests.support.world import ScriptedConsole, world

SHARED = Path(os.environ.get("CASK_SHARED", "/nonexistent"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (SHARED / "truth").is_dir(), reason="CASK_SHARED names no folder with recordings of real applications"),
]
PASS, NAME = ("Passphrase for alice:", "word"), ("Type `shop` to sign:", "shop")
FAULTS = (
    "status-500",
    "status-404",
    "status-403",
    "wrong-media",
    "broken-body",
    "missing-field",
    "null-field",
    "wrong-type",
    "renamed-field",
)
"""Faults of reads; those of what is written need outcomes, which are stated for the bundled example."""


class Made(NamedTuple):
    """An application, compiled from its first recording and approved; the second one lies under the root."""

    app: str
    folder: Path
    captures: tuple[str, str]

    def world(self, *answers: tuple[str, str]) -> World:
        return world(self.folder, console=ScriptedConsole(answers, interactive=bool(answers)))


@pytest.fixture(scope="module", params=["prefect", "labelstudio"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    app, folder = str(request.param), tmp_path_factory.mktemp("verified") / "app"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.har.gz").write_bytes((SHARED / "truth" / app / f"recording_{name}.har.gz").read_bytes())
    (folder / "cask.yaml").write_text(f"version: 1\nname: shop\nhosts: [{app}.truth.test]\nsources: [{{har: a.har.gz}}]\n")
    at = Made(app, folder, ("", ""))
    build.run(at.world())
    (first,) = LocalFiles().listing(here.root(at.world()).captures)
    signing = at.world(PASS)
    keys.save(LocalFiles(), signing.config, packs.signer("alice"), "word")
    trust.init(signing, key="alice", replace=False)
    gate.allow(at.world(PASS, NAME), subjects=(), everything=True, reason="seen")
    capture.take(at.world(), sources=("b.har.gz",), hosts=())
    (second,) = set(LocalFiles().listing(here.root(at.world()).captures)) - {first}
    return at._replace(captures=(first, second))


def verify(made: Made, *faults: str, mode: str = "all", which: int = 1) -> Report:
    asked = Asked(mode=mode, twin=True, faults=faults, twin_captures=(made.captures[which],), capture=made.captures[0], calls=1_000)
    return story.run(made.world(), asked)


def told(report: Report) -> set[tuple[str, str, str]]:
    return {(row.code, row.subject, row.message) for row in report.findings if row.severity != "info"}


@pytest.mark.parametrize("which", [1, 0], ids=["other", "compiled"])
@pytest.mark.parametrize("mode", ["contracts", "replay"])
def test_a_twin_without_faults_raises_no_alarm(made: Made, mode: str, which: int) -> None:
    report = verify(made, mode=mode, which=which)
    assert (told(report), report.summary[mode], report.summary["against"]) == (set(), "pass", "twin")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_of_a_read_is_found(made: Made, fault: str) -> None:
    report = verify(made, fault, mode="contracts")
    assert (report.summary["contracts"], report.exit > 0) == ("fail", True)
