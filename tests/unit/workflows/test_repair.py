"""`cask repair` on a project that is well, and with twelve faults planted: each is diagnosed, its commands run, and nothing is approved."""

import json
import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from caskmcp import canon
from caskmcp.analyze.repair import DIAGNOSES
from caskmcp.cli import world as builder
from caskmcp.cli.main import main
from caskmcp.load import load
from caskmcp.model.finding import Finding, Report
from caskmcp.ports import World
from caskmcp.store import installed, room
from caskmcp.workflows import amend, block, build, config, drift, gate, init, keys, propose, repair
from caskmcp.workflows.drift import Probe
from tests.support import drifting, upstream
from tests.support.drift_project import NAME, PASS, Place, Service, Shop
from tests.support.world import FixedClock, ScriptedConsole, world

LATER: Final = "2026-12-24T12:00:00Z"
NOON_SECONDS: Final = 1_795_262_400
"""`tests.support.world.NOON` in seconds."""
LOCAL: Final = Probe(environment="local")


class Well(NamedTuple):
    """A shop that nothing is wrong with, and its service."""

    shop: Shop
    service: Service


def recorded(shop: Shop, name: str, data: bytes) -> None:
    """Put a recording among the sources, as old as the clock of these tests says, whatever the machine's own."""
    path = shop.cwd / "captures" / name
    path.write_bytes(data)
    os.utime(path, (NOON_SECONDS, NOON_SECONDS))


@pytest.fixture(scope="module")
def well(measured_shop: Place, tmp_path_factory: pytest.TempPathFactory) -> Well:
    """With the lines for git, and without the tools that the service has never known."""
    shop = measured_shop.shop.copy(tmp_path_factory.mktemp("well"))
    init.run(shop.world(), hosts=(), name=None)
    recorded(shop, "../specs/shop.json", (shop.cwd / "specs" / "shop.json").read_bytes())
    block.block(shop.world(), subjects=("list_returns", "get_return", "create_return"), reason="the service has none")
    # So many answers that words are a vocabulary.
    recorded(shop, "shop.har", drifting.har(drifting.calls("base", 48)))
    build.run(shop.world())
    shop.snapshot()
    return Well(shop, measured_shop.service)


@pytest.fixture
def place(well: Well, tmp_path: Path) -> Iterator[Well]:
    yield Well(well.shop.copy(tmp_path), well.service)
    well.service.change = well.service.instead = None
    well.service.heard.clear()


def only(patch: pytest.MonkeyPatch, *names: str) -> None:
    """Read these sources alone: what a test is not about costs time."""
    patch.setattr(repair, "SOURCES", tuple(row for row in repair.SOURCES if row.name in names))


def ids(report: Report) -> set[str]:
    return {row["id"] for row in report.tables["diagnoses"]}


def commands(report: Report, kind: str) -> list[str]:
    return [row["command"] for row in report.tables["commands"] if row["class"] == kind]


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def governed(shop: Shop) -> dict[str, bytes]:
    """The lock, what it approved, the trust root and the baseline."""
    folders = (shop.pack.lock.parent, shop.pack.trust, shop.baseline.parent)
    return {
        str(path): path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != shop.pack.pending
    }


# ---------------------------------------------------------------- twelve faults
def key_expired(place: Well, patch: pytest.MonkeyPatch) -> World:
    """The keys of the trust root were good for thirty days."""
    shop = place.shop
    amend.run(shop.world(PASS, NAME), amend.Asked(expires="30d"), key=None, sign=False, discard=False)
    return replace(shop.world(), clock=FixedClock(LATER))


def signer_revoked(place: Well, patch: pytest.MonkeyPatch) -> World:
    """Bob's key stands for Alice's, who had approved everything."""
    answers = [("Passphrase for bob:", "word")] * 2
    keys.rotate(place.shop.world(*answers, PASS, NAME), old="alice", to="bob")
    return place.shop.world()


def enum_drifted(place: Well, patch: pytest.MonkeyPatch) -> World:
    """A later recording, which was built, has orders in a state that nobody knew."""
    later = drifting.har(drifting.calls("later", 48)).replace(b"paid", b"refunded")
    recorded(place.shop, "later.har", later)
    build.run(place.shop.world())
    return place.shop.world()


def endpoint_removed(place: Well, patch: pytest.MonkeyPatch) -> World:
    """The service does not know its report any more, as a probe saw."""
    place.service.change = {"do": "gone", "at": "GET /v1/reports/daily", "status": 404}
    drift.run(place.shop.world(), live=LOCAL)
    return place.shop.world()


def answered_401(place: Well, patch: pytest.MonkeyPatch) -> World:
    """The service takes the token no more."""
    place.service.instead = lambda heard: upstream.answer(b"{}", "application/json", status="401 No")
    drift.run(place.shop.world(), live=LOCAL)
    return place.shop.world()


def artifact_edited(place: Well, patch: pytest.MonkeyPatch) -> World:
    """Somebody wrote another word into what is served."""
    path = place.shop.pack.artifact("tools.json")
    path.write_bytes(path.read_bytes().replace(b"Create", b"Delete", 1))
    return place.shop.world()


def rule_dead(place: Well, patch: pytest.MonkeyPatch) -> World:
    """A rule stands behind one that decides everything; it was built and approved so."""
    rules = "rules:\n  - {id: all, effect: confirm, match: {}}\n  - {id: dead, effect: deny, match: {tools: [get_order]}}\n"
    (place.shop.cwd / "policy.yaml").write_text(f"version: 1\n{rules}", encoding="utf-8")
    build.run(place.shop.world())
    place.shop.approve()
    return place.shop.world()


def capture_stale(place: Well, patch: pytest.MonkeyPatch) -> World:
    """The recording is from last year."""
    os.utime(place.shop.cwd / "captures" / "shop.har", (NOON_SECONDS - 365 * 86_400,) * 2)
    return place.shop.world()


def client_nowhere(place: Well, patch: pytest.MonkeyPatch) -> World:
    """The client's file names a folder that was moved away."""
    config.run(place.shop.world(), client="claude-code", install=True, toolset=None, environment=None)
    path = place.shop.cwd / ".mcp.json"
    path.write_text(path.read_text().replace(str(place.shop.cwd), "/nowhere/shop"))
    return place.shop.world()


def extra_missing(place: Well, patch: pytest.MonkeyPatch) -> World:
    """The manifest takes the token from a keyring, and the package for it is not here."""
    path = place.shop.cwd / "cask.yaml"
    path.write_text(path.read_text().replace("env:SHOP_TOKEN", "keyring:shop"))
    build.run(place.shop.world())
    place.shop.approve()
    found = installed.version
    patch.setattr(installed, "version", lambda name: "" if name == "keyring" else found(name))
    return place.shop.world()


def disk_full(place: Well, patch: pytest.MonkeyPatch) -> World:
    """Nothing is free where the root is."""
    patch.setattr(room, "at", lambda path: (0, True))
    return place.shop.world()


def chain_broken(place: Well, patch: pytest.MonkeyPatch) -> World:
    """A line was taken out of the record of decisions."""
    drift.run(place.shop.world(), live=LOCAL)
    path = next(place.shop.root.audit.glob("*.jsonl"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    return place.shop.world()


Plant = Callable[[Well, pytest.MonkeyPatch], World]
# fmt: off
FAULTS: Final[tuple[tuple[Plant, str, frozenset[str], int], ...]] = (
    # planted          diagnosed             what follows from it as well        exit
    (key_expired,      "key-expired",        frozenset(),                           4),
    (signer_revoked,   "signer-revoked",     frozenset({"approval-missing"}),       1),
    (enum_drifted,     "enum-drifted",       frozenset({"approval-missing", "surface-broader"}), 2),
    (endpoint_removed, "endpoint-removed",   frozenset({"service-fails"}),          2),
    (answered_401,     "credential-refused", frozenset({"answers-drifted"}),        1),
    (artifact_edited,  "artifact-edited",    frozenset({"approval-missing"}),       4),
    (rule_dead,        "rule-dead",          frozenset({"approval-missing"}),       1),
    (capture_stale,    "capture-stale",      frozenset(),                           0),
    (client_nowhere,   "client-nowhere",     frozenset(),                           1),
    (extra_missing,    "extra-missing",      frozenset(),                           1),
    (disk_full,        "disk-full",          frozenset(),                           1),
    (chain_broken,     "chain-broken",       frozenset(),                           4),
)
# fmt: on


def test_a_project_that_is_well_has_no_diagnosis(well: Well) -> None:
    report = repair.run(well.shop.world())
    assert (report.tables["evidence"], report.exit) == ((), 0)
    assert report.lines == ("Nothing is wrong that can be seen from here.",)


TOGETHER: Final[tuple[tuple[tuple[Plant, ...], frozenset[str]], ...]] = (
    (
        (endpoint_removed, chain_broken, rule_dead, extra_missing, enum_drifted, capture_stale, client_nowhere, disk_full, artifact_edited),
        frozenset({"approval-missing", "service-fails", "surface-broader"}),
    ),
    ((answered_401, signer_revoked), frozenset({"answers-drifted", "approval-missing"})),
    ((key_expired,), frozenset()),
)


def test_twelve_faults_are_planted_and_each_is_in_one_heap() -> None:
    assert len(FAULTS) == 12
    assert sorted(plant.__name__ for heap, _ in TOGETHER for plant in heap) == sorted(row[0].__name__ for row in FAULTS)


@pytest.mark.feature(101)
@pytest.mark.parametrize(("plants", "besides"), TOGETHER, ids=["project and machine", "people and credentials", "time"])
def test_each_of_twelve_planted_faults_is_diagnosed_and_the_commands_exit_0(
    place: Well, monkeypatch: pytest.MonkeyPatch, plants: tuple[Plant, ...], besides: frozenset[str]
) -> None:
    there = [plant(place, monkeypatch) for plant in plants][-1]
    before = tree(place.shop.cwd)
    report = repair.run(there, apply_safe=True)
    assert tree(place.shop.cwd) == before
    assert ids(report) - besides == {row[1] for row in FAULTS if row[0] in plants}
    assert [row["command"] for row in report.tables["ran"]] == list(dict.fromkeys(commands(report, "SAFE")))
    assert {row["exit"] for row in report.tables["ran"]} == {0}
    lock = place.shop.pack.lock.read_bytes()
    assert [pasted(there, command, monkeypatch) for command in typed_by_anybody(report)] == [0] * len(typed_by_anybody(report))
    assert place.shop.pack.lock.read_bytes() == lock


def typed_by_anybody(report: Report) -> list[str]:
    """The printed commands that need no person and take nothing away, but for packages."""
    starts = ("cask build", "cask config", "cask state")
    return [row["command"] for row in report.tables["commands"] if row["command"].startswith(starts)]


ALONE: Final = "CASK_REPAIR_FAULTS"
alone = pytest.mark.skipif(ALONE not in os.environ, reason=f"{ALONE}=1: 14 projects, half a minute of processor time")


@alone
@pytest.mark.parametrize(("plant", "diagnosis", "besides", "status"), FAULTS, ids=[row[1] for row in FAULTS])
def test_each_fault_alone_is_the_only_diagnosis_and_all_its_commands_exit_0(
    place: Well, monkeypatch: pytest.MonkeyPatch, plant: Plant, diagnosis: str, besides: frozenset[str], status: int
) -> None:
    there = plant(place, monkeypatch)
    before, lock = tree(place.shop.cwd), governed(place.shop)
    report = repair.run(there, apply_safe=True)
    assert tree(place.shop.cwd) == before
    assert governed(place.shop) == lock
    assert (ids(report) - besides, report.exit) == ({diagnosis}, status)
    assert {row["exit"] for row in report.tables["ran"]} <= {0}
    assert [pasted(there, command, monkeypatch) for command in own(report, diagnosis)] == [0] * len(own(report, diagnosis))


def own(report: Report, diagnosis: str) -> list[str]:
    """The commands of a diagnosis that are ours; of many alike, the first of each class."""
    rows = [row for row in report.tables["commands"] if row["diagnosis"] == diagnosis and row["command"].startswith("cask ")]
    return [next(row["command"] for row in rows if row["class"] == kind) for kind in sorted({row["class"] for row in rows}, reverse=True)]


ANSWERS: Final = {
    "cask gate allow": (("Passphrase for bob:", "word"), NAME),
    "cask trust edit": (PASS, NAME),
}


def pasted(there: World, command: str, patch: pytest.MonkeyPatch) -> int:
    """The exit status of a command as it was printed, typed by a person who answers what is asked."""
    answers = next((answers for start, answers in ANSWERS.items() if command.startswith(start)), ())
    console = ScriptedConsole(answers, interactive=True)
    patch.setattr(builder, "build", lambda options: replace(there, console=console))
    load.cache_clear()  # it keeps what it found, and this world is for one command
    try:
        return main(shlex.split(command)[1:])
    finally:
        load.cache_clear()


# ---------------------------------------------------------------- after the commands
MENDED: Final = (
    (artifact_edited, "cask build"),
    (client_nowhere, "cask config --client claude-code --install"),
    (key_expired, "cask trust edit --expires 365d"),
)


@alone
@pytest.mark.parametrize(("plant", "command"), MENDED, ids=[row[1] for row in MENDED])
def test_the_printed_command_mends_the_fault(place: Well, monkeypatch: pytest.MonkeyPatch, plant: Plant, command: str) -> None:
    there = plant(place, monkeypatch)
    assert pasted(there, command, monkeypatch) == 0
    assert ids(repair.run(there)) == set()


# ---------------------------------------------------------------- what is written, and what never is
@pytest.mark.feature(101)
def test_healing_builds_once_and_what_changed_waits_for_a_person(place: Well) -> None:
    """The policy was edited, and the build is behind it."""
    path = place.shop.cwd / "policy.yaml"
    path.write_text("version: 1\nbudgets: {get_reports_daily: {calls: 9, per_seconds: 3600}}\n")
    lock = governed(place.shop)
    report = repair.run(place.shop.world(), heal=True)
    assert ids(report) == {"build-stale"}
    assert [(row["command"], row["class"], row["exit"]) for row in report.tables["ran"]] == [
        ("cask gate status", "SAFE", 0),
        ("cask build", "APPROVAL_REQUIRED", 0),
    ]
    assert governed(place.shop) == lock
    waiting = gate.status(place.shop.world()).tables
    assert [row["id"] for rows in waiting.values() for row in rows if row["status"] == "pending"] == ["policy"]


def test_healing_writes_nothing_where_no_build_mends_anything(place: Well, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "audit")
    there, before = chain_broken(place, monkeypatch), tree(place.shop.cwd)
    report = repair.run(there, heal=True)
    assert [row["command"] for row in report.tables["ran"]] == ["cask audit query --since 7d"]
    assert tree(place.shop.cwd) == before


def test_a_build_that_fails_is_told_with_its_code_and_writes_nothing(place: Well, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "doctor", "state")
    (place.shop.cwd / "policy.yaml").write_text("version: 1\nrules: [{id: all, effect: perhaps}]\n")
    before = tree(place.shop.cwd)
    place.shop.pack.artifact("tools.json").write_text("{}")
    report = repair.run(place.shop.world(), heal=True)
    (row,) = (row for row in report.tables["ran"] if row["command"] == "cask build")
    assert (row["exit"], row["says"].split(" ")[0]) == (3, "CASK-I004")
    after = tree(place.shop.cwd)
    assert {name for name, data in before.items() if after[name] != data} == {".caskmcp/toolpacks/shop/artifact/tools.json"}


def test_every_reading_command_of_the_table_has_a_story_behind_it() -> None:
    assert {row.look for row in DIAGNOSES if row.look} == set(repair.LOOKS)


# ---------------------------------------------------------------- what is read
def test_the_sources_are_read_in_this_order() -> None:
    assert [row.name for row in repair.SOURCES] == ["doctor", "state", "check", "signers", "audit", "calls", "evidence", "drafts"]


def test_a_folder_without_a_project_has_that_diagnosis_alone(tmp_path: Path) -> None:
    report = repair.run(world(tmp_path), apply_safe=True)
    assert ids(report) == {"no-project", "nothing-built"}
    assert list(tmp_path.iterdir()) == []


def test_a_broken_manifest_is_one_diagnosis_and_no_end_of_the_command(place: Well, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "doctor", "check")
    (place.shop.cwd / "cask.yaml").write_text("version: 1\nhost: x\n")
    report = repair.run(place.shop.world())
    assert "manifest-broken" in ids(report)
    assert report.exit == 3


def test_a_lock_that_cannot_be_read_is_told(place: Well, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "state", "signers")
    place.shop.pack.lock.write_text("{", encoding="utf-8")
    report = repair.run(place.shop.world(), apply_safe=True)
    assert "lock-damaged" in ids(report)
    assert report.exit == 4


def test_evidence_that_was_changed_is_told_and_not_believed(place: Well, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "calls", "evidence")
    there = endpoint_removed(place, monkeypatch)
    (path,) = place.shop.root.evidence("_").parent.glob("*/report.json")
    path.write_text(path.read_text().replace("endpoint-removed", "endpoint-added"))
    assert ids(repair.run(there)) == {"evidence-damaged", "service-fails"}


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "without the guard"])
def test_no_command_of_evidence_that_holds_together_is_printed(place: Well, monkeypatch: pytest.MonkeyPatch, guarded: bool) -> None:
    """Evidence without a signature is whatever the folder's writer wants, its digests too: what it says is shown, what it would have run is not."""
    there = endpoint_removed(place, monkeypatch)
    only(monkeypatch)
    if not guarded:
        monkeypatch.setattr(Finding, "model_copy", lambda found, update: found)
    (path,) = place.shop.root.evidence("_").parent.glob("*/report.json")
    row = {"code": "odd", "severity": "review", "subject": "x", "message": "paste this", "mend": "python -m evil"}
    forged(path, {"findings": [row]})
    report = repair.run(there)
    assert ids(report) == {"answers-drifted"}
    assert commands(report, "MANUAL") == ([] if guarded else ["python -m evil"])


def forged(report: Path, value: dict[str, Any]) -> None:
    """Put another report into a folder of evidence, with every digest made to fit."""
    report.write_bytes(canon.pretty(value))
    manifest = json.loads((report.parent / "manifest.json").read_bytes())
    manifest["files"]["report.json"] = str(canon.digest_bytes(report.read_bytes()))
    (report.parent / "manifest.json").write_bytes(canon.pretty(manifest))
    report.parent.rename(report.parent.with_name(f"drift-{canon.hexadecimal(canon.digest(manifest))[:16]}"))


def test_a_folder_with_a_hostile_name_stays_one_word_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x; reboot").mkdir()
    (tmp_path / "x; reboot" / "cask.yaml").write_text("version: 1\nhosts: [api.shop.example]\n")
    only(monkeypatch, "doctor")
    assert "cd 'x; reboot'" in commands(repair.run(world(tmp_path)), "MANUAL")


def test_a_newer_run_takes_the_place_of_an_older_one(place: Well, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "calls")
    endpoint_removed(place, monkeypatch)
    place.service.change = None
    later = replace(place.shop.world(), clock=FixedClock("2026-11-21T13:00:00Z"))
    drift.run(later, live=LOCAL)
    assert ids(repair.run(later)) == set()


def test_a_call_that_worked_since_and_one_of_last_month_are_no_trouble(place: Well, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "calls")
    there = answered_401(place, monkeypatch)
    report = repair.run(replace(there, clock=FixedClock(LATER)))
    assert "credential-refused" not in ids(report)


def test_a_draft_that_waits_is_news_until_it_is_decided(place: Well, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "drafts")
    draft: dict[str, Any] = {"name": "cancel_order", "method": "POST", "host": "api.shop.example", "path": "/v1/orders/{id}/cancel"}
    draft |= {"summary": "Cancel an order.", "reason": "asked for", "arguments": [{"name": "id", "place": "path", "required": True}]}
    (place.shop.cwd / "draft.json").write_text(json.dumps(draft))
    name = propose.file(place.shop.world(), "draft.json", by="an agent").summary["id"]
    report = repair.run(place.shop.world(), apply_safe=True)
    assert (ids(report), report.exit) == ({"draft-waits"}, 0)
    propose.reject(place.shop.world(), name, reason="no")
    assert ids(repair.run(place.shop.world())) == set()


def test_without_the_source_that_tells_it_a_fault_goes_undiagnosed(place: Well, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard taken away: what diagnoses is the source, and not something that is always said."""
    there = chain_broken(place, monkeypatch)
    with monkeypatch.context() as patch:
        only(patch, "audit", "calls")
        assert ids(repair.run(there)) == {"chain-broken"}
    only(monkeypatch, "calls")
    assert ids(repair.run(there)) == set()


# ---------------------------------------------------------------- the command
def test_the_command_prints_diagnoses_and_ends_with_the_worst(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "cask.yaml").write_text("version: 1\nhosts: [api.shop.example]\n")
    monkeypatch.chdir(tmp_path)
    assert main(["repair", "--format", "json"]) == 3
    shown = json.loads(capsys.readouterr().out)
    assert shown["schema"] == "caskmcp/repair/1"
    assert {"diagnosis": "no-project", "class": "MANUAL", "command": "cd below"} in shown["commands"]
    assert shown["diagnoses"][-1]["id"] == "no-project"
    assert main(["repair"]) == 3
    assert "cd below" in capsys.readouterr().out
    assert main(["repair", "--heal", "now"]) == 3


@pytest.mark.parametrize("word", ["allow", "sign", "pin --replace", "snapshot"])
def test_nothing_that_approves_is_run_from_here(word: str) -> None:
    assert not any(word in command for command in repair.LOOKS)
