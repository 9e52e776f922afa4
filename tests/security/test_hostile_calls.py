"""Requests that were made to break a reader of GraphQL or JSON-RPC: they stay what they are without it, in bounded time, and nothing falls over."""

import json
from typing import Any

import pytest

from tests.support.chain import Chain
from tests.support.patience import soon
from tests.support.shared_endpoints import HOST, har

DEEP = "{a" * 50_000 + "}" * 50_000
CHAIN = (
    "query A { ...F0 } " + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(1_500)) + " fragment F1500 on Query { a }"
)
CIRCLE = "query A { ...F0 } " + " ".join(f"fragment F{n} on Query {{ a ...F{(n + 1) % 500} }}" for n in range(500))
# fmt: off
BODIES: list[tuple[Any, str]] = [
    # body,                                                              what becomes of it
    ({"query": DEEP},                                                    "graphql"),
    ({"query": "{a(b:" + "[" * 100_000},                                 "graphql"),
    ({"query": "query A($a:" + "[" * 100_000},                           "graphql"),
    ({"query": "{" + "a " * 500_000 + "}"},                              "graphql"),
    ({"query": '{a(b:"' + "x" * 1_000_000 + '")}'},                      "graphql"),
    ({"query": "\ud800{a}"},                                             "graphql"),
    ({"query": '"' * 60_000 + "{"},                                      "graphql"),
    ({"query": '{a(b:"""' + '\\"""' * 20_000 + "{"},                     "graphql"),
    ({"query": "#" * 100_000 + "{"},                                     "graphql"),
    ({"query": CHAIN},                                                   ""),
    ({"query": CIRCLE},                                                  ""),
    ({"query": "{__typename}", "variables": {"a": {"b": [[[[[[{}]]]]]]}}}, "graphql#__typename"),
    ({"query": "mutation { a }", "operationName": "__proto__"},          ""),
    ([{"query": "{orders}"}] * 5_000,                                    "graphql"),
    ([[[[[]]]]],                                                         "graphql"),
    ({"jsonrpc": "2.0", "method": "a" * 100_000, "id": 1},               ""),
    ({"jsonrpc": "2.0", "method": "users." * 20_000 + "get", "id": {"$int": "9" * 5000}}, ""),
    ({"jsonrpc": "2.0", "method": "users.get", "id": 10**400, "params": {"$int": "1"}}, "graphql#users.get"),
    ({"action": "list-" * 20_000 + "list", "id": 1},                     "graphql"),
    ({"action": "list", "$int": "1"},                                    "graphql"),
]
# fmt: on


def entry(body: Any) -> dict[str, Any]:
    answer = {"data": {"a": 1}, "result": 1}
    return {
        "request": {
            "method": "POST",
            "url": f"https://{HOST}/graphql",
            "headers": [],
            "postData": {"mimeType": "application/json", "text": json.dumps(body)},
        },
        "response": {"status": 200, "headers": [], "content": {"mimeType": "application/json", "text": json.dumps(answer)}},
    }


@pytest.mark.parametrize(("body", "expected"), BODIES, ids=range(len(BODIES)))
def test_a_hostile_request_becomes_what_it_is_without_us_and_costs_little(body: Any, expected: str) -> None:
    orders = {"request": {"method": "GET", "url": f"https://{HOST}/orders", "headers": []}, "response": entry(1)["response"]}
    with soon():
        chain = Chain({"s": ("har", har([orders, entry(body)]))}, hosts=[HOST], id="shop").run("emit")
    found = [name.partition("/")[2] for name in chain.outputs["merge"]["groups"]]
    assert sorted(found) == sorted(["orders", *([expected] if expected else [])])
    tools = json.loads(chain.outputs["emit"]["files"]["tools.json"])["tools"]
    assert [row["effect"] for row in tools if row["operation"].endswith("/graphql")] == ["write"] * (expected == "graphql")
