"""What a hostile reader found in names that strangers give: routes with people in them, parameters that hide what is done, methods with ids.

A trace, a collection and a call are somebody else's words. None puts a value into an artifact, and none makes an operation look more harmless.
"""

import json
from typing import Any

import pytest

from caskmcp import canon
from caskmcp.compiler.capture import stated
from caskmcp.compiler.capture.routes import NO_ROUTE, Fitted, fitted, trusted
from caskmcp.compiler.normalize import calls, graphql, merge, stage, templates, vocabulary
from tests.support import otlp
from tests.support.capturing import Captured, capture
from tests.support.contracts import Given
from tests.support.traffic import exchange

HOST = "api.example.com"
PEOPLE = ("quimby", "wozniak", "smithers", "lindqvist", "abernathy", "zoltan")
DONE = (
    ("GET", "/v1/users/export/token"),
    ("POST", "/v1/admin/users/delete"),
    ("POST", "/v1/payments/transfer"),
    ("DELETE", "/v1/admin/users"),
    ("POST", "/v1/orders/search/kill"),
)


def traces(*called: tuple[str, str, str]) -> Captured:
    """A capture of traces. called: method, path, route."""
    spans = [otlp.span(number, otlp.served(method, path, route=route), trace=f"{number:032x}") for number, (method, path, route) in enumerate(called, 1)]  # fmt: skip
    return capture(otlp.document(*spans), kind="otel")


def read(captured: Captured) -> tuple[list[str], str]:
    """Names of the operations, and all that would be written."""
    words = bytes(vocabulary.run(Given({"capture.head": {"0": captured.head}, "project.paths": []}))["templates"])  # type: ignore[arg-type]
    part = stage.summarize(captured.items, tuple(json.loads(words)))
    groups, coverage = merge.merge({merge.part_id(stage.bare_part(part)): part}, [])
    written = words + canon.pretty(merge.published(part)) + b"".join(groups.values())
    return sorted(groups), written.decode() + json.dumps(coverage, default=str)


# ---------------------------------------------------------------- values in routes
@pytest.mark.parametrize("end", ["", "1984", "@persons.example", "-van-dyke"])
@pytest.mark.parametrize("count", [1, 6])
def test_a_route_that_holds_half_of_the_path_keeps_nobodys_name(end: str, count: int) -> None:
    paths = [(f"/v1/people/{name}{end}/orders", number) for name in PEOPLE[:count] for number in (7, 8)]
    found, written = read(traces(*(("GET", f"{path}/{number}", f"{path}/{{id}}") for path, number in paths)))
    assert len(found) == 1
    assert [name for name in PEOPLE if name in written] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [("/v1/p/900000001/orders", "900000001"), ("/v1/born/1971-01-02/orders", "1971-01-02"), ("/v1/born/1971-01-02/quimby", "1971-01-02")],
)
def test_numbers_and_dates_in_a_route_are_values_beside_a_parameter_too(path: str, value: str) -> None:
    assert fitted(f"{path}/{{id}}", f"{path}/7") == Fitted(NO_ROUTE)
    assert value not in read(traces(("GET", f"{path}/7", f"{path}/{{id}}")))[1]


def test_a_name_alone_as_a_route_beside_real_routes_is_kept_nowhere() -> None:
    found = read(traces(("GET", "/people/quimby", "/people/quimby"), ("GET", "/orders/7", "/orders/{id}")))
    assert "quimby" not in found[1]
    assert f"GET {HOST}/orders/{{order_id}}" in found[0]


def test_what_names_a_parameter_is_used_even_if_a_literal_beside_it_is_not() -> None:
    assert fitted("/people/quimby/orders/{orderKey}", "/people/quimby/orders/7") == Fitted("", ((3, "orderKey"),))


def test_a_capture_with_such_routes_in_it_is_not_believed_either() -> None:
    routes = {(HOST, route) for route in ("/people/quimby/orders/{id}", "/born/1971-01-02/{id}", "/{a}/{b}", "/orders/{id}", "/en/{id}")}
    assert trusted(routes) == {"/orders/{id}", "/en/{id}"}


# ---------------------------------------------------------------- parameters that hide what is done
def wide(path: str, kept: int) -> str:
    """The path with a parameter for each segment after the first `kept`."""
    return "/".join(part if index <= kept else f"{{a{index}}}" for index, part in enumerate(path.split("/")))


@pytest.mark.parametrize("kept", [0, 1, 2])
@pytest.mark.parametrize(("method", "path"), DONE)
def test_a_route_never_hides_the_words_of_its_path(method: str, path: str, kept: int) -> None:
    assert read(traces((method, path, wide(path, kept))))[0] == [f"{method} {HOST}{path}"]


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_routes_of_parameters_change_nothing_in_what_operations_there_are(kept: int) -> None:
    plain = read(traces(*((method, path, "") for method, path in DONE)))[0]
    assert read(traces(*((method, path, wide(path, kept)) for method, path in DONE)))[0] == plain


def test_a_value_beside_a_word_does_not_take_it_in() -> None:
    calls_of_users = [
        ("GET", "/users/17/token", "/users/{a}/token"),
        ("DELETE", "/users/17", "/users/{a}"),
        ("DELETE", "/users/all", "/users/{a}"),
    ]
    found = read(traces(*calls_of_users))[0]
    assert f"DELETE {HOST}/users/all" in found


@pytest.mark.parametrize(("route", "path"), [("/{a}", "/17"), ("/{a}/{b}", "/users/export"), ("/:a/:b/:c/", "/x9/y8/z7/")])
def test_a_route_of_parameters_alone_is_none(route: str, path: str) -> None:
    assert fitted(route, path) == Fitted("")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_collection_never_hides_the_words_of_its_path(method: str) -> None:
    path = "/%7Ba=admin%7D/%7Bb=users%7D/%7Bc=export%7D"
    for form in (path, f"/v1{path}"):
        cut, named = stated.parameters(form)
        part = stage.summarize([_named(exchange(f"{method} {cut} 200 {{id: 1}}"), named)])
        groups, _ = merge.merge({merge.part_id(stage.bare_part(part)): part}, [])
        assert [name.partition("/")[2] for name in groups] == [cut[1:]]


def _named(one: Any, named: tuple[tuple[int, str], ...]) -> Any:
    return type(one)(**{name: getattr(one, name) for name in one.__struct_fields__} | {"named": named})


def test_ids_and_slugs_are_still_parameters_with_the_names_of_the_route() -> None:
    called = [("GET", f"/orders/{value}/items", "/orders/{orderKey}/items") for value in ("17", "zk-9", "winter-garden", "qx7")]
    assert read(traces(*called))[0] == [f"GET {HOST}/orders/{{order_key}}/items"]
    assert all(templates.parse(route) for _, _, route in called)


# ---------------------------------------------------------------- names of methods and operations
@pytest.mark.parametrize(
    "method",
    [
        "user.get/gz24quimby",
        "user.gz23quimby",
        "user.quimby",
        "get_quimby",
        "user:quimby",
        "user-get-quimby",
        "users.getQuimby",
        "eth_quimby",
        "user.4711",
    ],
)
def test_a_method_with_one_part_that_is_no_word_is_counted_and_not_kept(method: str) -> None:
    assert _called(method) == {"protocol": "jsonrpc", "refused": calls.METHOD_NAME}


@pytest.mark.parametrize(
    "method",
    ["users.getById", "eth_getBalance", "eth_blockNumber", "system.listMethods", "tools/call", "textDocument/didOpen", "net_version",
     "web3_clientVersion", "aria2.addUri", "order-get", "Player.GetActivePlayers"],
)  # fmt: skip
def test_methods_of_words_are_kept(method: str) -> None:
    assert _called(method)["constants"] == {"jsonrpc": "2.0", "method": method, "id": 1}


def _called(method: str) -> dict[str, Any]:
    answer = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}})
    (call,) = calls.calls_of(exchange(f"POST /rpc 200 {answer}", body={"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}))
    return call.call


@pytest.mark.parametrize("name", ["User_gz12quimby", "User_quimby", "GetUser_gz12", "getUserGz12quimby", "user_x9", "User__quimby"])
def test_an_operation_that_a_client_named_after_somebody_is_not_kept(name: str) -> None:
    assert graphql.asked(f"query {name} {{ user {{ id }} }}", "") == graphql.NAME


@pytest.mark.parametrize("name", ["GetUser", "Get_User", "getUserV2", "getUser2", "order_items_2", "GetShopwareCart", "_orders", "q"])
def test_names_with_a_word_in_each_part_are_kept(name: str) -> None:
    found = graphql.asked(f"query {name} {{ user {{ id }} }}", "")
    assert isinstance(found, graphql.Asked)
    assert found.name == name
