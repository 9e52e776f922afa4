"""GraphQL texts: one operation in one form, or a reason; and nothing of a value."""

import pytest

from caskmcp.compiler.capture.graphql import DEEPEST, LONGEST, parse, quiet
from caskmcp.compiler.normalize.graphql import NAME, SUBSCRIPTION, VALUE, WHICH, asked

ORDERS = "query Orders($first: Int = 20, $state: OrderState!) { orders(first: $first, state: $state) { id ...Line } } fragment Line on Order { total }"
PRINTED = """query Orders($first: Int = 20, $state: OrderState!) {
  orders(first: $first, state: $state) {
    id
    ...Line
  }
}

fragment Line on Order {
  total
}"""


def test_an_operation_is_printed_alone_with_its_fragments() -> None:
    other = " query Users { users { id } } fragment Unused on User { id }"
    found = asked(ORDERS + other, "Orders")
    assert found is not None
    assert not isinstance(found, str)
    assert (found.name, found.named, found.kind, found.text, found.roots) == ("Orders", True, "query", PRINTED, ("orders",))
    assert found.variables == (("first", {"type": "integer"}, False), ("state", {}, True))


def test_layout_comments_and_the_order_of_fragments_change_nothing() -> None:
    spread = "#  Adelgunde\n" + ORDERS.replace(" ", " \n ")
    line, rest = "fragment Line on Order { total }", ORDERS.replace("fragment Line on Order { total }", "")
    assert asked(spread, "") == asked(ORDERS, "") == asked(line + rest, "Orders")


@pytest.mark.parametrize(
    ("text", "roots"),
    [
        ("{ orders { id } users { id } }", ("orders", "users")),
        ("{ mine: orders { id } }", ("orders",)),
        ("{ ...All } fragment All on Query { orders { id } ...More } fragment More on Query { users { id } ...All }", ("orders", "users")),
        ("mutation { ... on Mutation { deleteOrder { ok } } }", ("deleteOrder",)),
        ("{ orders { id } orders { total } }", ("orders",)),
    ],
)
def test_root_fields_are_those_that_run_whatever_they_are_called(text: str, roots: tuple[str, ...]) -> None:
    found = asked(text, "")
    assert found is not None
    assert not isinstance(found, str)
    assert (found.roots, found.name) == (roots, roots[0])


@pytest.mark.parametrize(
    ("written", "schema"),
    [
        ("Int", {"type": "integer"}),
        ("Float!", {"type": "number"}),
        ("[ID!]!", {"type": "array", "items": {"type": "string"}}),
        ("[[Boolean]]", {"type": "array", "items": {"type": "array", "items": {"type": "boolean"}}}),
        ("OrderInput!", {}),
        ("[OrderInput!]!", {}),
    ],
)
def test_a_variable_has_the_schema_of_its_type_if_that_is_built_in(written: str, schema: object) -> None:
    found = asked(f"query A($id: {written}) {{ order(id: $id) {{ id }} }}", "")
    assert found is not None
    assert not isinstance(found, str)
    assert found.variables == (("id", schema, written.endswith("!")),)


@pytest.mark.parametrize(
    "text",
    [
        'user(name: "Adelgunde")', 'user(id: "Adelgunde")', 'user(id: 471193)', "user(id: 7)", "user(pin: 20)", "user(first: 1000)", "user(first: -1)",
        "user(rating: 0.5)", 'user(where: {city: {eq: "Adelgunde"}})', 'user(ids: ["order", "Adelgunde"])', 'user @note(text: "Adelgunde")',
        'user(note: """Adelgunde""")', 'user(name: "order")', 'user(email: "a@b.example")', 'user(key: "4711")', 'user(text: "order by Adelgunde")',
    ],
)  # fmt: skip
def test_a_text_with_a_value_in_it_is_not_kept(text: str) -> None:
    assert asked(f"{{ {text} {{ id }} }}", "") == VALUE
    assert asked(f"query A {{ ...F }} fragment F on Query {{ {text} {{ id }} }}", "") == VALUE


def test_a_default_of_a_variable_is_judged_as_a_value() -> None:
    assert asked('query A($state: String = "Adelgunde") { user(state: $state) { id } }', "") == VALUE
    assert asked('"""Adelgunde"""\nquery A { user { id } }', "") == VALUE


@pytest.mark.parametrize(
    "text",
    [
        "orders(first: 20)", "orders(pageSize: 999)", 'orders(sort: "created_at")', 'orders(state: "open")', "orders(state: OPEN)", "orders(mine: true, of: null)",
        'orders(sort: "createdAt:id")', 'orders(note: "")', 'orders @connection(key: "order_list")',
    ],
)  # fmt: skip
def test_page_sizes_words_and_names_of_the_schema_are_kept(text: str) -> None:
    assert not isinstance(asked(f"{{ {text} {{ id }} }}", ""), str)


@pytest.mark.parametrize(
    "text",
    [
        "query Adelgunde { user { id } }",
        "query A { adelgunde: user { id } }",
        "query A { user_adelgunde: user { id } }",
        "query A($adelgunde: ID) { user(id: $adelgunde) { id } }",
        "query A { ...Adelgunde } fragment Adelgunde on Query { user { id } }",
        "query User4711193 { user { id } }",
        "query A { user { field4711193 } }",
        "query A { user(of: P4711193) { id } }",
    ],
)
def test_a_name_that_may_be_a_value_is_not_kept(text: str) -> None:
    assert asked(text, "") == NAME


@pytest.mark.parametrize(
    ("text", "wanted", "reason"),
    [
        ("subscription { orders { id } }", "", SUBSCRIPTION),
        ("query A { a { id } } query B { b { id } }", "", WHICH),
        ("query A { a { id } }", "B", WHICH),
        ("query A { ...Missing }", "", WHICH),
        ("query A { ...F } fragment F on Query { ...F }", "", WHICH),
        ("fragment F on Query { a }", "", WHICH),
    ],
)
def test_what_cannot_be_pinned_says_why(text: str, wanted: str, reason: str) -> None:
    assert asked(text, wanted) == reason


@pytest.mark.parametrize(
    "text",
    [
        "", "shoes", "{", "{}", "query", "type Query { a: Int }", "{ a " * 60 + "}" * 60, "{ a(b: " + "[" * 5000, "{ " + "a " * (LONGEST // 2 + 1) + "}",
        "{ " + "a " * 21_000 + "}", '{ a(b: "' + "x" * 1_000_000 + '") }', "\0", "{ a(b: $) }",
    ],
)  # fmt: skip
def test_what_is_no_graphql_or_too_big_is_nothing(text: str) -> None:
    assert parse(text) is None or asked(text, "") is None


def test_the_bound_on_nesting_is_exact() -> None:
    deep = "{ a " * DEEPEST + "b" + "}" * DEEPEST
    assert parse(deep) is not None
    assert parse("{ a " + deep + "}") is None


def test_values_are_cut_by_the_names_of_their_arguments() -> None:
    seen: list[tuple[str, str]] = []

    def cut(name: str, text: str) -> str:
        seen.append((name, text))
        return "gone" if name in ("pin", "password") else text

    text = 'mutation { login(password: "hunter\\"2", pin: 471193, as: {pin: "1"}, first: 20) { ok } }'
    assert quiet(text, cut) == 'mutation { login(password: "gone", pin: "gone", as: {pin: "gone"}, first: 20) { ok } }'
    assert sorted(seen) == [("first", "20"), ("password", 'hunter"2'), ("pin", "1"), ("pin", "471193")]
    assert quiet("no { graphql", cut) == "no { graphql"
