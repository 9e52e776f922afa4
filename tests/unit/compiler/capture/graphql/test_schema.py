"""GraphQL schemas as documents: what becomes an operation, the text that asks for it, and what is refused."""

import json
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from caskmcp.compiler.capture.sources import kinds
from caskmcp.compiler.capture.sources.graphql import GraphQL
from caskmcp.compiler.capture.sources.graphql.document import DEEPEST, LARGEST, MOST_OPERATIONS
from caskmcp.compiler.capture.sources.graphql.operations import MOST
from caskmcp.compiler.capture.sources.table import source
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared, Skipped
from tests.support import shared_endpoints
from tests.support.chain import Chain
from tests.support.shared_endpoints import HOST
from tests.support.syntax import ROOT

FIXTURES = ROOT / "fixtures" / "captures" / "graphql"
SDL = (FIXTURES / "library.graphql").read_bytes()
INTROSPECTION = (FIXTURES / "library.introspection.json").read_bytes()


def read(data: bytes | str) -> list[Declared | Skipped]:
    return list(GraphQL().read([data.encode() if isinstance(data, str) else data]))


def declared(data: bytes | str) -> dict[str, Declared]:
    return {str((row.call or {})["name"]): row for row in read(data) if isinstance(row, Declared)}


def text(row: Declared) -> str:
    return str((row.call or {})["constants"]["query"])


def refused(data: bytes | str) -> CaskError:
    with pytest.raises(CaskError) as caught:
        read(data)
    return caught.value


@pytest.mark.feature(21)
def test_each_root_field_is_an_operation_and_subscriptions_are_left_out() -> None:
    rows = read(SDL)
    assert [((row.call or {})["kind"], (row.call or {})["name"]) for row in rows if isinstance(row, Declared)] == [
        ("query", "book"), ("query", "books"), ("query", "find"), ("query", "node"), ("query", "now"), ("query", "genres"), ("query", "legacy"),
        ("mutation", "lendBook"), ("mutation", "deleteAuthor"), ("mutation", "touch"),
    ]  # fmt: skip
    assert [row for row in rows if isinstance(row, Skipped)] == [
        Skipped("Subscription.bookLent", "unsupported"),
        Skipped("Subscription.bookReturned", "unsupported"),
    ]
    assert {(row.method, row.host, row.path, row.assumed) for row in declared(SDL).values()} == {("POST", "", "/graphql", True)}


def test_introspection_gives_what_the_definition_gives() -> None:
    assert read(INTROSPECTION) == read(SDL)
    assert read(json.dumps(json.loads(INTROSPECTION)["data"])) == read(SDL)


TEXTS = {
    "now": "query now {\n  now\n}",
    "touch": "mutation touch {\n  touch\n}",
    "deleteAuthor": "mutation deleteAuthor($id: ID!) {\n  deleteAuthor(id: $id)\n}",
    "node": "query node($id: ID!) {\n  node(id: $id) {\n    __typename\n    id\n  }\n}",
    "find": "query find($text: String!) {\n  find(text: $text) {\n    __typename\n  }\n}",
    "books": """query books($filter: Filter, $first: Int) {
  books(filter: $filter, first: $first) {
    total
    edges {
      cursor
      node {
        id
        title
        genre
        copies
      }
    }
  }
}""",
    "book": """query book($by: Key!) {
  book(by: $by) {
    id
    title
    genre
    copies
    authors {
      id
      name
      born
      books {
        total
      }
    }
  }
}""",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_asks_for_leaves_to_a_bounded_depth_and_never_for_a_type_inside_itself(name: str) -> None:
    assert text(declared(SDL)[name]) == TEXTS[name]


@pytest.mark.parametrize("data", [SDL, shared_endpoints.SDL])
def test_every_text_that_is_written_is_valid_in_its_schema(data: bytes | str) -> None:
    schema = build_schema(data.decode() if isinstance(data, bytes) else data)
    assert {name: validate(schema, parse(text(row))) for name, row in declared(data).items()} == {name: [] for name in declared(data)}


def test_arguments_keep_what_the_schema_says_of_them() -> None:
    books = declared(SDL)["books"]
    assert books.body_required is False
    (body,) = books.bodies
    assert body.schema == {
        "type": "object",
        "additionalProperties": False,
        "properties": {"filter": {"$ref": "#/$defs/Filter"}, "first": {"type": "integer", "default": 10}},
        "$defs": {
            "Filter": {
                "type": "object",
                "additionalProperties": False,
                "required": ["text"],
                "properties": {
                    "genre": {"type": "string", "enum": ["NOVEL", "POETRY"], "default": "NOVEL"},
                    "years": {"$ref": "#/$defs/Period"},
                    "and": {"type": "array", "items": {"$ref": "#/$defs/Filter"}},
                    "limit": {"type": "integer", "default": 20},
                    "text": {"type": "string"},
                },
            },
            "Period": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "from": {"description": "GraphQL scalar DateTime", "default": "1900-01-01"},
                    "to": {"description": "GraphQL scalar DateTime"},
                },
            },
        },
    }
    assert declared(SDL)["book"].bodies[0].schema["$defs"]["Key"] == {
        "type": "object",
        "additionalProperties": False,
        "properties": {"id": {"type": "string"}, "isbn": {"type": "string"}},
        "minProperties": 1,
        "maxProperties": 1,
    }


def test_answers_say_where_null_may_stand() -> None:
    (answer,) = declared(SDL)["node"].responses
    assert answer.schema == {
        "type": "object",
        "properties": {
            "data": {
                "anyOf": [
                    {
                        "type": "object",
                        "required": ["node"],
                        "properties": {
                            "node": {
                                "anyOf": [
                                    {"type": "object", "properties": {"__typename": {"type": "string"}, "id": {"type": "string"}}},
                                    {"type": "null"},
                                ]
                            }
                        },
                    },
                    {"type": "null"},
                ]
            },
            "errors": {"type": "array", "items": {"type": "object"}},
        },
    }


def test_words_and_age_are_kept() -> None:
    rows = declared(SDL)
    assert (rows["book"].description, rows["lendBook"].description) == ("One book.", "Lend a book to a person.")
    assert [name for name, row in rows.items() if row.deprecated] == ["legacy"]


def test_a_text_asks_for_no_more_than_its_bound() -> None:
    wide = "type Query { a: A } type A { " + " ".join(f"f{number}: Int" for number in range(500)) + " }"
    assert text(declared(wide)["a"]).count("\n    f") == MOST


def test_a_field_with_a_required_argument_below_the_root_is_not_asked_for() -> None:
    assert text(declared("type Query { a: A } type A { b(c: Int!): Int d(c: Int): Int }")["a"]) == "query a {\n  a {\n    d\n  }\n}"
    assert text(declared("type Query { a: A } type A { b(c: Int!): Int }")["a"]) == "query a {\n  a {\n    __typename\n  }\n}"


# ---------------------------------------------------------------- through the pipeline
def built(**sources: tuple[str, bytes]) -> Chain:
    return Chain(sources, hosts=[HOST], id="shop").run("emit")


def tools(chain: Chain) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(chain.outputs["emit"]["files"]["tools.json"])["tools"]}


@pytest.mark.feature(21)
def test_a_schema_becomes_tools_that_pin_their_text() -> None:
    made = tools(built(s=("graphql", SDL)))
    assert {name: (row["effect"], row["risk"], row["operation"].partition("/")[2]) for name, row in made.items()} == {
        "delete_author": ("destructive", "high", "graphql#deleteAuthor"),
        "find": ("read", "low", "graphql#find"),
        "get_book": ("read", "low", "graphql#book"),
        "get_legacy": ("read", "low", "graphql#legacy"),
        "get_node": ("read", "low", "graphql#node"),
        "get_now": ("read", "low", "graphql#now"),
        "lend_book": ("write", "medium", "graphql#lendBook"),
        "list_books": ("read", "low", "graphql#books"),
        "list_genres": ("read", "low", "graphql#genres"),
        "touch": ("write", "medium", "graphql#touch"),
    }
    assert made["list_books"]["request"]["body"]["constants"] == {"operationName": "books", "query": TEXTS["books"]}
    assert made["list_books"]["request"]["body"]["within"] == ["variables"]
    assert made["get_book"]["description"].startswith("One book. Reads only; changes nothing.")
    assert made["lend_book"]["input_schema"]["required"] == ["id", "to"]


def test_requests_go_where_recordings_show_the_endpoint() -> None:
    entries = shared_endpoints.recorded()
    moved = [row | {"request": row["request"] | {"url": row["request"]["url"].replace("/graphql", "/api/v2/query")}} for row in entries]
    chain = built(s=("graphql", shared_endpoints.SDL.encode()), h=("har", shared_endpoints.har(moved)))
    paths = {row["operation"].split("#")[0] for row in tools(chain).values() if row["operation"].startswith("POST")}
    assert paths == {f"POST {HOST}/api/v2/query", f"POST {HOST}/rpc"}
    assert {"list_orders_schema", "list_orders_api_v2_query"} <= set(tools(chain))


def test_a_text_that_the_recorded_client_sends_too_is_one_operation() -> None:
    entries = shared_endpoints.har(
        [
            {
                "request": {
                    "method": "POST",
                    "url": f"https://{HOST}/graphql",
                    "headers": [],
                    "postData": {"mimeType": "application/json", "text": json.dumps({"query": TEXTS["now"], "operationName": "now"})},
                },
                "response": {"status": 200, "headers": [], "content": {"mimeType": "application/json", "text": '{"data": {"now": "x"}}'}},
            }
        ]
    )
    made = tools(built(s=("graphql", SDL), h=("har", entries)))
    assert [name for name in made if "now" in name] == ["get_now"]
    assert made["get_now"]["confidence"] == "high"


# ---------------------------------------------------------------- what is refused
HOSTILE = [
    ("", "CASK-C002", "line 1"),
    ("shoes", "CASK-C002", "line 1"),
    ("type Query {\n a: Adelgunde\n}", "CASK-C002", "line 2"),
    ("type Query {\n a: Int\n a: Int\n}", "CASK-C002", "line 2"),
    ("type Query { a: Int }\ntype Query { b: Int }", "CASK-C002", "line 1"),
    ("type Query {", "CASK-C002", "line 1"),
    ("type Other { a: Int }", "CASK-C002", "line 1"),
    ("type Subscription { a: Int }", "CASK-C002", "line 1"),
    ("query { a }", "CASK-C002", "line 1"),
    ("{ a }", "CASK-C002", "line 1"),
    ("{}", "CASK-C002", "line 1"),
    ('{"__schema": 7}', "CASK-C002", "line 1"),
    ('{"__schema": {}}', "CASK-C002", "line 1"),
    ('{"__schema": {"queryType": {"name": "Query"}, "types": []}}', "CASK-C002", "line 1"),
    ('{"__schema": {"queryType": {"name": "Query"}, "types": [{"kind": "OBJECT", "name": "Query", "fields": [{"name": "a"}]}]}}', "CASK-C002", "line 1"),
    ('{"data": null}', "CASK-C002", "line 1"),
    ('{"a": 1,\n "a": 2}', "CASK-C002", "line 1"),
    ('{"a": 1,\n a}', "CASK-C002", "line 2"),
    ("{" * 5000, "CASK-C002", "line 1"),
    ("type Query { a(b: " + "[" * 100_000, "CASK-C005", "line 1"),
    ("type Query { a: " + "[" * (DEEPEST + 1) + "Int" + "]" * (DEEPEST + 1) + " }", "CASK-C005", "line 1"),
    (b"type Query { a: Int } # \xff", "CASK-C002", "byte 24"),
    (b"#" * (LARGEST + 1), "CASK-C005", f"byte {LARGEST}"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "code", "place"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_schema_is_refused_with_its_place_and_without_its_words(data: bytes | str, code: str, place: str) -> None:
    found = refused(data)
    assert (found.code, found.place) == (code, place)
    assert "Adelgunde" not in f"{found.what} {found.mend}"


def test_chains_and_circles_of_types_stay_finite() -> None:
    chain = "type Query { a(b: I0): T0 }" + "".join(f"input I{n} {{ next: I{n + 1} }} type T{n} {{ next: T{n + 1} }}" for n in range(1500))
    row = declared(chain + "input I1500 { end: Int } type T1500 { end: Int }")["a"]
    assert len(row.bodies[0].schema["$defs"]) == 1501
    assert text(row).count("next") == 2
    circle = declared("type Query { a(b: I): T } input I { i: J } input J { i: [I!] } type T { t: [U] } type U { t: T n: Int }")["a"]
    assert text(circle) == "query a($b: I) {\n  a(b: $b) {\n    t {\n      n\n    }\n  }\n}"


def wide(count: int) -> str:
    return (
        "type Query {\n"
        + "\n".join(f'  field{number}(id: ID!, text: String = "({number}"): T' for number in range(count))
        + "\n}\ntype T { a: Int }"
    )


def test_a_wide_schema_is_read_and_one_beyond_the_bound_is_refused() -> None:
    assert len(declared(wide(800))) == 800
    assert refused(wide(MOST_OPERATIONS + 1)).code == "CASK-C005"


def test_a_megabyte_of_words_is_read_in_no_time() -> None:
    assert len(declared('"""' + "word ({[ " * 120_000 + '"""\n' + wide(3))) == 3


# ---------------------------------------------------------------- knowing one
@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("schema.graphql", b"", "graphql"),
        ("shop.graphqls", b"scalar A", "graphql"),
        ("x.txt", SDL, "graphql"),
        ("x.json", INTROSPECTION, "graphql"),
        ("x.json", b'{"data": {"__schema": {}}}', "graphql"),
        ("x.graphql", b"type Query {", "graphql"),
        ("x.graphql", b"extend type Mutation {", "graphql"),
        ("x.graphql", b"query { a }", None),
        ("x.har", b'{"log": {"entries": ["\\ntype Query {"]}}', "har"),
    ],
)
def test_a_schema_is_known_by_its_first_bytes_or_its_name(name: str, head: bytes, kind: str | None) -> None:
    assert kinds.kind_of(name, head) == kind
    assert isinstance(source("graphql"), GraphQL)
    assert kinds.is_document("graphql")
