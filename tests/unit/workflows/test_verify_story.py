"""`cask verify` against a real service on loopback: each mode, what it calls, what it finds, and what it keeps."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import pytest

from caskmcp import canon
from caskmcp.analyze.verify import provenance, replay
from caskmcp.errors import CaskError
from caskmcp.model.evidence import Manifest, Times
from caskmcp.model.finding import Report
from caskmcp.workflows import block, check
from caskmcp.workflows.verify import bundles, stated, story, suggest
from caskmcp.workflows.verify.provenance import _row as page_row
from caskmcp.workflows.verify.story import Asked
from tests.support import audited, drifting, upstream
from tests.support.drift_project import NAME, PASS, TOKEN, Place, Service, Shop
from tests.support.upstream import Heard
from tests.support.world import FixedClock

HELD = """\
version: 1
contracts:
  - tool: list_orders
    assert:
      - {status: [200]}
      - {path: $.items, count: {at_least: 1}}
      - {path: "$.items[*].state", one_of: [open, paid, sent]}
"""


class Live(NamedTuple):
    """A shop, and its service."""

    shop: Shop
    service: Service

    def state(self, text: str) -> None:
        (self.shop.cwd / "verify.yaml").write_text(text, encoding="utf-8")

    def verify(
        self, mode: str = "contracts", *, change: dict[str, Any] | None = None, environment: str | None = "local", **more: Any
    ) -> Report:
        self.service.change = change
        self.service.heard.clear()
        return story.run(self.shop.world(), Asked(mode=mode, environment=environment, **more))

    @property
    def lines(self) -> list[str]:
        """Method and path of what the service heard."""
        return [f"{heard.method} {heard.target}" for heard in self.service.heard]


@pytest.fixture(scope="module")
def blocked(measured_shop: Place, tmp_path_factory: pytest.TempPathFactory) -> Live:
    """The shop without the tool that its service does not have; copied, and never written to by a test."""
    live = Live(measured_shop.shop.copy(tmp_path_factory.mktemp("blocked")), measured_shop.service)
    block.block(live.shop.world(), subjects=("list_returns",), reason="the service does not have it")
    return live


def copied(blocked: Live, folder: Path) -> Iterator[Live]:
    live = Live(blocked.shop.copy(folder), blocked.service)
    yield live
    live.service.instead, live.service.change = None, None


@pytest.fixture
def place(blocked: Live, tmp_path: Path) -> Iterator[Live]:
    yield from copied(blocked, tmp_path)


@pytest.fixture(scope="module")
def shared(blocked: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """For tests in which nothing is called and nothing kept."""
    yield from copied(blocked, tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def ran(blocked: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Path, dict[str, bytes]]]:
    """A run, the folder of its evidence, and what lies in it."""
    for live in copied(blocked, tmp_path_factory.mktemp("ran")):
        folder = evidence(live)
        yield live, folder, {path.name: path.read_bytes() for path in folder.iterdir()}


def results(report: Report) -> dict[str, str]:
    return {row["mode"]: row["result"] for row in report.tables["modes"]}


def codes(report: Report) -> list[str]:
    return sorted({row.code for row in report.findings if row.severity != "info"})


# ---------------------------------------------------------------- modes
class Clean(NamedTuple):
    """A run on a service that is as it was, and what that heard."""

    place: Live
    report: Report
    lines: list[str]


@pytest.fixture(scope="module")
def clean(blocked: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clean]:
    for live in copied(blocked, tmp_path_factory.mktemp("clean")):
        live.state(HELD)
        yield Clean(live, live.verify(), live.lines)


def test_a_service_that_is_as_it_was_passes_and_every_mode_is_shown(clean: Clean) -> None:
    report = clean.report
    assert (results(report), codes(report), report.exit) == (
        {"contracts": "pass", "replay": "not-run", "outcomes": "not-run", "provenance": "not-run"},
        [],
        0,
    )
    assert {row["against"] for row in report.tables["modes"]} == {"live"}
    assert {line.split(" ")[0] for line in clean.lines} == {"GET"}


@pytest.mark.feature(96)
def test_a_mode_without_input_says_not_run_and_fails_when_strict(place: Live) -> None:
    (place.shop.cwd / "captures" / "shop.har").unlink()
    for name in place.shop.pack.path.parent.iterdir():
        assert name.name == "shop"
    for mode in ("replay", "outcomes", "provenance"):
        strict = place.verify(mode, strict=True)
        assert (results(strict)[mode], place.lines, codes(strict), strict.exit) == ("not-run", [], ["not-run"], 1)
    assert place.verify("outcomes").exit == 0
    block.block(
        place.shop.world(),
        subjects=tuple(row for row in ("get_customer", "get_order", "get_reports_daily", "list_orders", "list_products")),
        reason="none",
    )
    assert results(place.verify("contracts"))["contracts"] == "not-run"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"do": "drop", "at": "GET /v1/orders/{}", "field": "/state"}, "field-removed"),
        ({"do": "put", "at": "GET /v1/reports/daily", "field": "/orders", "value": "text"}, "answer-differs"),
        ({"do": "fail", "at": "GET /v1/orders", "status": 500}, "answer-failed"),
        ({"do": "fail", "at": "GET /v1/products", "status": 403}, "answer-status"),
        ({"do": "say", "at": "GET /v1/orders", "field": "/items/*/state", "text": "lost"}, "contract-broken"),
    ],
)
def test_a_service_that_behaves_otherwise_is_found(place: Live, change: dict[str, Any], expected: str) -> None:
    place.state(HELD)
    report = place.verify(change=change)
    assert expected in codes(report)
    assert (results(report)["contracts"], report.exit > 0) == ("fail", True)


def test_a_contract_that_does_not_hold_exits_2_and_names_its_line_and_no_value(place: Live) -> None:
    place.state(HELD.replace("[open, paid, sent]", "[never-seen]"))
    report = place.verify()
    row = next(row for row in report.findings if row.code == "contract-broken")
    assert (row.subject, row.place, report.exit) == ("tool:list_orders", "verify.yaml:3", 2)
    assert row.message == "$.items[*].state: a text that is none of the 1 allowed"


def test_what_the_approved_schema_refuses_reaches_no_service(clean: Clean) -> None:
    note = next(row["note"] for row in clean.report.tables["modes"] if row["mode"] == "contracts")
    assert "15 refused" in note
    assert not any("x_not_an_argument" in line for line in clean.lines)


def test_a_runtime_that_let_such_an_input_through_would_be_found(place: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    from caskmcp.runtime.arguments import ArgumentCheck

    monkeypatch.setattr(ArgumentCheck, "refuse", lambda self, arguments: None)
    assert "outside-accepted" in codes(place.verify())


def few(place: Live) -> str:
    """The first rounds of the recording: enough answers of each read to bear out what is always there."""
    place.shop.record("few.har", drifting.har(drifting.calls(rounds=replay.ENOUGH)))
    return "later/few.har"


@pytest.mark.feature(97)
def test_captured_reads_are_sent_again_and_compared_by_shape_and_value(place: Live) -> None:
    place.service.instead = recorded_shop()
    report = place.verify("replay", base_url=place_url(place), environment=None, capture=few(place))
    row = next(row for row in report.tables["modes"] if row["mode"] == "replay")
    assert (row["result"], row["checked"], codes(report)) == ("pass", 20, [])
    assert row["note"] == "20 shape, 166 values, 166 values compared, 0 cut, 0 refused"
    evidence = place.shop.root.evidence(report.summary["evidence"])
    assert json.loads((evidence / "results.json").read_text())["replay"]["figures"]["shape"] == 20


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"do": "drop", "at": "GET /v1/orders/{}", "field": "/state"}, ["replay-missing"]),
        ({"do": "put", "at": "GET /v1/products", "field": "/data/*/price", "value": "text"}, ["replay-kind"]),
        ({"do": "fail", "at": "GET /v1/reports/daily", "status": 500}, ["replay-status"]),
    ],
)
def test_an_answer_of_another_shape_than_captured_is_found(place: Live, change: dict[str, Any], expected: list[str]) -> None:
    report = place.verify("replay", change=change, capture=few(place))
    assert (codes(report), report.exit) == (expected, 2)


def test_captured_reads_that_nobody_answers_are_no_pass(place: Live) -> None:
    answered = iter((True, True))
    place.service.instead = lambda heard: recorded(heard) if next(answered, False) else b""
    recorded = recorded_shop()
    report = place.verify("replay", base_url=place_url(place), environment=None, capture=few(place))
    assert (results(report)["replay"], set(codes(report)), report.exit > 0) == ("fail", {"call-refused"}, True)


def test_what_the_calls_of_a_run_did_not_reach_is_told(place: Live) -> None:
    report = place.verify(calls=2)
    assert (codes(report), results(report)["contracts"]) == (["calls-spent"], "fail")
    sent = place.verify("replay", calls=2, capture=few(place))
    assert "captured reads: 18 were not sent, the calls of this run are spent" in [row.message for row in sent.findings]


def test_a_key_that_may_be_a_value_is_told_of_no_answer(place: Live) -> None:
    named = "Ada Lovelace, 12 St James's Square"
    place.service.instead = lambda heard: upstream.answer(json.dumps({"day": "2026-01-01", "orders": 1, "revenue": 1.5, named: 1}).encode())
    report = place.verify("replay", capture=few(place))
    assert "a number at /…, which no captured answer had" in [row.message for row in report.findings]
    assert named not in json.dumps(report.json_value(), ensure_ascii=False)


def test_a_key_that_may_be_a_value_is_told_of_no_page() -> None:
    answer = {"people": {"Ada Lovelace": {"post": "Countess of numbers"}, "ada@mail.shop.example": {"post": "Countess of numbers"}}}
    row = provenance.traced("posts", ["Countess of numbers"], list(provenance.fields("list_people", answer)))
    assert page_row(row)["ranked"] == [{"tool": "list_people", "score": 1.0, "texts": 1, "fields": ["/people/…/post"]}]


# ---------------------------------------------------------------- outcomes
STATED = """\
version: 1
writes: {tools: [create_return], environments: [local]}
outcomes:
  - name: a return that is made is found
    steps:
      - {tool: create_return, with: {order_id: 7}, keep: {id: $.id}, assert: [{status: [201]}]}
      - tool: get_return
        with: {return_id: {kept: id}}
        assert: [{path: $.id, is: {kept: id}}, {path: $.state, is: open}]
        eventually: {tries: 4, every_ms: 1}
"""


def returns(*, late: int = 0, lost: bool = False) -> Callable[[Heard], bytes]:
    """A service that keeps returns. late: reads that do not see a return yet. lost: a write is answered and forgotten."""
    kept: dict[int, dict[str, Any]] = {}
    reads = [0]

    def answer(heard: Heard) -> bytes:
        if heard.method == "POST":
            made = {"id": 31, "state": "open", "weight": 1.5}
            if not lost:
                kept[31] = made
            return upstream.answer(json.dumps(made).encode(), status="201 Created")
        reads[0] += 1
        row = kept.get(int(heard.target.rpartition("/")[2])) if reads[0] > late else None
        return upstream.answer(json.dumps(row or {"error": "none"}).encode(), status="200 OK" if row else "404 Not Found")

    return answer


@pytest.mark.feature(98)
def test_what_was_created_is_found_and_a_write_that_is_lost_exits_2(place: Live) -> None:
    place.state(STATED)
    place.service.instead = returns()
    assert (results(place.verify("outcomes"))["outcomes"], place.lines) == ("pass", ["POST /v1/returns", "GET /v1/returns/31"])
    place.service.instead = returns(lost=True)
    report = place.verify("outcomes")
    assert (codes(report), report.exit) == (["outcome-broken"], 2)
    assert [row.message for row in report.findings] == ["a return that is made is found: answered 404"]


def test_a_read_is_asked_again_until_it_holds_and_not_for_ever(place: Live) -> None:
    place.state(STATED)
    place.service.instead = returns(late=3)
    assert (results(place.verify("outcomes"))["outcomes"], len(place.lines)) == ("pass", 5)
    place.service.instead = returns(late=9)
    assert (results(place.verify("outcomes"))["outcomes"], len(place.lines)) == ("fail", 5)


@pytest.mark.parametrize(
    "text",
    [STATED.replace("tools: [create_return]", "tools: [update_order]"), STATED.replace("environments: [local]", "environments: []")],
    ids=["not-named", "no-place"],
)
def test_what_changes_something_is_called_only_where_tool_and_place_are_named(place: Live, text: str) -> None:
    place.state(text)
    report = place.verify("outcomes")
    assert (results(report)["outcomes"], codes(report), place.lines) == ("fail", ["outcome-not-called"], [])


def test_without_that_guard_the_write_would_be_sent(place: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caskmcp.workflows.verify.session.Session.refused", lambda self, row: "")
    place.state(STATED.replace("tools: [create_return]", "tools: [update_order]"))
    place.verify("outcomes")
    assert place.lines[:1] == ["POST /v1/returns"]


# ---------------------------------------------------------------- the door, the record, the evidence
def test_every_call_stands_on_record_and_no_credential_in_the_evidence(clean: Clean) -> None:
    rows = audited.decisions(clean.place.shop.root.audit)
    assert {row["caller"] for row in rows} == {"verify"}
    folder = clean.place.shop.root.evidence(clean.report.summary["evidence"])
    assert not any(TOKEN in path.read_text() for path in folder.iterdir())
    assert {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {"0o600"}


def test_two_runs_on_equal_answers_keep_the_same_evidence_but_for_the_times(clean: Clean, place: Live) -> None:
    place.state(HELD)
    assert place.verify().summary["evidence"] == clean.report.summary["evidence"], "the copy has the same root key"


def test_a_place_that_nobody_approved_is_not_called(place: Live) -> None:
    with pytest.raises(CaskError) as raised:
        place.verify(base_url="http://127.0.0.1:1", environment=None)
    assert (raised.value.code, place.lines) == ("CASK-I010", [])


@pytest.mark.parametrize(
    ("text", "code", "place_"),
    [
        ("version: 1\ncontract: []\n", "CASK-I004", "verify.yaml:2"),
        ("version: 1\ncontracts:\n  - {tool: list_orders, assert: [{path: $.a, matches: x}]}\n", "CASK-I004", "verify.yaml:3"),
        ("version: 1\nplaybooks:\n  - {name: the list, url: 'http://127.0.0.1', texts: {a: .b}, wait: 5}\n", "CASK-I004", "verify.yaml:3"),
        ("version: 1\ncontracts:\n  - {tool: no_such, assert: [{status: [200]}]}\n", "CASK-I010", "verify.yaml"),
        (
            "version: 1\ncontracts:\n  - {tool: list_orders, assert: [{path: $, schema: {$ref: 'http://x.example'}}]}\n",
            "CASK-I004",
            "verify.yaml:3",
        ),
        (STATED.replace("keep: {id: $.id}, ", ""), "CASK-I004", "verify.yaml:4"),
        ("- a list", "CASK-I004", "verify.yaml:1"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line_before_anything_is_called(shared: Live, text: str, code: str, place_: str) -> None:
    shared.state(text)
    with pytest.raises(CaskError) as raised:
        shared.verify()
    assert (raised.value.code, raised.value.place, shared.lines) == (code, place_, [])


@pytest.mark.parametrize("asked", [{"calls": 0}, {"twin": True}, {"base_url": "http://127.0.0.1:1"}, {"faults": ("status",)}], ids=str)
def test_options_that_exclude_each_other_are_refused(shared: Live, asked: dict[str, Any]) -> None:
    with pytest.raises(CaskError) as raised:
        shared.verify(**asked)
    assert raised.value.code == "CASK-I001"


# ---------------------------------------------------------------- check
def contracts_of(place: Live) -> tuple[str, list[str]]:
    report = check.run(place.shop.world(), only=("contracts",))
    return next(row["result"] for row in report.tables["steps"] if row["step"] == "contracts"), [row.code for row in report.findings]


def test_check_takes_a_live_run_on_what_is_approved_and_stated_now(place: Live) -> None:
    place.state(HELD)
    assert contracts_of(place) == ("review", ["contracts-unverified"])
    place.verify()
    assert contracts_of(place) == ("pass", [])
    place.state(HELD.replace("at_least: 1", "at_least: 2"))
    assert contracts_of(place) == ("review", ["contracts-unverified"])


def test_check_takes_no_run_for_a_mode_that_was_stated_and_not_asked_for(place: Live) -> None:
    place.state(HELD + STATED.removeprefix("version: 1\n"))
    place.verify("contracts")
    assert contracts_of(place) == ("review", ["contracts-unverified"])


def test_null_and_anything_but_null_are_two_statements(shared: Live) -> None:
    digests = set()
    for asks in ("is", "is_not"):
        shared.state(f"version: 1\ncontracts: [{{tool: list_orders, assert: [{{path: $.a, {asks}: null}}]}}]\n")
        digests.add(stated.read(shared.shop.world()).digest)
    assert len(digests) == 2


def test_check_fails_on_a_run_that_failed_and_on_evidence_that_was_changed(place: Live) -> None:
    place.state(HELD)
    place.verify(change={"do": "fail", "at": "GET /v1/orders", "status": 500})
    assert contracts_of(place) == ("fail", ["contracts-broken"])
    shutil.rmtree(place.shop.root.evidence("_").parent)
    report = place.shop.root.evidence(place.verify().summary["evidence"]) / "report.json"
    report.write_bytes(report.read_bytes() + b" ")
    assert contracts_of(place) == ("fail", ["CASK-V001"])


# ---------------------------------------------------------------- the evidence that is kept
def evidence(place: Live) -> Path:
    return place.shop.root.evidence(place.verify("outcomes").summary["evidence"])


def flaws(place: Live, *names: str) -> list[str]:
    return [f"{row.code} {row.message}" for row in bundles.verify(place.shop.world(), names=names).findings]


def test_what_a_run_kept_holds_offline(place: Live) -> None:
    evidence(place)
    report = bundles.verify(place.shop.world())
    assert (report.exit, report.summary) == (0, {"runs": 1, "flaws": 0})


def swapped(folder: Path) -> None:
    one, other = folder / "report.json", folder / "results.json"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


FLAWS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "changed": (lambda folder: (folder / "report.json").write_text("{}"), ["report.json: it was changed"]),
    "removed": (lambda folder: (folder / "inputs.json").unlink(), ["inputs.json: it is listed and missing"]),
    "added": (lambda folder: (folder / "more.json").write_text("{}"), ["more.json: it is not listed"]),
    "a folder": (lambda folder: (folder / "more").mkdir(), ["more: it is not listed"]),
    "moved": (swapped, ["report.json: it holds what results.json held", "results.json: it holds what report.json held"]),
    "times": (
        lambda folder: (folder / "times.json").write_text((folder / "times.json").read_text().replace("2026", "2025")),
        ["times.json: it was changed, or is of another run"],
    ),
    "no times": (lambda folder: (folder / "times.json").unlink(), ["times.json: it is missing"]),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), ["manifest.json: it is missing"]),
    "manifest": (
        lambda folder: (folder / "manifest.json").write_text((folder / "manifest.json").read_text().replace('"live"', '"twin"')),
        ["manifest.json: it is not the manifest that the folder is named after: it was changed, or the folder was renamed"],
    ),
    "spaces": (
        lambda folder: (folder / "manifest.json").write_text((folder / "manifest.json").read_text() + " "),
        ["manifest.json: it is not as it is written here"],
    ),
}


@pytest.mark.parametrize("name", sorted(FLAWS))
def test_any_file_that_was_not_left_so_is_named(ran: tuple[Live, Path, dict[str, bytes]], name: str) -> None:
    place, folder, whole = ran
    shutil.rmtree(folder)
    folder.mkdir()
    for file, data in whole.items():
        (folder / file).write_bytes(data)
    change, told = FLAWS[name]
    change(folder)
    found = flaws(place)
    assert all(row.startswith("CASK-V001") for row in found)
    assert set(told) <= {row.removeprefix("CASK-V001 ") for row in found}
    assert bundles.verify(place.shop.world()).exit == 4


def test_evidence_of_another_toolpack_is_refused(place: Live) -> None:
    folder = evidence(place)
    manifest = Manifest.from_json((folder / "manifest.json").read_bytes(), "m").model_copy(update={"toolpack": "other"})
    name = f"verify-{canon.hexadecimal(canon.digest(manifest.content()))[:16]}"
    folder.rename(folder.with_name(name))
    (folder.with_name(name) / "manifest.json").write_bytes(canon.pretty(manifest.content()))
    assert "CASK-V002 it is evidence of `other`, and this is `shop`" in flaws(place, name)


def test_evidence_of_another_toolpack_of_this_root_is_left_to_that(place: Live) -> None:
    folder = evidence(place)
    manifest = Manifest.from_json((folder / "manifest.json").read_bytes(), "m").model_copy(update={"toolpack": "other"})
    name = f"verify-{canon.hexadecimal(canon.digest(manifest.content()))[:16]}"
    shutil.copytree(folder, folder.with_name(name))
    (folder.with_name(name) / "manifest.json").write_bytes(canon.pretty(manifest.content()))
    assert any("CASK-V002" in row for row in flaws(place))
    shutil.copytree(place.shop.pack.path, place.shop.root.pack("other").path)
    assert (flaws(place), bundles.listing(place.shop.world()).summary) == ([], {"runs": 1})


def test_what_a_person_states_is_redacted_in_the_evidence(place: Live) -> None:
    place.state("version: 1\ncontracts: [{tool: get_customer, with: {customer_id: ada.l@mail.shop.example}, assert: [{status: [200]}]}]\n")
    kept = json.loads((evidence(place) / "inputs.json").read_text())["stated"]["contracts"][0]
    assert (kept["tool"], "ada.l" in str(kept)) == ("get_customer", False)


def test_a_signature_holds_for_this_evidence_alone(place: Live) -> None:
    signed = story.run(place.shop.world(PASS, NAME), Asked(mode="outcomes", environment="local", sign="alice")).summary
    assert signed["signed_by"] == "alice"
    folder = place.shop.root.evidence(signed["evidence"])
    assert (flaws(place), bundles.listing(place.shop.world()).tables["runs"][0]["signed_by"]) == ([], "alice")
    times = Times.from_json((folder / "times.json").read_bytes(), "t").model_copy(update={"ended": "2026-11-21T13:00:00Z"})
    (folder / "times.json").write_bytes(canon.pretty(times.model_copy(update={"digest": str(canon.digest(times.told()))}).plain()))
    assert flaws(place) == ["CASK-V001 signatures.json: a signature does not hold, or is by a key that the trust root does not name"]


@pytest.mark.feature(100)
def test_old_runs_are_pruned_and_young_ones_stay(place: Live) -> None:
    folder = evidence(place)
    later = replace(place.shop.world(), clock=FixedClock("2026-12-20T12:00:00Z"))
    assert bundles.prune(later, retain="30d").summary == {"removed": 0, "kept": 1}
    latest = replace(place.shop.world(), clock=FixedClock("2026-12-22T12:00:00Z"))
    assert (bundles.prune(latest, retain="30d", dry_run=True).summary, folder.exists()) == ({"removed": 0, "kept": 1}, True)
    assert (bundles.prune(latest, retain="30d").summary, folder.exists()) == ({"removed": 1, "kept": 0}, False)
    with pytest.raises(CaskError) as raised:
        bundles.prune(latest, retain="soon")
    assert raised.value.code == "CASK-I010"


def test_the_commands_on_evidence_have_their_bad_input(place: Live) -> None:
    for words in (["evidence", "verify", "../../etc"], ["evidence", "verify", "verify-0000000000000000"]):
        with pytest.raises(CaskError) as raised:
            bundles.verify(place.shop.world(), names=tuple(words[2:]))
        assert raised.value.code == "CASK-I010", words
    assert (bundles.listing(place.shop.world()).lines, ["evidence", "list"], ["evidence", "prune"]) == (
        ("No evidence is kept here.",),
        ["evidence", "list"],
        ["evidence", "prune"],
    )


# ---------------------------------------------------------------- suggestions
def test_suggestions_are_kept_beside_and_in_force_nowhere(place: Live) -> None:
    report = suggest.run(place.shop.world())
    written = place.shop.cwd / "verify.suggested.yaml"
    assert report.summary["tools"] == 5
    assert (results(place.verify("outcomes"))["outcomes"], (place.shop.cwd / "verify.yaml").exists()) == ("not-run", False)
    place.state(written.read_text())
    accepted = place.verify()
    assert (results(accepted)["contracts"], codes(accepted)) == ("pass", [])


def test_a_signature_of_the_evidence_needs_a_person(place: Live) -> None:
    with pytest.raises(CaskError) as raised:
        place.verify("outcomes", sign="alice")
    assert raised.value.code == "CASK-A001"


# ---------------------------------------------------------------- the recorded service
def recorded_shop(rounds: int = replay.ENOUGH) -> Callable[[Heard], bytes]:
    """Answers each recorded request as it was recorded."""
    known: dict[tuple[str, str, frozenset[Any]], dict[str, Any]] = {}
    for call in drifting.calls(rounds=rounds):
        known[call["method"], call["path"], frozenset(call["query"].items())] = call

    def answer(heard: Heard) -> bytes:
        path, _, query = heard.target.partition("?")
        call = known[heard.method, path, frozenset(parse_qsl(query))]
        return upstream.answer(json.dumps(call["answer"]).encode(), status=f"{call['status']} Said")

    return answer


def place_url(place: Live) -> str:
    text = (place.shop.cwd / "cask.yaml").read_text()
    return text.partition('url: "')[2].partition('"')[0]
