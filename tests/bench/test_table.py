"""The table says what was measured, and what was not."""

import pytest

from tests.bench import table
from tests.bench.peers import PEERS, Skipped, given
from tests.bench.run import ROWS, run
from tests.bench.served import Block, figures

MEASURED = {
    "row": "build-redocly",
    "against": "redocly",
    "wanted": "<= 0.333",
    "ratio": 0.31,
    "spread": "0.30-0.33",
    "ours_s": 1.2,
    "theirs_s": 3.9,
    "ours_cpu_s": 1.9,
    "theirs_cpu_s": 4.4,
    "ours_mib": 190,
    "theirs_mib": 492,
}


def test_a_measured_row_shows_both_sides() -> None:
    assert table.markdown({"rows": [MEASURED]}).splitlines()[2:] == [
        "| build-redocly | redocly | <= 0.333 | 0.31 (0.30-0.33) | 1.2 / 1.9, 190 | 3.9 / 4.4, 492 |"
    ]


def test_a_peer_that_is_not_here_is_shown_as_skipped_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    for peer in PEERS:
        monkeypatch.delenv(peer.variable, raising=False)
    monkeypatch.delenv("CASK_BENCH_HAR", raising=False)
    row = next(row for row in ROWS if row.name == "build-toolsmelt")
    found = run(row, 1)
    assert found["skipped"] == "CASK_BENCH_HAR does not name a file here"
    assert table.markdown({"rows": [found]}).count("skipped: CASK_BENCH_HAR does not name a file here") == 1


def test_a_variable_that_names_nothing_is_no_peer(tmp_path: object) -> None:
    with pytest.raises(Skipped, match="CASK_BENCH_PEER does not name a file here"):
        given("CASK_BENCH_PEER", {"CASK_BENCH_PEER": "/nowhere/at/all"})
    assert given("CASK_BENCH_PEER", {"CASK_BENCH_PEER": str(tmp_path)}) == str(tmp_path)


def test_each_peer_has_a_row() -> None:
    assert {f"build-{peer.name}" for peer in PEERS} <= {row.name for row in ROWS}


CALLED = {
    "row": "list-1000",
    "against": "a bare low-level server",
    "wanted": "<= 1.2",
    "ratio": 0.21,
    "spread": "0.10-0.32",
    "cpu_ratio": 0.03,
    **{
        f"{who}_{name}": value
        for who in ("ours", "theirs")
        for name, value in {"p50_ms": 1.5, "p99_ms": 9.0, "cpu_ms": 3.0, "per_s": 17, "mib": 135}.items()
    },
}


def test_a_row_of_served_calls_shows_both_sides_and_a_skipped_one_the_reason() -> None:
    row, skipped = table.served({"rows": [CALLED, {"row": "a", "against": "b", "wanted": "c", "skipped": "not here"}]}).splitlines()[2:]
    assert row == (
        "| list-1000 | a bare low-level server | <= 1.2 | 0.21 (0.10-0.32) | 0.03 | 1.5 / 9.0 / 3.0, 17, 135 | 1.5 / 9.0 / 3.0, 17, 135 |"
    )
    assert skipped == "| a | b | c | skipped: not here | | | |"


def test_figures_are_ratios_of_blocks_and_each_sides_own() -> None:
    ours, theirs = Block((0.002, 0.004, 0.006), 0.03, 0.012, 0.006), Block((0.001, 0.002, 0.003), 0.015, 0.006)
    found = figures([(ours, theirs), (ours, theirs)], (90.0, 80.0))
    assert (found["ratio"], found["spread"], found["cpu_ratio"], found["throughput"]) == (2.0, "2.00-2.00", 2.0, 0.5)
    assert (found["ours_p50_ms"], found["theirs_p50_ms"], found["ours_cpu_ms"], found["ours_mib"]) == (4.0, 2.0, 10.0, 90)
    assert (found["ours_queued_ms"], found["theirs_queued_ms"]) == (2.0, 0.0), "what others on the machine took stands beside"
