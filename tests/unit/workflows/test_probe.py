"""`cask drift --live` against a real service on loopback: what is called, what is kept, and what never is."""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from caskmcp.errors import CaskError, Exit
from caskmcp.model.finding import Report
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.workflows import block, drift, probe
from caskmcp.workflows.drift import Probe
from tests.support import audited, drifting, upstream
from tests.support.drift_project import TOKEN, Place, Service, Shop, make
from tests.support.upstream import Heard, Upstream

LOCAL = Probe(environment="local")
READ = ["get_customer", "get_order", "get_reports_daily", "list_orders", "list_products", "list_returns"]
CHANGE = {"do": "drop", "at": "GET /v1/reports/daily", "field": "/revenue"}


class Live(NamedTuple):
    """A shop with a baseline, and its service."""

    shop: Shop
    service: Service

    def probe(self, asked: Probe = LOCAL, change: Mapping[str, Any] | None = None) -> Report:
        self.service.change = change
        self.service.heard.clear()
        return drift.run(self.shop.world(), live=asked)

    @property
    def lines(self) -> list[str]:
        """Method and path of what the service heard."""
        return [f"{heard.method} {heard.target}" for heard in self.service.heard]


@pytest.fixture
def place(measured_shop: Place, tmp_path: Path) -> Live:
    return Live(measured_shop.shop.copy(tmp_path), measured_shop.service)


def found(report: Report) -> list[tuple[str, str, str]]:
    return [(row["class"], row["subject"], row["severity"]) for row in report.tables["changes"]]


def outcomes(report: Report, result: str) -> list[str]:
    return sorted({row["tool"] for row in report.tables["probes"] if row["result"] == result})


GONE = ("endpoint-removed", "tool:list_returns", "breaking")
"""The service does not know `/v1/returns`, which a document states: found in every probe."""


# ---------------------------------------------------------------- what is called
@pytest.mark.feature(66)
def test_approved_reads_are_called_and_nothing_else(place: Live) -> None:
    report = place.probe()
    assert outcomes(report, "called") == READ
    assert {line.split(" ")[0] for line in place.lines} == {"GET"}
    assert {row["tool"]: row["why"] for row in report.tables["probes"] if row["result"] == "not called"} == {
        "create_order": "it is no read",
        "create_return": "it is no read",
        "delete_cart": "it is no read",
        "get_return": "its arguments are not known: --arguments FILE",
        "update_order": "it is no read",
    }
    assert found(report) == [GONE]


def test_arguments_come_from_the_answers_of_the_same_run(place: Live) -> None:
    place.probe()
    orders = [row["id"] for row in drifting.served("GET", "/v1/orders")["answer"]["items"]]
    called = [line for line in place.lines if line.startswith("GET /v1/orders/")]
    assert called == [f"GET /v1/orders/{number}" for number in orders[: probe.SAMPLES]]


def test_arguments_that_a_person_gives_are_used_instead(place: Live) -> None:
    (place.shop.cwd / "arguments.yaml").write_text(
        "get_order: [{order_id: 7}, {order_id: 8}]\nget_customer: {customer_id: 0b0e5a52-6b0c-4c5e-9f57-0d6f5a1c2b3d}\n"
    )
    place.probe(replace(LOCAL, arguments="arguments.yaml"))
    assert [line for line in place.lines if line.count("/") == 3 and "daily" not in line] == [
        "GET /v1/customers/0b0e5a52-6b0c-4c5e-9f57-0d6f5a1c2b3d",
        "GET /v1/orders/7",
        "GET /v1/orders/8",
    ]


def test_a_tool_that_is_not_approved_is_not_called(place: Live) -> None:
    block.block(place.shop.world(), subjects=("list_orders",), reason="not now")
    report = place.probe()
    assert not any(line.startswith("GET /v1/orders") for line in place.lines)
    assert outcomes(report, "not called") == [
        "create_order",
        "create_return",
        "delete_cart",
        "get_customer",
        "get_order",
        "get_return",
        "update_order",
    ]


def test_the_calls_of_a_run_are_bounded_and_what_was_left_out_is_said(place: Live) -> None:
    report = place.probe(replace(LOCAL, calls=2))
    assert (len(place.lines), report.summary["calls"]) == (2, 2)
    assert "the calls of this run are spent: --calls N" in {row["why"] for row in report.tables["probes"]}


def test_the_policys_budget_ends_a_probe_as_it_ends_an_agent(place: Live) -> None:
    (place.shop.cwd / "arguments.yaml").write_text(f"get_reports_daily: [{', '.join(['{}'] * 7)}]\n")
    report = place.probe(replace(LOCAL, arguments="arguments.yaml"))
    assert len([line for line in place.lines if "daily" in line]) == 5
    assert [row["why"] for row in report.tables["probes"] if row["tool"] == "get_reports_daily"] == ["200"] * 5 + ["CASK-R010"] * 2


def test_every_call_stands_on_record(place: Live) -> None:
    place.probe()
    rows = audited.decisions(place.shop.root.audit)
    assert [(row["caller"], row["verdict"]) for row in rows] == [("drift", "allow")] * len(place.lines)


def test_an_id_from_an_answer_reaches_no_other_path(place: Live) -> None:
    report = place.probe(change={"do": "put", "at": "GET /v1/orders", "field": "/items/*/id", "value": "climb"})
    assert not any("admin" in line for line in place.lines)
    assert [row["why"] for row in report.tables["probes"] if row["tool"] == "get_order"] == ["CASK-R002"]


# ---------------------------------------------------------------- what is found
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (CHANGE, ("field-removed", "tool:get_reports_daily", "review")),
        (
            {"do": "put", "at": "GET /v1/reports/daily", "field": "/orders", "value": "text"},
            ("field-type", "tool:get_reports_daily", "review"),
        ),
        ({"do": "put", "at": "GET /v1/orders", "field": "/items/*/id", "value": "text"}, ("field-type", "tool:list_orders", "breaking")),
        ({"do": "put", "at": "GET /v1/customers/{}", "field": "/email", "value": "email"}, ("pii-appeared", "tool:get_customer", "review")),
        (
            {"do": "put", "at": "GET /v1/customers/{}", "field": "/feed", "value": "token"},
            ("secret-appeared", "tool:get_customer", "breaking"),
        ),
        ({"do": "fail", "at": "GET /v1/reports/daily", "status": 503}, ("errors-rose", "tool:get_reports_daily", "review")),
        ({"do": "gone", "at": "GET /v1/reports/daily", "status": 410}, ("endpoint-removed", "tool:get_reports_daily", "breaking")),
        ({"do": "status", "at": "GET /v1/reports/daily", "status": 302}, ("errors-rose", "tool:get_reports_daily", "review")),
        ({"do": "picture", "at": "GET /v1/reports/daily"}, ("media-changed", "tool:get_reports_daily", "review")),
        ({"do": "xml", "at": "GET /v1/reports/daily"}, ("media-changed", "tool:get_reports_daily", "review")),
    ],
    ids=lambda value: value["do"] if isinstance(value, dict) else "",
)
def test_a_change_of_the_service_is_found(place: Live, change: dict[str, Any], expected: tuple[str, str, str]) -> None:
    report = place.probe(change=change)
    assert expected in found(report)
    assert report.exit is Exit.BREAKING  # for `/v1/returns`


@pytest.mark.feature(65)
def test_personal_data_in_one_answer_is_a_risk(place: Live) -> None:
    report = place.probe(change={"do": "put", "at": "GET /v1/customers/{}", "field": "/email", "value": "email"})
    assert [row.severity for row in report.findings if row.code == "pii-appeared"] == ["review"]


def exported() -> drifting.Calls:
    """Rounds in which one export of one project is asked for, after two lists that give an id each."""
    rng = random.Random("exports")
    found: drifting.Calls = []
    for _ in range(12):
        project, export = (rng.randrange(10**5, 10**6) for _ in range(2))
        answers = {
            "/v1/projects": {"items": [{"id": project, "name": "one"}]},
            "/v1/exports": {"items": [{"id": export, "size": 3}]},
            f"/v1/projects/{project}/exports/{export}": {"state": "done", "rows": 4},
        }
        base = drifting.calls(rounds=1)[0]
        found += [{**base, "path": path, "query": {}, "answer": answer} for path, answer in answers.items()]
    return found


def test_ids_of_different_answers_that_name_nothing_together_say_nothing_of_the_endpoint(tmp_path: Path) -> None:
    heard: list[str] = []

    def answer(request: Heard) -> bytes:
        heard.append(request.target)
        items = {
            "/v1/projects": [{"id": 100001 + number, "name": "one"} for number in range(3)],
            "/v1/exports": [{"id": 200001, "size": 3}],
        }
        body = {"items": items[request.target]} if request.target in items else {"error": "none"}
        return upstream.answer(json.dumps(body).encode(), status="200 OK" if "items" in body else "404 Not Found")

    with Upstream(answer) as at:
        shop = make(tmp_path, at, exported())
        shop.snapshot()
        report = drift.run(shop.world(), live=LOCAL)
    assert "/v1/projects/100001/exports/200001" in heard
    assert "endpoint-removed" not in {row.code for row in report.findings if row.subject != GONE[1]}


# ---------------------------------------------------------------- what is kept
def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_nothing_that_the_service_answered_reaches_the_disk_or_the_report(place: Live) -> None:
    change = {"do": "put", "at": "GET /v1/customers/{}", "field": "/email", "value": "email"}
    before = files(place.shop.folder)
    report = place.probe(change=change)
    written = b"\n".join(data for path, data in files(place.shop.folder).items() if before.get(path) != data)
    customer = next(line for line in place.lines if "customers" in line).rpartition("/")[2]
    answered = drifting.served("GET", f"/v1/customers/{customer}", change)["answer"]
    assert b"pii-appeared" in written
    for value in (answered["email"], answered["labels"][0], customer, TOKEN):
        assert value.encode() not in written, value
        assert value not in json.dumps(report.json_value())


@pytest.mark.parametrize("secret", ["sunflower", "open sesame!", "4711-0815"])
def test_a_plain_credential_that_the_service_repeats_is_cut_from_what_is_kept(place: Live, secret: str) -> None:
    place.service.change = {"do": "say", "at": "GET /v1/orders/{}", "field": "/state", "text": secret}
    here = replace(place.shop.world(), credentials=ReferencedCredentials({"SHOP_TOKEN": secret}))
    before = files(place.shop.folder)
    name = drift.run(here, live=LOCAL).summary["evidence"]
    written = b"\n".join(data for path, data in files(place.shop.folder).items() if before.get(path) != data)
    assert secret.encode() not in written
    seen = json.loads((place.shop.root.evidence(name) / "observed.json").read_bytes())
    shape = seen["GET api.shop.example/v1/orders/{order_id}"]["row"]["responses"]["200"]["application/json"]["shape"]
    assert shape["properties"]["state"] == {"strings": 3, "redacted": {"secret": 3}}
    assert {heard.header("Authorization") for heard in place.service.heard} >= {f"Bearer {secret}"}


def test_how_a_probe_authenticates_is_known_and_no_news(place: Live) -> None:
    name = place.probe().summary["evidence"]
    seen = json.loads((place.shop.root.evidence(name) / "observed.json").read_bytes())
    assert seen["GET api.shop.example/v1/orders"]["row"]["auth"] == {"bearer": 1}


def test_what_was_counted_is_kept_with_digests_and_the_times_apart(place: Live) -> None:
    name = place.probe().summary["evidence"]
    folder = place.shop.root.evidence(name)
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "observed.json", "report.json", "times.json"]
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert manifest["files"] == {
        file: f"sha256:{sha256((folder / file).read_bytes()).hexdigest()}" for file in ("observed.json", "report.json")
    }
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert "2026" not in (folder / "manifest.json").read_text() + (folder / "observed.json").read_text()


def test_the_same_answers_give_the_same_evidence(place: Live) -> None:
    first, second = place.probe().summary["evidence"], place.probe().summary["evidence"]
    assert first == second
    assert place.probe(change=CHANGE).summary["evidence"] != first


# ---------------------------------------------------------------- what is refused
def refused(place: Live, asked: Probe) -> CaskError:
    with pytest.raises(CaskError) as caught:
        place.probe(asked)
    assert place.lines == []
    return caught.value


def test_a_pack_that_the_door_refuses_is_not_probed(place: Live) -> None:
    place.shop.pack.artifact("policy.yaml").write_text("rules: [")
    assert refused(place, LOCAL).exit is Exit.REFUSED


@pytest.mark.parametrize("calls", [0, -1, 1_001])
def test_a_bound_that_is_none_is_refused(place: Live, calls: int) -> None:
    assert refused(place, replace(LOCAL, calls=calls)).code == "CASK-I001"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[1, 2]", "CASK-I004"),
        ("get_order: 7", "CASK-I004"),
        ("nothing: {a: 1}", "CASK-I010"),
        ("create_order: {customer: x}", "CASK-I010"),
        ("get_order: &a {order_id: *a}", "CASK-I003"),
        ("{", "CASK-I003"),
    ],
)
def test_a_file_of_arguments_that_is_none_is_refused(place: Live, text: str, code: str) -> None:
    (place.shop.cwd / "a.yaml").write_text(text)
    error = refused(place, replace(LOCAL, arguments="a.yaml"))
    assert (error.code, error.exit) == (code, Exit.INPUT)


def test_an_argument_that_the_schema_does_not_allow_is_never_sent(place: Live) -> None:
    (place.shop.cwd / "a.yaml").write_text("get_order: {order_id: '7/../8'}\n")
    report = place.probe(replace(LOCAL, arguments="a.yaml"))
    assert not any(line.startswith("GET /v1/orders/") for line in place.lines)
    assert [row["why"] for row in report.tables["probes"] if row["tool"] == "get_order"] == ["CASK-R002"]


def test_where_no_call_can_be_made_nothing_was_measured_and_nothing_passes(place: Live) -> None:
    report = drift.run(replace(place.shop.world(), credentials=NoCredentials()), live=LOCAL)
    assert (report.summary["result"], report.summary["calls"], report.exit) == ("not-run", 0, Exit.REVIEW)


class NoCredentials:
    """A machine that has no secret."""

    def resolve(self, reference: str) -> str:
        raise CaskError("CASK-R009", "there is none")


# ---------------------------------------------------------------- the guard
WRITES = "update_order: {order_id: 7, state: open, priority: 1}\ncreate_return: {order_id: 7}\n"


def test_writes_that_a_file_of_arguments_names_are_refused_before_anything_is_called(place: Live) -> None:
    (place.shop.cwd / "a.yaml").write_text(WRITES)
    assert refused(place, replace(LOCAL, arguments="a.yaml")).code == "CASK-I010"


def test_without_the_guard_the_same_file_would_write(place: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the guard is for: the policy lets agents make these calls, so nothing behind it would stop a probe."""
    (place.shop.cwd / "a.yaml").write_text(WRITES)
    monkeypatch.setattr(probe, "probed", lambda served: "")
    place.probe(replace(LOCAL, arguments="a.yaml"))
    assert {"PATCH /v1/orders/7", "POST /v1/returns"} <= set(place.lines)
