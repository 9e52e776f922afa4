"""Names of tools, one by one and all together."""

import re
from typing import Any

import pytest

from caskmcp.compiler.emit.names import assigned, candidates
from caskmcp.text import parse_yaml
from tests.support.contracts import contract
from tests.support.syntax import ROOT

FORM = re.compile(r"[a-z][a-z0-9_]{0,35}", re.ASCII)
NAMES: dict[str, str] = parse_yaml((ROOT / "tests/cases/emit/names.yaml").read_bytes(), "names.yaml").value


def names(*operations: Any) -> list[str]:
    """The names of operations, given as text or as (text, operation id)."""
    rows = [contract(row) if isinstance(row, str) else contract(row[0], operation_id=row[1]) for row in operations]
    found = assigned(rows)
    return [found[row.id] for row in rows]


@pytest.mark.feature(41)
@pytest.mark.parametrize("operation", NAMES)
def test_traffic_gives_verb_and_noun(operation: str) -> None:
    assert names(operation) == [NAMES[operation]]


@pytest.mark.parametrize(
    ("operation_id", "name"),
    [
        ("listOrders", "list_orders"),
        ("list-orders", "list_orders"),
        ("OrdersController.listAll", "orders_controller_list_all"),
        ("read_flow_flows__id__get", "read_flow_flows_id_get"),
        ("getV2Users", "get_v2_users"),
        ("2faEnable", "op_2_fa_enable"),
        ("", "list_things"),
        ("列表", "list_things"),
    ],
)
def test_an_operation_id_is_taken_in_snake_case(operation_id: str, name: str) -> None:
    assert names(("GET /things", operation_id)) == [name]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("save", "s\u0430ve"),
        ("put-item", "put_item"),
        ("b" * 128, "b" * 128),
        ("\u00c5ngstr\u00f6m", "A\u030angstro\u0308m"),
        ("List", "list"),
    ],
)
def test_ids_that_look_alike_never_share_a_name(first: str, second: str) -> None:
    one, other = names(("GET /a", first), ("GET /b", second))
    assert one != other
    assert FORM.fullmatch(one)
    assert FORM.fullmatch(other)


@pytest.mark.parametrize(
    "operation_id", ["::warning::x", "b\nB=2", "$(id)", "--yes", "no: x", "{{x}}", "../x.yml", "=1+1", "<i>x", "_", "-", "9", "\x00"]
)
def test_no_operation_id_makes_a_name_that_is_more_than_a_name(operation_id: str) -> None:
    assert all(FORM.fullmatch(name) for name in candidates(contract("GET /things", operation_id=operation_id)))


def test_a_long_id_is_cut_and_stamped() -> None:
    (name,) = names(("GET /things", "getEverythingThatHasEverBeenOrderedByAnyoneAnywhere"))
    assert re.fullmatch(r"get_everything_that_has_ev[a-z_]*_[0-9a-f]{8}", name)
    assert len(name) <= 36


def test_two_that_want_one_name_both_take_a_longer_one() -> None:
    one, other = names("GET /orders", "GET /api/orders")
    assert other == "list_orders_api"
    assert re.fullmatch(r"list_orders_[0-9a-f]{8}", one)


def test_hosts_with_the_same_path_get_names_of_their_own() -> None:
    rows = [contract("GET /orders", host=f"{name}.example") for name in ("a", "b", "c")]
    found = assigned(rows)
    assert len(set(found.values())) == 3
    assert all(re.fullmatch(r"list_orders_[0-9a-f]{8}", name) for name in found.values())


@pytest.mark.feature(41)
def test_a_thousand_operations_have_a_thousand_names() -> None:
    nouns = [
        f"{a}{b}"
        for a in ("north", "south", "east", "west", "upper")
        for b in ("houses", "people", "data", "boxes", "entries", "keys", "axes", "news")
    ]
    verbs = (
        "GET {}",
        "GET {}/{{id}}",
        "POST {}",
        "PUT {}/{{id}}",
        "PATCH {}/{{id}}",
        "DELETE {}/{{id}}",
        "POST {}/search",
        "POST {}/{{id}}/cancel",
    )
    prefixes = ("/{noun}", "/api/{noun}", "/api/v2/{noun}", "/teams/{{team_id}}/{noun}")
    rows = [contract(verb.format(prefix.format(noun=noun))) for noun in nouns for verb in verbs for prefix in prefixes][:1000]
    found = assigned(rows)
    assert len(rows) == len(set(found.values())) == 1000
    assert all(FORM.fullmatch(name) for name in found.values())


@pytest.mark.feature(41)
def test_ten_more_operations_rename_none_of_a_thousand_in_a_document() -> None:
    nouns = [
        f"{a}{b}"
        for a in ("North", "South", "East", "West", "Upper")
        for b in ("House", "Person", "Box", "Entry", "Key", "Axis", "News", "Day", "Row", "Item")
    ]
    verbs = {"list": "GET /{}", "get": "GET /{}/{{id}}", "create": "POST /{}", "replace": "PUT /{}/{{id}}", "update": "PATCH /{}/{{id}}"}
    more = {
        "delete": "DELETE /{}/{{id}}",
        "search": "POST /{}/search",
        "cancel": "POST /{}/{{id}}/cancel",
        "archive": "POST /{}/{{id}}/archive",
    }
    every = (
        verbs
        | more
        | {
            f"read{part}Of": f"GET /{{}}/{{{{id}}}}/{part.lower()}"
            for part in ("Notes", "Tags", "Owners", "Prices", "Limits", "Rules", "Logs", "Views", "Links", "Files", "Costs")
        }
    )
    rows = [contract(form.format(noun.lower()), operation_id=f"{verb}{noun}") for noun in nouns for verb, form in every.items()]
    before = assigned(rows)
    assert len(rows) == len(set(before.values())) == 1000
    assert all(FORM.fullmatch(name) and len(f"mcp__{'s' * 14}__{name}") <= 64 for name in before.values())
    added = [contract(f"GET /{noun.lower()}/{{id}}/history", operation_id=f"getHistoryOf{noun}") for noun in nouns[:5]]
    added += [contract(f"GET /v2/{noun.lower()}", operation_id="") for noun in nouns[:5]]
    after = assigned([*added, *rows])
    assert len(after) == 1010
    assert {operation: name for operation, name in after.items() if operation in before} == before
