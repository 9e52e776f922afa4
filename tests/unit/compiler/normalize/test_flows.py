"""Edges between answers and arguments: figures on the labelled services, and each rule by itself."""

import copy
import json
import random
import re
from collections.abc import Iterable
from typing import Any

import pytest

from caskmcp import canon
from caskmcp.compiler.capture.codec import decode_lines
from caskmcp.compiler.normalize import edges, merge, stage
from caskmcp.model.observation import Part
from caskmcp.text import Document
from tests.support.chain import Chain
from tests.support.flow_services import clinic, labels, service, shop, tracker
from tests.support.flow_services.labels import Place
from tests.support.traffic import HOST, exchange, items, merged, part, parts

SERVICES = {"shop": shop, "tracker": tracker, "clinic": clinic}
Edge = tuple[Place, Place]
FAMILIES = [f"/rest/{path}" for path in ("clinics", "clinics/{clinic_code}/rooms/{room_no}", "doctors", "doctors/{doctor_id}", "doctors/{doctor_id}/slots", "patients", "patients/{patient_ref}", "patients/{patient_ref}/documents", "tariffs")]  # fmt: skip
"""What a person says of the clinic: words that the table of routes lacks would become parameters, and that is no matter of edges."""


def chain(name: str, *recordings: list[dict[str, Any]], **more: Any) -> Chain:
    sources = {f"s{number}": ("har", service.har(found)) for number, found in enumerate(recordings)}
    host = {"shop": shop.Shop.host, "tracker": tracker.Tracker.host, "clinic": clinic.Clinic.host}[name]
    return Chain(sources, hosts=[host], paths=FAMILIES if name == "clinic" else [], **more).run()


def edges_of(found: Chain) -> set[Edge]:
    contracts = found.json("infer.contract")
    out: set[Edge] = set()
    for contract in contracts.values():
        for flow in contract.get("flows", ()):
            out.add((_place(contracts[flow["source"]], flow["field"]), _place(contract, _argument(contract, flow["argument"]))))
    return out


def _argument(contract: dict[str, Any], argument: str) -> str:
    where, _, name = argument.partition(" ")
    return f"path {re.findall(r'{(.*?)}', contract['template']).index(name) + 1}" if where == "path" else argument


def _place(contract: dict[str, Any], place: str) -> Place:
    return Place(contract["method"], re.sub(r"\{.*?\}", "{}", contract["template"]), place)


def figures(found: Iterable[Edge], true: set[Edge]) -> tuple[float, float]:
    """Precision and recall. A name that is not kept stands as `*`."""
    named = {next((one for one in true if _same(one, edge)), edge) for edge in found}
    return len(named & true) / len(named), len(named & true) / len(true)


def _same(true: Edge, found: Edge) -> bool:
    wanted, got = true[0].place.split("/"), found[0].place.split("/")
    fits = len(wanted) == len(got) and all(other in (one, "*") for one, other in zip(wanted, got, strict=True))
    return fits and true[1] == found[1] and true[0][:2] == found[0][:2]


@pytest.fixture(scope="module")
def built() -> dict[str, Chain]:
    return {name: chain(name, module.recorded()) for name, module in SERVICES.items()}


# ---------------------------------------------------------------- labelled services
@pytest.mark.feature(22)
@pytest.mark.parametrize("name", ["shop", "tracker"])
def test_edges_of_labelled_sessions_are_nearly_all_true_and_nearly_all_found(built: dict[str, Chain], name: str) -> None:
    precision, recall = figures(edges_of(built[name]), labels.edges(name))
    assert precision >= 0.95
    assert recall >= 0.8


def test_so_are_those_of_a_service_that_was_kept_apart(built: dict[str, Chain]) -> None:
    precision, recall = figures(edges_of(built["clinic"]), labels.edges("clinic"))
    assert precision >= 0.95
    assert recall >= 0.8


def test_decoys_link_nothing(built: dict[str, Chain]) -> None:
    taken = {argument for name in ("shop", "tracker") for _, argument in edges_of(built[name])}
    decoys = {"query status", "query page", "query per_page", "query limit", "query state", "body /quantity", "body /amount_cents", "body /stars", "body /currency", "body /position", "body /query"}  # fmt: skip
    assert decoys.isdisjoint(place.place for place in taken)


def test_the_order_of_entries_changes_no_byte(built: dict[str, Chain]) -> None:
    entries = shop.recorded()
    random.Random(3).shuffle(entries)
    assert chain("shop", entries).outputs["merge"] == built["shop"].outputs["merge"]


@pytest.mark.parametrize("count", [2, 5])
def test_the_cut_of_a_recording_into_files_changes_no_group(built: dict[str, Chain], count: int) -> None:
    entries = tracker.recorded()
    found = chain("tracker", *(entries[number::count] for number in range(count)))
    assert found.outputs["merge"]["groups"] == built["tracker"].outputs["merge"]["groups"]


def test_another_redaction_key_gives_the_same_flows(built: dict[str, Chain]) -> None:
    assert chain("shop", shop.recorded(), key=b"k" * 32).outputs["merge"] == built["shop"].outputs["merge"]


def test_a_clone_without_traffic_knows_the_same_flows(built: dict[str, Chain]) -> None:
    committed = json.loads(built["shop"].outputs["merge"]["observations"])["parts"]
    found = Chain({}, hosts=["shop.example.com"], paths=[], committed=committed).run()
    assert found.outputs["merge"]["groups"] == built["shop"].outputs["merge"]["groups"]


def test_observations_hold_counts_and_no_sketch(built: dict[str, Chain]) -> None:
    rows = [row for found in json.loads(built["shop"].outputs["merge"]["observations"])["parts"].values() for row in found["rows"]]
    flows = [flow for row in rows for flow in row.get("flows", ())]
    assert flows
    assert all(flow.keys() == {"argument", "source", "field", "seen", "total", "unique"} for flow in flows)
    assert not any("given" in row or "taken" in row for row in rows)


@pytest.mark.parametrize("count", [2, 3])
def test_accounts_of_pieces_add_up_to_the_account_of_the_whole(built: dict[str, Chain], count: int) -> None:
    found = list(decode_lines([built["tracker"].outputs["capture"]["exchanges"]["s0"]]))
    whole, *pieces = (stage.Account() for _ in range(count + 1))
    whole.read(found)
    for number, piece in enumerate(pieces):
        piece.read(found[number::count])
    first, *others = pieces
    for other in others:
        first.add_up(other)
    assert canon.compact(first.plain()) == canon.compact(whole.plain())


# ---------------------------------------------------------------- single rules
A, B, C = ("b2b07a3e-5c1f-4f0e-9a57-5d1d8f9be0aa", "0c9f3f9e-0d8f-4d3e-8a39-7f3f6d2b11bb", "7d1f6a52-3c55-4be1-b2b5-9d6a0e6c22cc")


def flows(*found: Any, paths: Iterable[str] = ()) -> dict[str, list[tuple[str, str, str, int]]]:
    groups, _ = merged(parts(found, named=paths), paths)
    rows = {name.replace(f" {HOST}", " "): json.loads(group).get("flows", []) for name, group in groups.items()}
    return {
        name: [(row["argument"], row["source"].replace(f" {HOST}", " "), row["field"], row["seen"]) for row in found]
        for name, found in rows.items()
        if found
    }


def test_two_values_that_came_from_an_answer_make_an_edge() -> None:
    found = flows(f"GET /orders 200 [{{id: {A}}}, {{id: {B}}}]", f"GET /orders/{A} 200 {{total: 1}}", f"GET /orders/{B} 200 {{total: 2}}")
    assert found == {"GET /orders/{order_id}": [("path order_id", "GET /orders", "/*/id", 2)]}


@pytest.mark.feature(22)
def test_one_value_makes_none_however_often_it_came() -> None:
    assert flows(f"GET /me 200 {{id: {A}}}", *[f"GET /users/{A} 200 {{n: 1}}"] * 5, f"GET /users/{B} 200 {{n: 1}}") == {}


def test_a_list_of_two_in_one_request_is_one_match() -> None:
    listed = f"GET /tags 200 [{{id: {A}}}, {{id: {B}}}]"
    one = exchange("POST /posts 201 {ok: true}", body={"tag_ids": [A, B]})
    assert flows(listed, one) == {}
    assert list(flows(listed, one, exchange("POST /posts 201 {ok: true}", body={"tag_ids": [max(A, B)]}))) == ["POST /posts"]


def test_what_a_request_said_itself_is_not_given_by_its_answer() -> None:
    assert flows(*(f"GET /orders/{one} 200 {{id: {one}}}" for one in (A, B, C))) == {}


def test_a_created_thing_gives_its_id() -> None:
    made = [exchange(f"POST /orders 201 {{id: {one}, state: open}}", body={"state": "open"}) for one in (A, B)]
    found = flows(*made, *(f"DELETE /orders/{one} 204" for one in (A, B)))
    assert found == {"DELETE /orders/{order_id}": [("path order_id", "POST /orders", "/id", 2)]}


def test_what_was_refused_gives_and_takes_nothing() -> None:
    listed = f"GET /orders 200 [{{id: {A}}}, {{id: {B}}}]"
    assert flows(listed, *(f"GET /orders/{one} 404 {{code: gone}}" for one in (A, B)), f"GET /orders/{C} 200 {{n: 1}}") == {}
    assert flows(f"GET /orders 500 [{{id: {A}}}, {{id: {B}}}]", *(f"GET /orders/{one} 200 {{n: 1}}" for one in (A, B))) == {}


def test_small_numbers_link_only_what_is_called_alike() -> None:
    found = flows(
        "GET /orders 200 [{id: 1}, {id: 2}, {id: 3}]",
        "GET /products 200 [{id: 1}, {id: 2}, {id: 3}]",
        *(f"GET /orders/{number} 200 {{total: 5}}" for number in (1, 2, 3)),
    )
    assert found == {"GET /orders/{order_id}": [("path order_id", "GET /orders", "/*/id", 3)]}


def test_small_numbers_that_explain_too_little_link_nothing() -> None:
    reads = [f"GET /orders/{number} 200 {{total: 5}}" for number in range(1, 21)]
    assert flows("GET /orders 200 [{id: 1}, {id: 2}]", *reads) == {}
    assert list(flows("GET /orders 200 [{id: 1}, {id: 2}, {id: 3}, {id: 4}, {id: 5}]", *reads)) == ["GET /orders/{order_id}"]


def test_long_numbers_that_two_places_share_by_accident_link_nothing() -> None:
    reads = [f"GET /orders/{1_000_000 + number} 200 {{total: 5}}" for number in range(50)]
    assert flows("GET /logs 200 [{ref: 1000001}, {ref: 1000002}]", *reads) == {}


@pytest.mark.parametrize("field", ["position", "quantity", "total", "year"])
def test_a_figure_is_no_identifier(field: str) -> None:
    reads = [f"GET /orders/{number} 200 {{ok: true}}" for number in (100001, 100002)]
    assert flows(f"GET /orders 200 [{{{field}: 100001}}, {{{field}: 100002}}]", *reads) == {}


def test_a_role_is_found_by_its_values_alone() -> None:
    found = flows(
        f"GET /issues 200 [{{assignee: {{id: {A}}}}}, {{assignee: {{id: {B}}}}}]", *(f"GET /users/{one} 200 {{n: 1}}" for one in (A, B))
    )
    assert found == {"GET /users/{user_id}": [("path user_id", "GET /issues", "/*/assignee/id", 2)]}


def test_a_cursor_comes_from_the_answer_before() -> None:
    pages = [
        f"GET /orders?cursor={one} 200 {{next_cursor: {two}, items: []}}"
        for one, two in (("c2x9y1z8", "d4k2m7q1"), ("d4k2m7q1", "e5n3p8r2"))
    ]
    found = flows("GET /orders 200 {next_cursor: c2x9y1z8, items: []}", *pages)
    assert found == {"GET /orders": [("query cursor", "GET /orders", "/next_cursor", 2)]}


def test_words_of_a_closed_list_are_no_flow() -> None:
    listed = "GET /orders 200 [{id: 1, status: open}, {id: 2, status: paid}]"
    assert flows(listed, "GET /orders?status=open 200 [{id: 1, status: open}]", "GET /orders?status=paid 200 [{id: 2, status: paid}]") == {}


def test_a_slug_links_where_it_is_the_name_of_the_thing() -> None:
    found = flows(
        "GET /categories 200 [{slug: shoes}, {slug: tents}]",
        *(f"GET /products?category={slug} 200 [{{n: 1}}]" for slug in ("shoes", "tents")),
    )
    assert found == {"GET /products": [("query category", "GET /categories", "/*/slug", 2)]}


def test_keys_of_a_project_are_found_though_some_are_words_of_routes() -> None:
    found = flows(
        "GET /projects 200 [{key: WEB}, {key: OPS}, {key: QX7}]",
        *(f"GET /projects/{key}/issues 200 [{{n: 1}}]" for key in ("WEB", "OPS", "QX7")),
        paths=["/projects/{project_key}/issues"],
    )
    assert found == {"GET /projects/{project_key}/issues": [("path project_key", "GET /projects", "/*/key", 3)]}


def test_what_the_client_made_up_is_not_given_by_reading_it_back() -> None:
    made = [exchange("POST /runs 201 {ok: true}", body={"dynamic_key": key}) for key in (A, B)]
    assert flows(*made, f"GET /runs 200 [{{dynamic_key: {A}}}, {{dynamic_key: {B}}}]") == {}
    named = [exchange("POST /pools 201 {ok: true}", body={"name": key}) for key in (A, B)]
    assert flows(*named, f"GET /pools 200 [{{name: {A}}}, {{name: {B}}}]") == {}


def test_a_place_that_holds_prose_gives_nothing_whenever_it_came() -> None:
    listed = [f"GET /notes 200 [{{ref: {A}}}, {{ref: {B}}}]", "GET /notes 200 [{ref: see the other one}]"]
    reads = [f"GET /notes/{one} 200 {{n: 1}}" for one in (A, B)]
    assert flows(*listed, *reads) == flows(*reversed(listed), *reads) == {}


def test_calls_of_a_shared_endpoint_give_and_take() -> None:
    def ask(name: str, field: str, answer: Any, **variables: Any) -> Any:
        text = f"query {name}($id: ID) {{ {field}(id: $id) {{ id }} }}"
        body = {"query": text, "operationName": name, "variables": variables}
        return exchange(f"POST /graphql 200 {json.dumps({'data': answer})}", body=body)

    found = flows(
        ask("ListOrders", "orders", {"orders": [{"id": A}, {"id": B}]}),
        *(ask("GetOrder", "order", {"order": {"total": 1}}, id=one) for one in (A, B)),
    )
    assert found == {"POST /graphql#GetOrder": [("body /id", "POST /graphql#ListOrders", "/data/orders/*/id", 2)]}


# ---------------------------------------------------------------- parts
LISTING = (f"GET /orders 200 [{{id: {A}}}, {{id: {B}}}]",)
READING = (f"GET /orders/{A} 200 {{total: 1}}", f"GET /orders/{B} 200 {{total: 2}}")


def test_an_edge_is_found_across_sources() -> None:
    groups, _ = merged(parts(LISTING, READING))
    assert [len(json.loads(group).get("flows", ())) for group in groups.values()] == [0, 1]


def test_a_settled_part_is_a_part() -> None:
    given = parts((*LISTING, *READING))
    merge.merge(given, [])
    (found,) = (merge.published(one) for one in given.values())
    assert [len(row.flows) for row in Part.of(Document("observations.json", found, {})).rows] == [0, 1]


def test_the_id_of_a_part_does_not_depend_on_flows() -> None:
    one, other = part(*LISTING), part(f"GET /orders 200 [{{id: {A}}}, {{id: {C}}}]")
    assert merge.part_id(stage.bare_part(one)) == merge.part_id(stage.bare_part(other))


def test_a_source_keeps_what_its_committed_part_says_of_answers_that_are_not_here() -> None:
    both = parts(LISTING, READING)
    merge.merge(both, [])
    committed = {name: merge.published(one) for name, one in both.items()}
    (name,) = parts(READING)
    here = parts(READING)
    edges.carry({name: committed[name]}, here)
    assert [row.get("flows", []) for row in here[name]["rows"]] == [committed[name]["rows"][0]["flows"]]
    again = parts(LISTING, READING)
    edges.carry(committed, again)
    assert not any("flows" in row for one in again.values() for row in one["rows"])


def test_a_row_is_told_from_others_by_method_place_and_call() -> None:
    row = part(*READING)["rows"][0]
    assert edges.label(row) == f"GET {HOST}/orders/{{uuid}}"
    assert edges.label(row | {"port": 8443}) == f"GET {HOST}:8443/orders/{{uuid}}"
    assert edges.label(row | {"call": {"name": "a"}}) != edges.label(row | {"call": {"name": "b"}})


def test_twelve_fields_at_most_are_named_for_an_argument() -> None:
    lists = [f"GET /{name} 200 [{{order_id: {A}}}, {{order_id: {B}}}]" for name in ("invoices", "items", "notes", "events", "users", "groups", "tasks", "files", "posts", "tags", "jobs", "teams", "roles", "plans")]  # fmt: skip
    found = flows(*lists, *READING)
    assert len(found["GET /orders/{order_id}"]) == 12


def test_what_stands_in_a_part_is_the_same_through_json() -> None:
    found = part(*LISTING, *READING)
    assert stage.bare_part(json.loads(canon.compact(found))) == stage.bare_part(found)
    assert copy.deepcopy(found) == found
    assert len(items(LISTING)) == 1
