"""The drift corpus: every planted change in its class at its place and nothing else, and nothing at all in re-captures of the same service.

The cases were written before the code. By default a capture holds the operations that a change touches and those that give them arguments;
with `CASK_EVERY_CHANGE=1` it holds the whole recording (four times as long).
"""

import json
import os
import random
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from caskmcp.analyze.drift import View, drift
from caskmcp.analyze.drift_chance import Gone, Odds, Rose
from caskmcp.compiler.capture.sources.table import source
from caskmcp.errors import Exit
from caskmcp.model.finding import Report
from caskmcp.model.observation import Group
from caskmcp.model.project import Project
from caskmcp.workflows import intake, recapture
from tests.support import drifting, reference_traffic
from tests.support.drifting import Calls

CASES: Final = Path(__file__).resolve().parents[2] / "cases" / "drift"
PLANTED: Final[dict[str, dict[str, Any]]] = yaml.safe_load((CASES / "planted.yaml").read_text(encoding="utf-8"))
BENIGN: Final[dict[str, dict[str, Any]]] = yaml.safe_load((CASES / "benign.yaml").read_text(encoding="utf-8"))
WHOLE: Final = bool(os.environ.get("CASK_EVERY_CHANGE"))
HOSTS: Final = (drifting.HOST, "eu.shop.example")
Groups = Mapping[str, Group]


def captured(kind: str, data: bytes, known: Groups | None = None, hosts: tuple[str, ...] = HOSTS) -> Groups:
    project = Project(version=1, hosts=hosts, keep=("page",))
    taken = intake.record(project, source(kind).read([data]), bytes(32), kind=kind, label="it")
    return recapture.groups(taken, (known or {}).values())


@cache
def base(rounds: int) -> Groups:
    return captured("har", drifting.har(drifting.calls(rounds=rounds)))


@cache
def documented() -> Groups:
    return captured("openapi", drifting.spec())


def compared(old: Groups, new: Groups) -> Report:
    return drift(View("old", old), View("new", new))


def found(report: Report) -> list[list[str]]:
    return sorted([row["class"], row["operation"].replace(f" {drifting.HOST}", " "), row["place"]] for row in report.tables["changes"])


def near(calls: Calls, case: Mapping[str, Any]) -> Calls:
    """The calls of the operations that a case names, and those of lists, which give arguments."""
    at = case.get("change", case.get("more", {})).get("at", "")
    named = {row[1].split(" ")[1].split("{")[0] for row in case["finds"] if " " in row[1]} | {at.split(" ")[1].split("{")[0]}
    return [call for call in calls if WHOLE or any(call["path"].startswith(name) for name in named)]


def recaptured(case: Mapping[str, Any]) -> Report:
    if "spec" in case:
        return compared(documented(), captured("openapi", drifting.spec(case["spec"]), documented()))
    rounds = case.get("rounds", drifting.ROUNDS)
    calls = near(drifting.calls("another day", rounds), case)
    calls = drifting.more(calls, **case["more"]) if "more" in case else drifting.changed(calls, case["change"])
    return compared(base(rounds), captured("har", drifting.har(calls), base(rounds)))


@pytest.mark.feature(64)
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_change_is_found_in_its_class_at_its_place_and_nothing_else_is(name: str) -> None:
    assert found(recaptured(PLANTED[name])) == sorted(PLANTED[name]["finds"])


def test_the_corpus_holds_thirty_changes_of_thirty_classes_and_ten_harmless_recaptures() -> None:
    classes = {row[0] for case in PLANTED.values() for row in case["finds"]}
    assert (len(PLANTED) >= 30, len(classes) >= 30, len(BENIGN) >= 10) == (True, True, True)


@cache
def harmless(name: str) -> tuple[Groups, Groups]:
    """The baseline and a re-capture that changes nothing."""
    case = BENIGN[name]
    calls = drifting.calls(case.get("seed", "base"), case.get("rounds", drifting.ROUNDS))
    calls = drifting.changed(calls, case["change"]) if "change" in case else calls
    if "order" in case:
        random.Random(1).shuffle(calls)
    if "only" in case:
        calls = [call for call in calls if any(drifting.is_at(call, at) for at in case["only"])]
    first = captured("har", drifting.har(every(drifting.calls(), *case["base"]))) if "base" in case else base(drifting.ROUNDS)
    calls = every(calls, *case["take"]) if "take" in case else calls
    return first, captured("har", drifting.har(calls), first)


def every(calls: Calls, start: int, step: int = 2) -> Calls:
    """Every second call of each operation, from the first (0) or the second (1)."""
    seen: dict[tuple[str, int, str], int] = {}
    out = []
    for call in calls:
        key = (call["method"], call["path"].count("/"), call["path"].split("/")[2])
        seen[key] = seen.get(key, -1) + 1
        out += [call] if seen[key] % step == start else []
    return out


@pytest.mark.feature(64)
@pytest.mark.parametrize("name", BENIGN)
def test_a_recapture_of_the_same_service_finds_nothing(name: str) -> None:
    report = compared(*harmless(name))
    assert (found(report), report.exit, report.summary["compared"] > 0) == ([], Exit.CLEAN, True)


BY_CHANCE: Final = [name for name in BENIGN if name.startswith(("a_", "one_answer"))]


@pytest.mark.parametrize("name", BY_CHANCE)
def test_without_the_odds_the_same_recaptures_would_raise_false_alarms(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (Odds, Gone, Rose):
        monkeypatch.setattr(kind, "sure", property(lambda odds: odds.chance < 1))
    assert found(compared(*harmless(name))) != []


def test_a_document_in_other_words_and_another_order_finds_nothing() -> None:
    change = {
        "set": {"/paths/~1v1~1returns/get/summary": "All returns", "/components/schemas/Return/description": "A parcel that came back"}
    }
    document = yaml.safe_dump(yaml.safe_load(drifting.spec(change)), sort_keys=True).encode()
    assert found(compared(documented(), captured("openapi", document, documented()))) == []


# ---------------------------------------------------------------- the reference recording
def halves(entries: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Two recordings without a common entry: of each operation that was called more than once, every second call."""
    by: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for entry in entries:
        request = entry["request"]
        path = request["url"].split("?")[0].split("/", 3)[3].split("/")
        named = "/".join(part for part in path if part.isalpha() or part[:1] == "v")
        asked = json.loads(request.get("postData", {}).get("text", "{}")).get("operationName", "")
        by.setdefault((request["method"], str(len(path)), named, asked), []).append(entry)
    often = [rows for rows in by.values() if len(rows) > 1]
    return [row for rows in often for row in rows[::2]], [row for rows in often for row in rows[1::2]]


COUNT: Final = (66, 4_000) if WHOLE else (16, 420)
"""Endpoints and entries."""


@pytest.mark.feature(64)
def test_two_halves_of_the_reference_recording_do_not_differ_either_way() -> None:
    endpoints, entries = COUNT
    one, other = halves(reference_traffic.Traffic(endpoints).entries(entries))
    hosts = (reference_traffic.API,)
    old = captured("har", reference_traffic.har(one), hosts=hosts)
    new = captured("har", reference_traffic.har(other), old, hosts)
    reports = [compared(*sides) for sides in ((old, new), (new, old))]
    assert [found(report) for report in reports] == [[], []]
    assert min(report.summary["compared"] for report in reports) > endpoints - 4


def test_the_reference_recording_in_another_order_does_not_differ() -> None:
    entries = reference_traffic.Traffic(16).entries(120)
    old = captured("har", reference_traffic.har(entries), hosts=(reference_traffic.API,))
    random.Random(3).shuffle(entries)
    new = captured("har", reference_traffic.har(entries), old, (reference_traffic.API,))
    assert found(compared(old, new)) == []
