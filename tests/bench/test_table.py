"""The table says what was measured, and what was not."""

import pytest

from tests.bench import table
from tests.bench.peers import PEERS, Skipped, given
from tests.bench.run import ROWS, run

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
