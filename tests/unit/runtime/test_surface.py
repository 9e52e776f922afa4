"""What one server serves: compiled once, one broken tool takes no other with it; and the tool and the result as clients see them."""

from typing import Any

import pytest

from caskmcp.model.pack import Withheld
from caskmcp.model.policy import Match, Policy, Rule
from caskmcp.runtime.decide import decide
from caskmcp.runtime.mcp_server import as_result, as_tool
from caskmcp.runtime.plan import prepare
from caskmcp.runtime.respond import Result
from caskmcp.runtime.shown import fields, url
from caskmcp.runtime.surface import explained, nothing, surface
from tests.support.calls import GET_ORDER, PAY_ORDER, WIPE, pack, served, tool


def names(of: Any) -> list[str]:
    return [row.admitted.tool.name for row in of.listed]


def test_the_list_is_sorted_whatever_the_order_of_the_pack() -> None:
    assert names(served(WIPE, GET_ORDER, PAY_ORDER)) == ["get_order", "pay_order", "wipe"]


def test_a_toolset_limits_the_list_and_an_unknown_one_has_nothing() -> None:
    assert names(surface(pack(GET_ORDER, WIPE, toolsets={"support": ("wipe",)}), "support")) == ["wipe"]
    assert names(surface(pack(GET_ORDER), "absent")) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"input_schema": {"type": "object"}},
        {"input_schema": {}},
        {"output_schema": {"type": "array"}},
        {"output_schema": {"type": "object", "properties": {"a": {"pattern": "(?=x)"}}}},
    ],
)
def test_a_tool_that_cannot_be_compiled_is_left_out_alone_and_named(broken: dict[str, Any]) -> None:
    of = served(GET_ORDER, WIPE.model_copy(update=broken))
    assert names(of) == ["get_order"]
    assert [(row.subject, row.code) for row in of.withheld] == [("tool:wipe", "CASK-L002")]
    assert any(line.startswith("tool:wipe: invalid: CASK-L002") for line in explained(of))


def test_a_refused_pack_has_nothing_and_says_why() -> None:
    empty = nothing("CASK-L001 the lock cannot be read")
    assert (names(empty), list(explained(empty))) == ([], ["CASK-L001 the lock cannot be read"])


def test_what_the_door_withheld_is_explained() -> None:
    of = surface(
        pack(GET_ORDER).__class__(
            **{**pack(GET_ORDER).__dict__, "withheld": (Withheld("tool:x", "CASK-L003", "not approved yet", "pending"),)}
        )
    )
    assert list(explained(of)) == ["tool:x: pending: CASK-L003 not approved yet"]


# ---------------------------------------------------------------- the decision
@pytest.mark.parametrize(
    ("rules", "verdict", "rule"),
    [
        ((), "deny", "default-deny"),
        ((Rule(id="other", effect="allow", match=Match(tools=("another",))),), "deny", "default-deny"),
        ((Rule(id="one", effect="allow"), Rule(id="two", effect="deny")), "allow", "one"),
        ((Rule(id="two", effect="deny"), Rule(id="one", effect="allow")), "deny", "two"),
        ((Rule(id="ask", effect="confirm", match=Match(methods=("GET",))),), "confirm", "ask"),
        ((Rule(id="host", effect="allow", match=Match(hosts=("other.example.com",))),), "deny", "default-deny"),
        ((Rule(id="risk", effect="allow", match=Match(risk=("low",), effect=("read",))),), "allow", "risk"),
    ],
)
def test_the_first_rule_that_fits_decides_and_none_means_deny(rules: tuple[Rule, ...], verdict: str, rule: str) -> None:
    decision = decide(pack(GET_ORDER, policy=Policy(rules=rules)).tools["get_order"])
    assert (decision.verdict, decision.rule) == (verdict, rule)
    assert bool(decision.code) == (verdict == "deny")


# ---------------------------------------------------------------- as clients see it
def test_a_tool_is_shown_as_it_was_signed() -> None:
    of = tool(output={"type": "object"}, effect="destructive", idempotent=True)
    shown = as_tool(served(of).listed[0]).model_dump(by_alias=True, exclude_none=True)
    assert shown == {
        "name": "get_order",
        "title": "Get order",
        "description": "Does get_order.",
        "inputSchema": of.input_schema,
        "outputSchema": {"type": "object"},
        "annotations": {
            "title": "Get order",
            "readOnlyHint": False,
            "destructiveHint": True,
            "idempotentHint": True,
            "openWorldHint": True,
        },
    }


def test_a_dry_run_declares_no_output() -> None:
    assert as_tool(served(tool(output={"type": "object"})).listed[0], dry=True).output_schema is None


def shaped(result: Result) -> dict[str, Any]:
    return as_result(result).model_dump(by_alias=True, exclude_none=True)


def test_a_good_result_has_the_same_json_as_text_and_as_structure() -> None:
    made = shaped(Result('{"a":1}', {"a": 1}, status=200, untrusted=True))
    assert made["content"] == [{"type": "text", "text": '{"a":1}'}]
    assert (made["structuredContent"], made["isError"]) == ({"a": 1}, False)
    assert made["_meta"] == {"dev.caskmcp/status": 200, "dev.caskmcp/untrusted": True}


def test_an_error_has_its_code_and_no_structure() -> None:
    made = shaped(Result("CASK-R004: no", error="CASK-R004", details={"step": "policy"}))
    assert made["isError"] is True
    assert "structuredContent" not in made
    error = made["_meta"].pop("dev.caskmcp/error")
    assert ({key: error[key] for key in ("code", "step")}, made["_meta"]) == ({"code": "CASK-R004", "step": "policy"}, {})


def test_notes_stand_apart_from_the_answer() -> None:
    made = shaped(Result("{}", {}, notes=("cut to 10 bytes: a: 1 of 2 items",)))
    assert [part["text"] for part in made["content"]] == ["{}", "note: cut to 10 bytes: a: 1 of 2 items"]
    assert made["_meta"] == {"dev.caskmcp/notes": ["cut to 10 bytes: a: 1 of 2 items"]}


def test_an_answer_that_clients_would_throw_away_goes_out_as_text() -> None:
    made = shaped(Result('{"id":"x"}', {"id": "x"}, drift=("id: type",), unfit=True))
    assert made["isError"] is True
    assert "structuredContent" not in made
    assert made["content"][0]["text"] == '{"id":"x"}'
    assert "was carried out" in made["content"][1]["text"]


# ---------------------------------------------------------------- as a person sees it
@pytest.mark.parametrize(
    ("scheme", "host", "port", "shown"),
    [
        ("https", "api.example.com", 0, "https://api.example.com/orders/7"),
        ("https", "api.example.com", 8443, "https://api.example.com:8443/orders/7"),
        ("http", "::1", 0, "http://[::1]/orders/7"),
    ],
)
def test_a_request_is_shown_with_its_whole_url(scheme: str, host: str, port: int, shown: str) -> None:
    assert url(prepare(tool(scheme=scheme, host=host, port=port), {"order_id": 7})) == shown


def test_a_long_body_is_shown_by_its_beginning_and_its_size() -> None:
    request = prepare(PAY_ORDER, {"order_id": 1, "amount": 7})
    long = request.__class__(**{**request.__dict__, "body": b"x" * 30_000})
    assert (len(fields(long)["body"]), fields(long)["body_bytes"]) == (20_000, 30_000)
    assert "body_bytes" not in fields(request)
