"""Captures that come in over months: the union does not depend on their order, the same bytes add nothing, and overlaps are told."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from caskmcp.model.finding import Report
from caskmcp.workflows import build, capture
from caskmcp.workflows.overlap import common
from tests.support.capturing import entry, har
from tests.support.world import world

HOST = "https://api.example.com"


def orders(*numbers: int) -> list[dict[str, Any]]:
    return [entry(f"{HOST}/orders/{number}", answer={"id": number, "open": number % 2 == 0}) for number in numbers]


MONTHS = {
    "may.har": orders(*range(1, 9)),
    "june.har": [*orders(*range(20, 26)), entry(f"{HOST}/orders?page=2", answer=[{"id": 7}])],
    "july.har": [entry(f"{HOST}/users/7", answer={"name": "Ana Winterbottom"}, headers={"Authorization": "Bearer of-july-0001"})],
}


def project(folder: Path, *names: str) -> Path:
    folder.mkdir()
    (folder / "cask.yaml").write_text("version: 1\nname: shop\nhosts: [api.example.com]\n")
    for name in names:
        (folder / name).write_bytes(har(*MONTHS[name]))
    return folder


def take(folder: Path, *names: str) -> Report:
    return capture.take(world(folder), sources=names, hosts=())


def artifacts(folder: Path) -> dict[str, bytes]:
    build.run(world(folder))
    base = folder / ".caskmcp" / "toolpacks" / "shop"
    return {path.relative_to(base).as_posix(): path.read_bytes() for path in sorted(base.rglob("*")) if path.is_file()}


@pytest.mark.feature(15)
def test_the_order_in_which_captures_come_in_changes_no_byte(tmp_path: Path) -> None:
    made = []
    for number, names in enumerate((*permutations(MONTHS),)[::2]):
        folder = project(tmp_path / str(number), *names)
        for name in names:
            take(folder, name)
        made.append(artifacts(folder))
    assert len(made) == 3
    assert all(each == made[0] for each in made)


@pytest.mark.feature(15)
def test_another_capture_runs_its_own_steps_and_those_of_what_it_touches(tmp_path: Path) -> None:
    folder = project(tmp_path / "shop", *MONTHS)
    take(folder, "may.har", "june.har")
    build.run(world(folder))
    take(folder, "july.har")
    report = build.run(world(folder), explain=True)
    ran = sorted(row["step"].split(" ")[0] for row in report.tables["steps"] if row["did"] == "ran")
    up_to_date = sorted(row["step"].split(" ")[0] for row in report.tables["steps"] if row["did"] == "up to date")
    assert ran.count("capture") == ran.count("normalize") == 1
    assert up_to_date.count("capture") == up_to_date.count("normalize") == 2
    assert (ran.count("infer"), up_to_date.count("infer")) == (1, 2)


@pytest.mark.feature(1)
@pytest.mark.feature(15)
def test_the_same_bytes_again_add_nothing(tmp_path: Path) -> None:
    folder = project(tmp_path / "shop", "may.har")
    take(folder, "may.har")
    before = (artifacts(folder), (folder / "cask.yaml").read_bytes())
    again = take(folder, "may.har")
    assert (again.summary["added"], [row["state"] for row in again.tables["sources"]]) == (0, ["known"])
    assert (artifacts(folder), (folder / "cask.yaml").read_bytes()) == before


def test_two_exports_of_one_session_are_told(tmp_path: Path) -> None:
    folder = project(tmp_path / "shop", "may.har", "july.har")
    (folder / "again.har").write_bytes(har(*MONTHS["may.har"], *orders(99)))
    first = take(folder, "may.har")
    (other,) = (row["source"].removeprefix("capture: ") for row in first.tables["sources"])
    line = f"  about 89% of its exchanges and of capture {other[:12]} are the same: if both hold one session, they count twice (cask capture forget {other[:12]})"
    assert line in take(folder, "again.har").lines
    assert not any("count twice" in text for text in (*first.lines, *take(folder, "july.har").lines))


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("abcdefgh", "abcdefgh", 1.0),
        ("abcd", "abcdefgh", 0.5),
        ("abc", "abc", 0.0),
        ("abcd", "efgh", 0.0),
        ("", "abcd", 0.0),
    ],
)
def test_small_samples_are_compared_exactly(one: str, other: str, share: float) -> None:
    assert common(one, other) == common(other, one) == share


def test_large_captures_are_compared_by_their_smallest_digests() -> None:
    first, second = ([f"{number:04}" for number in range(low, low + 128)] for low in (0, 32))
    assert common(first[:64], second[:64]) == 0.5
    assert common(first[:64], first[:64]) == 1.0
