"""A project whose document and recording say twelve things differently, and much the same: compiled by the whole pipeline."""

import json
import shutil
from pathlib import Path

import pytest

from caskmcp.workflows import build
from tests.support.world import world

FIXTURE = Path(__file__).parents[3] / "fixtures" / "projects" / "disagreements"


def compiled(folder: Path) -> tuple[dict[str, object], list[dict[str, str]]]:
    report = build.run(world(folder))
    (coverage,) = folder.glob(".caskmcp/toolpacks/*/artifact/coverage.json")
    return dict(report.summary), json.loads(coverage.read_bytes())["disagreements"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], list[dict[str, str]]]:
    folder = tmp_path_factory.mktemp("shop") / "shop"
    shutil.copytree(FIXTURE, folder)
    return compiled(folder)


def test_twelve_planted_disagreements_are_twelve_rows_with_the_side_chosen(made: tuple[dict[str, object], list[dict[str, str]]]) -> None:
    planted = json.loads((FIXTURE / "planted.json").read_text(encoding="utf-8"))
    assert len(planted) == 12
    assert [[row["operation"], row["rule"], row["place"], row["side"]] for row in made[1]] == planted


def test_the_build_says_how_many_there_are(made: tuple[dict[str, object], list[dict[str, str]]]) -> None:
    assert made[0]["disagreements"] == 12


def test_no_value_of_the_recording_stands_in_the_report(made: tuple[dict[str, object], list[dict[str, str]]]) -> None:
    assert not any(value in json.dumps(made[1]) for value in ("cancelled", "next", "acme", "EUR", "0f8bb918"))


def test_a_recording_cut_into_files_in_another_order_gives_the_same_rows(
    tmp_path: Path, made: tuple[dict[str, object], list[dict[str, str]]]
) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(FIXTURE, folder)
    recording = json.loads((folder / "shop.har").read_bytes())
    entries = recording["log"]["entries"][::-1]
    for number, part in enumerate((entries[:5], entries[5:])):
        (folder / f"{number}.har").write_text(json.dumps({"log": {**recording["log"], "entries": part}}))
    (folder / "shop.har").unlink()
    (folder / "cask.yaml").write_text('version: 1\nhosts: [api.shop.example]\nsources:\n  - har: "*.har"\n  - openapi: shop.yaml\n')
    assert compiled(folder)[1] == made[1]
