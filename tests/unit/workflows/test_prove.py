"""`capture import --prove`: a sound redaction passes and imports, a broken one is named and imports nothing."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from caskmcp.errors import CaskError, Exit
from caskmcp.model.finding import Report
from caskmcp.redact import rules, scan
from caskmcp.redact.canaries import FAMILIES
from caskmcp.redact.detectors import DETECTORS
from caskmcp.redact.traces import forms, layers
from caskmcp.workflows import build, prove
from tests.support.capturing import entry, har
from tests.support.recordings import SPEC
from tests.support.world import world

HOST = "api.shop.example"
BEARER = "q7Kx2mVb9TzLw4Rs8YpD"
FEW = ("password", "email", "card", "github-token", "person-name", "encoded", "jwt")


@pytest.fixture(autouse=True)
def few_families(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove, "FAMILIES", tuple(row for row in FAMILIES if row.id in FEW))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    call = entry(f"https://{HOST}/orders/1", headers={"Authorization": f"Bearer {BEARER}"}, answer={"id": 1})
    (tmp_path / "shop.har").write_bytes(har(call, call))
    (tmp_path / "orders.yaml").write_text(SPEC, encoding="utf-8")
    return made


def lose(monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    """Take one row from the table of detectors."""
    replace = scan.Scanner.replace

    def forgetful(self: scan.Scanner, text: str, cut: scan.Cut, skip: Iterable[str] = (), depth: int = 0, look: Any = None) -> str:
        return replace(self, text, cut, (*skip, lost), depth, look)

    monkeypatch.setattr(scan.Scanner, "replace", forgetful)
    monkeypatch.setattr(scan.Scanner, "remember", lambda *_: None)  # what it overlooks now must not be taken for plain in other tests
    monkeypatch.setattr(rules, "DETECTORS", tuple(row for row in DETECTORS if row.id != lost))


def proved(folder: Path, *sources: str) -> Report:
    return prove.take(world(folder), sources=sources or ("../shop.har",), hosts=(HOST,))


def results(report: Report) -> dict[str, str]:
    return {row["family"]: row["result"] for row in report.tables["families"]}


@pytest.mark.feature(14)
def test_a_recording_is_imported_after_nothing_planted_was_left(folder: Path) -> None:
    report = proved(folder)
    assert report.exit is Exit.CLEAN
    assert report.summary | {"planted": 0} == {"added": 1, "kept": 2, "planted": 0, "families": 7, "credentials": 1, "left": 0}
    assert report.summary["planted"] > 150
    assert results(report) == dict.fromkeys(FEW, "cut")
    assert len(list((folder / ".caskmcp" / "captures").iterdir())) == 1
    assert build.run(world(folder)).exit is Exit.CLEAN


def test_nothing_of_the_rehearsal_stays_in_the_project(folder: Path) -> None:
    proved(folder)
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert not any(b"canaries" in layer for layer in layers(written))


@pytest.mark.parametrize(
    ("lost", "found"),
    # What is hidden in base64 is an address; and without a look into base64 everything is left there.
    [("password", ["password"]), ("card", ["card"]), ("email", ["email", "encoded"]), ("encoded", FEW)],
)
def test_a_lost_detector_is_named_with_the_files_and_nothing_is_imported(
    folder: Path, monkeypatch: pytest.MonkeyPatch, lost: str, found: Iterable[str]
) -> None:
    lose(monkeypatch, lost)
    report = proved(folder)
    assert report.exit is Exit.REFUSED
    assert {row.subject for row in report.findings} == {f"detector:{each}" for each in found}
    assert {row.code for row in report.findings} == {"CASK-C040"}
    assert any(row.place.endswith("exchanges.ndjson.gz") for row in report.findings)
    assert {each for each in FEW if results(report)[each] == "LEFT"} == set(found)
    assert list(folder.iterdir()) == []


def test_no_finding_says_what_was_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(monkeypatch, "password")
    drawn: list[str] = []
    new = prove.Planted.new

    def noted(self: prove.Planted, family: Any, place: str) -> str:
        drawn.append(new(self, family, place))
        return drawn[-1]

    monkeypatch.setattr(prove.Planted, "new", noted)
    told = json.dumps(proved(folder).json_value()).encode()
    assert drawn
    assert not any(form in told for value in drawn for form in forms(value))


def test_a_credential_of_the_recording_that_lies_in_the_real_root_is_found(folder: Path) -> None:
    log = folder / ".caskmcp" / "state" / "debug.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"sent Bearer {BEARER}")
    report = proved(folder)
    assert report.exit is Exit.REFUSED
    (finding,) = report.findings
    assert (finding.subject, finding.place) == ("detector:recorded", "state/debug.log")
    assert BEARER not in json.dumps(report.json_value())


def test_what_the_manifest_keeps_is_not_planted_and_is_told(folder: Path) -> None:
    (folder / "cask.yaml").write_text(
        f"version: 1\nname: shop\nhosts: [{HOST}]\nredact: {{keep: [surname], keys: [x-internal-id]}}\nsources: []\n"
    )
    report = proved(folder)
    assert report.exit is Exit.CLEAN
    assert results(report) == {**dict.fromkeys(FEW, "cut"), "user": "cut", "person-name": "not cut by cask.yaml"}


def test_the_standard_profile_is_proved_for_what_it_cuts(folder: Path) -> None:
    (folder / "cask.yaml").write_text(f"version: 1\nname: shop\nhosts: [{HOST}]\nredact: {{profile: standard}}\nsources: []\n")
    report = proved(folder)
    assert report.exit is Exit.CLEAN
    assert results(report)["person-name"] == "not cut by cask.yaml"
    assert results(report)["password"] == "cut"


def test_a_spec_alone_is_refused_since_it_is_committed_as_it_is(folder: Path) -> None:
    with pytest.raises(CaskError) as refused:
        proved(folder, "../orders.yaml")
    assert refused.value.code == "CASK-I001"


def test_a_broken_recording_is_refused_as_without_the_proof(folder: Path) -> None:
    (folder.parent / "broken.har").write_bytes(b'{"log": {"entries": [')
    with pytest.raises(CaskError) as refused:
        proved(folder, "../broken.har")
    assert (refused.value.code, refused.value.exit) == ("CASK-C001", Exit.INPUT)
    assert list(folder.iterdir()) == []
