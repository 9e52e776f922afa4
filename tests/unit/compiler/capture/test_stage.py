"""The stage: what it gives, how it accounts for what it left out, and when it refuses."""

import json
from collections.abc import Iterable

import pytest

from caskmcp.compiler.capture import stage
from caskmcp.compiler.pipeline import STAGES
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared, Exchange
from tests.support.capturing import OTHER_KEY, Given, capture, entry, har

API = "https://api.example.com"
ORDERS = entry(f"{API}/orders?page=2", answer={"items": [{"id": 1, "email": "a@post.example"}]})
LOGIN = entry(f"{API}/login", "POST", post=("application/json", '{"password": "mango55w"}'))
OTHERS = [entry("https://cdn.example.com/a.js"), entry("https://cdn.example.com/b.js"), entry("https://t.example.com:8443/")]


def test_the_outputs_are_those_of_the_row() -> None:
    row = next(row for row in STAGES if row.name == "capture")
    assert row.run == "compiler.capture.stage:run"
    outputs = stage.run(Given(har(ORDERS), ["api.example.com"], "har", {}, b"k", 1000))
    assert tuple(outputs) == row.outputs


def test_what_was_kept_and_left_out_is_counted() -> None:
    found = capture(har(ORDERS, *OTHERS, LOGIN, None, entry(f"{API}/logo.png", answer=("image/png", "x"))))
    assert [item.path for item in found.exchanges] == ["/orders", "/login"]
    head = found.head
    assert (head["kind"], head["kept"], head.get("no_body", 0)) == ("har", 2, 0)
    assert head["skipped"] == [["asset", 1], ["broken", 1], ["third party", 3]]
    assert head["hosts"] == [["cdn.example.com", 2], ["t.example.com:8443", 1]]
    assert head["broken"] == [["entry 5", "the entry is no object"]]
    assert head["cuts"] == [["email-name", "response.body.email", 1], ["password", "request.body.password", 1]]
    assert len(head["id"]) == 64


def test_the_head_is_there_when_the_exchanges_are_read_and_not_before() -> None:
    outputs = stage.run(Given(har(ORDERS), ["api.example.com"], "har", {}, b"k", 1000))
    exchanges, head = outputs["exchanges"], outputs["head"]
    assert isinstance(exchanges, Iterable)
    assert isinstance(head, Iterable)
    with pytest.raises(RuntimeError):
        b"".join(stage.run(Given(har(ORDERS), ["api.example.com"], "har", {}, b"k", 1000))["head"])  # type: ignore[arg-type]
    list(exchanges)
    assert json.loads(b"".join(head))["kept"] == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            OTHERS,
            "CASK-C003 0 of 3 entries kept; hosts seen: cdn.example.com, t.example.com:8443 · name the first-party host: `hosts: [cdn.example.com]` in cask.yaml, or `-a cdn.example.com`",
        ),
        ([entry(f"{API}/a.js", answer=("text/css", "x"))], "CASK-C003 0 of 1 entries kept; left out: asset 1 · record a call of the API"),
        ([], "CASK-C003 0 of 0 entries kept · record a call of the API"),
        (
            [OTHERS[0], None],
            "CASK-C003 0 of 2 entries kept; hosts seen: cdn.example.com; left out: broken 1 · name the first-party host: `hosts: [cdn.example.com]` in cask.yaml, or `-a cdn.example.com`",
        ),
    ],
)
def test_nothing_kept_is_an_error_that_names_the_hosts_seen(entries: list[object], message: str) -> None:
    with pytest.raises(CaskError) as caught:
        capture(har(*entries))
    assert str(caught.value) == message


def test_an_error_names_a_few_hosts_the_most_frequent_first() -> None:
    many = [entry(f"https://h{number:02}.example/") for number in range(20)] + [entry("https://busy.example/")] * 2
    with pytest.raises(CaskError) as caught:
        capture(har(*many))
    assert "hosts seen: busy.example, h00.example, h01.example, h02.example, h03.example, h04.example, h05.example, h06.example ·" in str(
        caught.value
    )


def test_broken_entries_are_named_up_to_a_hundred() -> None:
    found = capture(har(ORDERS, *[None] * 150))
    assert len(found.head["broken"]) == 100
    assert found.head["skipped"] == [["broken", 150]]


def test_a_port_in_the_manifest_means_that_port_alone() -> None:
    entries = har(entry("http://localhost:8080/a"), entry("http://localhost:9090/b"))
    assert [item.path for item in capture(entries, "localhost:8080").exchanges] == ["/a"]
    assert len(capture(entries, "localhost").exchanges) == 2


def test_the_id_does_not_depend_on_order_or_key_but_on_every_exchange() -> None:
    one = capture(har(ORDERS, LOGIN, *OTHERS)).head["id"]
    assert capture(har(*OTHERS, LOGIN, ORDERS)).head["id"] == one
    assert capture(har(ORDERS, LOGIN), key=OTHER_KEY).head["id"] == one
    assert capture(har(ORDERS, LOGIN, LOGIN)).head["id"] != one
    assert capture(har(ORDERS)).head["id"] != one


def test_the_same_bytes_come_out_every_time() -> None:
    data = har(ORDERS, LOGIN)
    assert capture(data).packed == capture(data, block=50).packed
    assert capture(data).packed[4:8] == b"\0\0\0\0"


def test_the_manifest_says_what_else_is_cut_and_what_is_not() -> None:
    data = har(entry(f"{API}/a", headers={"X-Internal-Id": "abc"}, answer={"sku": "x1", "zip": "10115", "first_name": "Alice"}))
    found = capture(data, redact={"profile": "strict", "keys": ["x-internal-id", "sku"], "keep": ["zip"]})
    assert found.cuts() == {"person-name": 1, "user": 2}
    assert capture(data, redact={"profile": "standard"}).cuts() == {}


def test_a_specification_gives_declared_operations_and_its_templates() -> None:
    spec = b"""openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /orders/{order_id}: {get: {operationId: getOrder, parameters: [{name: order_id, in: path, required: true, schema: {type: string}}], responses: {"200": {description: ok}}}}
"""
    found = capture(spec, "api.example.com:8443", kind="openapi")
    (item,) = found.items
    assert isinstance(item, Declared)
    assert (item.scheme, item.host, item.port, item.path) == ("https", "api.example.com", 8443, "/orders/{order_id}")
    assert found.head["templates"] == ["/orders/{order_id}"]
    assert not isinstance(item, Exchange)


def test_a_specification_of_another_host_is_left_out() -> None:
    spec = b'{"openapi": "3.1.0", "info": {}, "servers": [{"url": "https://other.example"}], "paths": {"/a": {"get": {"responses": {}}}}}'
    with pytest.raises(CaskError) as caught:
        capture(spec, kind="openapi")
    assert caught.value.code == "CASK-C003"
    assert "hosts seen: other.example" in str(caught.value)


# ---------------------------------------------------------------- what is left out, and how requests authenticate
NOISY = (
    entry("https://api.example.com/orders"),
    entry("https://api.example.com/healthz"),
    entry("https://api.example.com/collect/winterbottom", "POST"),
    entry("https://api.example.com/collect/ana-souza", "POST"),
    entry("https://api.example.com/orders", "OPTIONS", headers={"Origin": "https://www.example.com"}),
    entry("https://api.example.com/app.js.map", answer=("application/json", "{}")),
)


@pytest.mark.feature(13)
def test_what_is_left_out_of_a_first_party_is_listed_by_reason_without_what_a_person_typed() -> None:
    found = capture(har(*NOISY))
    assert found.head["skipped"] == [["analytics", 2], ["health", 1], ["preflight", 1], ["source map", 1]]
    assert found.head["left"] == [
        ["analytics", "POST api.example.com/collect/{other}", 2],
        ["health", "GET api.example.com/healthz", 1],
        ["preflight", "OPTIONS api.example.com/orders", 1],
        ["source map", "GET api.example.com/app.js.map", 1],
    ]
    assert b"winterbottom" not in found.written


@pytest.mark.feature(13)
@pytest.mark.parametrize(
    ("keep", "paths", "restored"),
    [
        (["health"], ["/healthz", "/orders"], [["health", 1]]),
        (["/collect/*"], ["/collect/ana-souza", "/collect/winterbottom", "/orders"], [["analytics", 2]]),
        (["preflight", "source map"], ["/app.js.map", "/orders", "/orders"], [["preflight", 1], ["source map", 1]]),
    ],
)
def test_what_somebody_asks_for_is_kept_and_says_so(keep: list[str], paths: list[str], restored: list[list[object]]) -> None:
    found = capture(har(*NOISY), keep=keep)
    assert sorted(item.path for item in found.exchanges) == paths
    assert found.head["restored"] == restored
    assert sorted(item.kept for item in found.exchanges if item.kept) == sorted(reason for reason, count in restored for _ in range(count))  # type: ignore[call-overload]


@pytest.mark.feature(24)
def test_ways_to_authenticate_are_counted_by_host_without_a_value() -> None:
    found = capture(
        har(
            entry("https://api.example.com/a", headers={"Authorization": "Bearer secret-of-somebody-1"}),
            entry("https://api.example.com/b", headers={"X-Api-Key": "secret-of-somebody-2"}),
            entry("https://api.example.com:8443/c", headers={"Authorization": "Basic YTpzZWNyZXQ="}),
            entry("https://api.example.com/d"),
        )
    )
    assert found.head["auth"] == [
        ["api.example.com", "bearer", 1],
        ["api.example.com", "header:x-api-key", 1],
        ["api.example.com:8443", "basic", 1],
    ]
    assert b"secret-of" not in found.written


def test_exchanges_with_the_same_names_of_headers_learn_nothing_from_each_other() -> None:
    names = [{"X-ApiSecret": "{}", "X-Tenant": "{}", "Cookie": "sid={}"}, {"x-apisecret": "{}", "X-Tenant": "{}", "Cookie": "sid={}"}]
    entries = [
        entry(
            f"https://api.example.com/orders/{number}",
            headers={name: form.format(f"s3cret{number}{number}x") for name, form in each.items()},
            response_headers={"etag": f'W/"{number}aZ9"', "Link": f"<s3cret{number}{number}x>"},
            answer={"id": number, "note": f"s3cret{number}{number}x", "other": f"s3cret{number + 1}{number + 1}x"},
        )
        for number in range(6)
        for each in names
    ]
    alone = [item for each in entries for item in capture(har(each)).items]
    assert capture(har(*entries)).items == alone
