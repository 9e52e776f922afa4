"""The number of processes: as many as pay, and no byte depends on it."""

import json
from pathlib import Path

import pytest

from caskmcp.engine.plan import Plan
from caskmcp.workflows import build, work
from tests.support.capturing import entry, har
from tests.support.world import world

HOST = "https://api.shop.example"


def large() -> bytes:
    """17 MiB of which most is read in no time: pictures of another host."""
    picture = entry("https://cdn.example.net/a.png", answer=("image/png", "x" * 400_000))
    rows = [
        entry(
            f"{HOST}/orders/{number}",
            answer={"id": number, "status": ("open", "paid", "sent")[number % 3], "total": number / 4, "tags": []},
        )
        for number in range(60)
    ]
    return har(*(each for number, row in enumerate(rows) for each in ([row, picture] if number % 3 else [row, picture, {"request": 7}])))


def tree(folder: Path) -> dict[str, bytes]:
    base = folder / ".caskmcp"
    return {
        path.relative_to(base).as_posix(): path.read_bytes()
        for place in ("captures", "toolpacks")
        for path in (base / place).rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, bytes]]:
    data, found = large(), {}
    for jobs in (1, 2, 3):
        folder = tmp_path_factory.mktemp(f"jobs{jobs}")
        (folder / "a.har").write_bytes(data)
        (folder / "cask.yaml").write_text("version: 1\nhosts: [api.shop.example]\nsources: [{har: a.har}]\n")
        (folder / ".caskmcp" / "state").mkdir(parents=True)
        (folder / ".caskmcp" / "state" / "redaction.key").write_bytes(bytes(range(32)))
        (folder / ".caskmcp" / "state" / "redaction.key").chmod(0o600)
        build.run(world(folder), jobs=jobs)
        found[jobs] = tree(folder)
    return found


@pytest.mark.feature(51)
def test_no_byte_depends_on_the_number_of_processes(built: dict[int, dict[str, bytes]]) -> None:
    assert len(built[1]) > 8
    assert built[1] == built[2] == built[3]


def test_a_large_recording_was_read_in_pieces_and_wholly(built: dict[int, dict[str, bytes]]) -> None:
    head = json.loads(next(data for path, data in built[2].items() if path.endswith("redaction.json")))
    assert len(head["members"]) > 1
    assert (head["kept"], dict(head["skipped"])) == (60, {"broken": 20, "third party": 60})
    assert [place for place, _ in head["broken"]][:3] == ["entry 2", "entry 9", "entry 16"]


def test_a_second_process_is_started_for_much_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.har").write_bytes(har(entry(f"{HOST}/orders/1", answer={"id": 1})))
    (tmp_path / "cask.yaml").write_text("version: 1\nhosts: [api.shop.example]\nsources: [{har: '*.har'}]\n")
    seen: list[int] = []
    others: list[int] = []
    asked = work._jobs

    def noted(plan: Plan) -> int:
        seen.append(asked(plan))
        others.append(work._others(plan, 2))
        return seen[-1]

    monkeypatch.setattr(work, "_jobs", noted)
    build.run(world(tmp_path), jobs=0)
    monkeypatch.setattr(work, "MUCH", 100)
    (tmp_path / "a.har").write_bytes(har(entry(f"{HOST}/orders/2", answer={"id": 2})))
    (tmp_path / "b.har").write_bytes(har(entry(f"{HOST}/orders/3", answer={"id": 3})))
    build.run(world(tmp_path), jobs=0)
    assert seen == [1, 2]
    assert others == [1, 2]  # a single source is worked on here too
