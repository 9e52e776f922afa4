"""One session as HAR and as every other tool writes it: the same calls come out (bodies are held by the HAR alone)."""

from collections import Counter
from pathlib import Path

import pytest

from caskmcp.compiler.capture.sources.kinds import KINDS, kind_of
from caskmcp.compiler.capture.sources.otel import messages
from tests.support.capturing import Captured, capture

TWINS = Path(__file__).parents[4] / "fixtures" / "captures" / "twins"
HOST = "api.shop.example"
FILES = sorted(path.name for path in TWINS.iterdir() if path.suffix not in (".har", ".md"))
CALLS = {
    ("GET", "/orders", (("status", "open"), ("limit", "20")), 200): 1,
    ("GET", "/orders/17", (), 200): 1,
    ("GET", "/orders/18", (), 200): 1,
    ("GET", "/orders/404", (), 404): 1,
    ("POST", "/orders", (), 201): 1,
    ("GET", "/orders/17/items", (), 200): 1,
    ("PATCH", "/orders/17", (), 200): 1,
    ("DELETE", "/orders/18", (), 204): 1,
    ("GET", "/customers/quillon", (), 200): 1,
    ("GET", "/customers/brackwater", (), 200): 1,
    ("GET", "/reports/lateness", (), 200): 1,
}


def taken(name: str) -> Captured:
    data = (TWINS / name).read_bytes()
    kind = kind_of(name, data[:65536]) or ""
    if name.endswith(".pb") and messages._LIBRARY is None:
        pytest.skip("reading protobuf needs the extra: pip install 'caskmcp[otel]'")
    return capture(data, HOST, kind=kind)


def test_the_har_gives_the_written_calls() -> None:
    found = taken("session.har").exchanges
    assert Counter((each.method, each.path, each.query, each.status) for each in found) == CALLS
    assert {(each.scheme, each.host, each.port) for each in found} == {("https", HOST, 0)}


@pytest.mark.feature(10)
@pytest.mark.parametrize("name", FILES)
def test_a_twin_gives_the_same_calls(name: str) -> None:
    found = taken(name)
    assert Counter((each.method, each.path, each.query, each.status) for each in found.exchanges) == CALLS
    assert {(each.scheme, each.host, each.port) for each in found.exchanges} == {("https", HOST, 0)}


def test_a_twin_of_each_kind_is_here() -> None:
    here = {kind_of(name, (TWINS / name).read_bytes()[:65536]) for name in FILES}
    assert here == {"otel", "access_log", "ndjson"}
    assert here <= {row.kind for row in KINDS}


@pytest.mark.parametrize("name", [name for name in FILES if ".otlp" in name])
def test_a_trace_says_that_no_body_was_observed_and_where_parameters_are(name: str) -> None:
    found = taken(name)
    by_path = {(each.method, each.path): each for each in found.exchanges}
    order, gone = by_path["GET", "/orders/17"], by_path["DELETE", "/orders/18"]
    assert (order.response and order.response.kind, gone.response) == ("absent", None)
    assert by_path["POST", "/orders"].request.kind == "absent"  # type: ignore[union-attr]
    assert [index for index, _ in order.named] == [1]
    assert found.head["no_body"] == 10
    assert [HOST, "/orders"] in found.head["routes"]
    assert [HOST, "/reports/lateness"] not in found.head["routes"]  # no word of the table: it might as well be somebody's name
