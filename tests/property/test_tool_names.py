"""Names of tools, whatever the operations are: unique, well formed, and never handed on when operations are added."""

import re

from hypothesis import given
from hypothesis import strategies as st

from caskmcp.compiler.emit.names import assigned, candidates
from caskmcp.model.contract import Contract
from tests.support.contracts import contract

SEGMENTS = st.sampled_from(
    ["orders", "order", "users", "api", "v1", "v2", "{id}", "{order_id}", "cancel", "search", "by-name", "name", "Größe", "x" * 40, ""]
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
IDS = st.one_of(st.just(""), st.sampled_from(["listOrders", "list_orders", "save"]), st.text(max_size=60))


@st.composite
def operations(draw: st.DrawFn) -> Contract:
    path = "/".join(draw(st.lists(SEGMENTS, max_size=5)))
    host = draw(st.sampled_from(["a.example", "b.example"]))
    return contract(f"{draw(METHODS)} /{path}", host=host, operation_id=draw(IDS))


def distinct(rows: list[Contract]) -> list[Contract]:
    return list({row.id: row for row in rows}.values())


many = st.lists(operations(), max_size=12).map(distinct)


@given(many)
def test_names_are_unique_and_well_formed(rows: list[Contract]) -> None:
    names = list(assigned(rows).values())
    assert len(names) == len(set(names)) == len(rows)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,35}", name) for name in names)


@given(many, many)
def test_an_added_operation_never_takes_the_name_of_another(old: list[Contract], added: list[Contract]) -> None:
    before, after = assigned(old), assigned(distinct([*added, *old]))
    owners = {name: operation for operation, name in before.items()}
    assert [name for operation, name in after.items() if owners.get(name, operation) != operation] == []


@given(many, many)
def test_a_name_changes_only_if_somebody_else_wants_it(old: list[Contract], added: list[Contract]) -> None:
    before, after = assigned(old), assigned(distinct([*added, *old]))
    wanted = {name for row in added if row.id not in before for name in candidates(row)}
    assert [operation for operation, name in before.items() if after[operation] != name and name not in wanted] == []


@given(many)
def test_the_order_of_operations_does_not_matter(rows: list[Contract]) -> None:
    assert assigned(rows) == assigned(reversed(rows))
