"""The proof of redaction against sabotage: with any one detector taken away, its canary is found; with all of them, nothing is."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from caskmcp.compiler.capture.stage import redacted
from caskmcp.redact import rules, scan
from caskmcp.redact.canaries import FAMILIES, Family
from caskmcp.redact.detectors import DETECTORS
from caskmcp.workflows.planting import Planted
from tests.support.world import CountingEntropy

HOST = "api.shop.example"


def left(families: Iterable[Family], key: bytes = b"k" * 32, **redact: Any) -> set[str]:
    """What the search finds in what the stage gives out."""
    planted = Planted(CountingEntropy().token)
    outputs = redacted(planted.exchanges(families, HOST), kind="har", hosts=[HOST], redact=redact, key=key)
    written = b"".join((*outputs["exchanges"], *outputs["head"]))
    return planted.traces.found(written)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    """A redactor that has lost one row of its table."""
    lost: str = request.param
    replace = scan.Scanner.replace

    def forgetful(self: scan.Scanner, text: str, cut: scan.Cut, skip: Iterable[str] = (), depth: int = 0, look: Any = None) -> str:
        return replace(self, text, cut, (*skip, lost), depth, look)

    monkeypatch.setattr(scan.Scanner, "replace", forgetful)
    monkeypatch.setattr(scan.Scanner, "remember", lambda *_: None)  # what it overlooks now must not be taken for plain in other tests
    monkeypatch.setattr(rules, "DETECTORS", tuple(row for row in DETECTORS if row.id != lost))
    return lost


def test_no_canary_of_any_family_is_left_at_any_place() -> None:
    planted = Planted(CountingEntropy().token)
    assert len(list(planted.exchanges(FAMILIES, HOST))) > 500
    assert sum(planted.counts.values()) > 3000
    assert left(FAMILIES, profile="strict") == set()


def test_the_standard_profile_cuts_its_own_families() -> None:
    kept = ("password", "jwt", "email", "card", "github-token", "encoded")
    assert left([family for family in FAMILIES if family.id in kept], profile="standard") == set()
    assert left([family for family in FAMILIES if family.id == "person-name"], profile="standard") != set()


@pytest.mark.parametrize("without", [family.id for family in FAMILIES], indirect=True)
def test_with_one_detector_taken_away_its_canary_is_found(without: str) -> None:
    found = left([family for family in FAMILIES if family.id == without], profile="strict")
    assert found
    assert {label.partition(" in ")[0] for label in found} == {without}
