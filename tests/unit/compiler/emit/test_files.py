"""Toolsets, policy, scopes, baseline, coverage, auth and environments of the storefront."""

from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from caskmcp.compiler.emit.budget import choose, tokens
from caskmcp.compiler.emit.files.toolsets import members
from caskmcp.compiler.emit.stage import compiled, run
from caskmcp.errors import CaskError
from caskmcp.model.artifact import Auth, Baseline, Coverage, Environments
from caskmcp.model.contract import Contract
from caskmcp.model.policy import Policy
from caskmcp.model.project import Budget, ToolsetRule
from caskmcp.model.scope import Scopes
from caskmcp.model.served import served, served_digest, shared
from caskmcp.model.tool import TIERS, Tool, Tools
from caskmcp.model.toolset import Toolsets
from tests.support.contracts import contract, obj
from tests.support.storefront import SECTIONS, given, storefront


def files(contracts: tuple[Contract, ...] | None = None, **more: Any) -> dict[str, bytes]:
    return dict(run(given(storefront() if contracts is None else contracts, **more))["files"])


def tools(**more: Any) -> dict[str, Tool]:
    return {tool.name: tool for tool in Tools.from_json(files(**more)["tools.json"], "tools.json").tools}


def toolsets(**more: Any) -> Toolsets:
    return Toolsets.from_yaml(files(**more)["toolsets.yaml"], "toolsets.yaml")


def policy(contracts: tuple[Contract, ...] | None = None, **more: Any) -> Policy:
    return Policy.from_yaml(files(contracts, **more)["policy.yaml"], "policy.yaml")


def coverage(**more: Any) -> Coverage:
    return Coverage.from_json(files(**more)["coverage.json"], "coverage.json")


def refused(code: str, **more: Any) -> CaskError:
    with pytest.raises(CaskError) as caught:
        files(**more)
    assert caught.value.code == code
    return caught.value


# ---------------------------------------------------------------- tools
@pytest.mark.feature(49)
def test_each_tool_has_a_title_a_description_and_all_four_hints() -> None:
    for tool in tools().values():
        assert tool.title
        assert tool.description
        assert tool.annotations.read_only == (tool.effect == "read")
        assert not (tool.annotations.read_only and tool.annotations.destructive)
        assert tool.annotations.open_world


@pytest.mark.feature(35)
def test_each_tool_has_a_tier_with_its_rule_and_evidence() -> None:
    rows = {name: (tool.risk, tool.effect, tool.reasons[0].rule) for name, tool in tools().items()}
    assert rows["refund_order"] == ("high", "write", "money")
    assert rows["cancel_order"] == ("high", "destructive", "destructive-verb")
    assert rows["delete_user"] == ("critical", "destructive", "account-removal")
    assert rows["get_customer"] == ("medium", "read", "pii-answer")
    assert rows["create_order"] == ("medium", "write", "write-method")
    assert rows["list_orders"] == ("safe", "read", "read-method")
    assert all(reason.evidence for tool in tools().values() for reason in tool.reasons)


def test_a_rename_changes_the_name_alone() -> None:
    before, after = tools()["get_product"], tools(tools={"rename": {"get_product": "get_article"}})["get_article"]
    assert after.model_copy(update={"name": "get_product", "title": before.title, "description": before.description}) == before


@pytest.mark.parametrize(
    ("code", "rename"),
    [
        ("CASK-N003", {"get_product": "get_order"}),
        ("CASK-N003", {"get_product": "x", "get_order": "x"}),
        ("CASK-I009", {"get_product": "Get Article"}),
        ("CASK-I009", {"get_product": "a" * 37}),
        ("CASK-I010", {"get_nothing": "get_something"}),
    ],
)
def test_a_rename_that_cannot_be_is_refused(code: str, rename: dict[str, str]) -> None:
    assert refused(code, tools={"rename": rename}).place == "cask.yaml"


def test_two_names_may_be_swapped() -> None:
    swapped = tools(tools={"rename": {"get_product": "get_order", "get_order": "get_product"}})
    assert swapped["get_order"].request.segments[2].pieces[0].text == "products"


@pytest.mark.parametrize("entry", ["GET /metrics", "get /metrics", "list_metrics", "*_metrics", "* /metrics"])
def test_an_excluded_operation_is_no_tool_but_stays_on_record(entry: str) -> None:
    made = files(tools={"exclude": [entry]})
    assert b'"list_metrics"' not in made["tools.json"]
    assert b'"list_metrics"' in made["openapi.json"]
    assert b"/metrics" in made["contracts.yaml"]
    row = Coverage.from_json(made["coverage.json"], "coverage.json").operations["GET api.shop.example/metrics"]
    assert (row.tool, row.reason) == ("", "excluded by `tools.exclude`")


def test_an_excluded_template_may_name_its_parameters_otherwise() -> None:
    assert "get_order" not in tools(tools={"exclude": ["GET /api/v1/orders/{id}"]})
    assert "update_order" in tools(tools={"exclude": ["GET /api/v1/orders/{id}"]})


def test_excluding_renames_no_other_tool() -> None:
    assert set(tools()) - set(tools(tools={"exclude": ["GET /api/v1/orders"]})) == {"list_orders"}


def test_what_cannot_be_a_tool_is_on_record_with_the_reason() -> None:
    rows = (contract("GET /orders"), contract("TRACE /orders"))
    made = run(given(rows))["files"]
    assert [tool.name for tool in Tools.from_json(made["tools.json"], "t").tools] == ["list_orders"]
    assert (
        Coverage.from_json(made["coverage.json"], "c").operations["TRACE api.shop.example/orders"].reason == "its method is never offered"
    )


# ---------------------------------------------------------------- toolsets
@pytest.mark.feature(38)
def test_the_label_of_a_toolset_and_its_content_agree() -> None:
    sets, rows = toolsets(**SECTIONS).toolsets, tools(**SECTIONS)
    assert {name for name in rows if rows[name].effect == "read"} == set(sets["readonly"].tools)
    assert {name for name in rows if rows[name].effect != "read"} == set(sets["write_ops"].tools)
    assert {name for name in rows if rows[name].risk in ("high", "critical")} == set(sets["high_risk"].tools)
    assert set(rows) == set(sets["operator"].tools)
    assert all(TIERS.index(rows[name].risk) <= TIERS.index("medium") for name in sets["support"].tools)
    assert [name for name, row in sets.items() if row.declared] == ["support"]


def test_a_declared_toolset_takes_patterns_and_a_highest_tier() -> None:
    assert toolsets(**SECTIONS).toolsets["support"].tools == ("create_order", "get_order", "list_orders", "update_order")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("readonly", "CASK-N003"),
        ("operator", "CASK-N003"),
        ("default", "CASK-N003"),
        ("write_ops", "CASK-I004"),
        ("high_risk", "CASK-I004"),
    ],
)
def test_a_declared_toolset_cannot_take_an_emitted_ones_name(name: str, code: str) -> None:
    refused(code, toolsets={name: {}})
    assert name in toolsets().toolsets


def test_a_declared_toolset_that_names_no_tool_is_refused() -> None:
    assert "`list_order`" in refused("CASK-I010", toolsets={"support": {"include": ["list_order"]}}).what
    refused("CASK-I010", toolsets={"support": {"exclude": ["list_order"]}})


@examples(st.sampled_from([None, *TIERS]), st.lists(st.sampled_from(["*", "get_*", "*_order", "list_orders", "delete_?ser"]), max_size=3))
def test_no_pattern_brings_a_tool_above_the_highest_tier_in(highest: Any, patterns: list[str]) -> None:
    rows = tuple(tools().values())
    names = members("x", ToolsetRule(include=tuple(patterns), max_risk=highest), rows)
    risks = {tool.name: TIERS.index(tool.risk) for tool in rows}
    assert highest is None or all(risks[name] <= TIERS.index(highest) for name in names)


def test_the_budget_keeps_what_is_used_an_order_of_magnitude_more() -> None:
    made = toolsets(tools={"budget": {"tools": 3}}).toolsets
    assert made["default"].tools == ("get_order", "list_metrics", "list_orders")
    assert len(made["operator"].tools) == 15
    rows = coverage(tools={"budget": {"tools": 3}}).operations
    assert rows["DELETE api.shop.example/api/v1/orders/{order_id}"].notes == ("not in the toolset `default`: `tools.budget` is used up",)
    assert rows["GET api.shop.example/api/v1/orders"].notes == ()


def test_without_a_budget_everything_is_in_default() -> None:
    made = toolsets().toolsets
    assert made["default"].tools == made["operator"].tools


def test_the_coverage_says_what_is_left_out_and_what_the_list_costs() -> None:
    found = coverage(tools={"budget": {"tools": 3}})
    row = found.selection
    assert row is not None
    assert (row.tools, row.most_tools, row.most_tokens, row.sessions) == (3, 3, 20_000, 0)
    assert row.tokens == sum(found.tokens[name] for name in ("get_order", "list_metrics", "list_orders"))
    assert row.all_tokens == sum(found.tokens.values())
    assert row.left_out == {
        name: "`tools.budget` is used up" for name in found.tokens if name not in ("get_order", "list_metrics", "list_orders")
    }


def test_sessions_of_the_observations_choose_the_toolset_and_stay_out_of_the_file() -> None:
    known = {"operations": {}, "sessions": [{"operations": ["POST api.shop.example/api/v1/feedback"], "count": 4}]}
    section = {"budget": {"sessions": 90}}
    assert toolsets(tools=section, coverage=known).toolsets["default"].tools == ("create_feedback",)
    found = coverage(tools=section, coverage=known)
    assert found.sessions == ()
    assert found.selection is not None
    assert (found.selection.sessions, found.selection.covered) == (4, 4)


def test_the_budget_of_tokens_holds() -> None:
    rows = tuple(tools().values())
    names = choose(rows, {}, (), Budget(tools=40, tokens=500)).tools
    assert 0 < sum(tokens(tool) for tool in rows if tool.name in names) <= 500


def test_a_budget_that_no_tool_fits_is_refused() -> None:
    assert "`tools.budget` of 1 tokens" in refused("CASK-N004", tools={"budget": {"tokens": 1}}).what


def test_tokens_are_counted_on_what_a_client_is_sent() -> None:
    tool = tools()["list_metrics"]
    assert tool.output_schema is None
    assert tokens(tool) == -(-len(f'{{"annotations":{{"destructiveHint":false,"idempotentHint":true,"openWorldHint":true,"readOnlyHint":true}},"description":"{tool.description}","inputSchema":{{"additionalProperties":false,"properties":{{}},"type":"object"}},"name":"list_metrics","title":"List metrics"}}') // 4)  # fmt: skip
    assert coverage().tokens["list_metrics"] == tokens(tool)


# ---------------------------------------------------------------- policy
@pytest.mark.feature(46)
def test_safe_to_medium_is_allowed_high_asks_and_the_rest_is_denied() -> None:
    table = policy()
    verdicts = {name: [rule.effect for rule in table.rules_for(tool)] for name, tool in tools().items()}
    assert verdicts["list_orders"] == verdicts["create_order"] == verdicts["get_customer"] == ["allow"]
    assert verdicts["refund_order"] == verdicts["cancel_order"] == ["confirm"]
    assert verdicts["delete_user"] == []
    assert table.default == "deny"


@pytest.mark.parametrize(
    ("operations", "ids"),
    [
        (("GET /orders", "DELETE /orders/{order_id}"), ["allow-up-to-medium", "confirm-high"]),
        (("GET /orders",), ["allow-up-to-medium"]),
        (("DELETE /orders/{order_id}",), ["confirm-high"]),
        (("DELETE /users/{user_id}",), []),
    ],
)
def test_each_emitted_rule_can_be_reached(operations: tuple[str, ...], ids: list[str]) -> None:
    assert [rule.id for rule in policy(tuple(map(contract, operations))).rules] == ids


def test_additions_stand_first_and_may_make_an_emitted_rule_unreachable() -> None:
    deny = {"version": 1, "rules": [{"id": "nothing-high", "effect": "deny", "match": {"risk": ["high"]}}]}
    assert [rule.id for rule in policy(policy=deny).rules] == ["nothing-high", "allow-up-to-medium"]


def test_budgets_of_additions_are_kept() -> None:
    table = policy(policy={"version": 1, "budgets": {"list_orders": {"calls": 3, "per_seconds": 60}}})
    assert {name: (row.calls, row.per_seconds) for name, row in table.budgets.items()} == {"list_orders": (3, 60)}


@pytest.mark.parametrize(
    ("code", "additions"),
    [
        ("CASK-N003", {"rules": [{"id": "confirm-high", "effect": "allow"}]}),
        ("CASK-N003", {"rules": [{"id": "a", "effect": "allow"}, {"id": "a", "effect": "deny"}]}),
        ("CASK-I010", {"rules": [{"id": "a", "effect": "deny", "match": {"tools": ["delete_ordr"]}}]}),
        ("CASK-I010", {"budgets": {"list_ordrs": {"calls": 1, "per_seconds": 1}}}),
        ("CASK-I010", {"budgets": {"toolset:suport": {"calls": 1, "per_seconds": 1}}}),
        ("CASK-I010", {"budgets": {"toolset:default": {"calls": 1, "per_seconds": 1}}}),  # nobody signs who is in it
        ("CASK-I004", {"budgets": {"*": {"per_seconds": 1}}}),
        ("CASK-I004", {"rules": [{"id": "a", "effect": "permit"}]}),
        ("CASK-I004", {"rule": []}),
    ],
)
def test_additions_that_would_silently_do_nothing_are_refused(code: str, additions: dict[str, Any]) -> None:
    refused(code, policy={"version": 1, **additions})


def test_budgets_of_toolsets_that_are_signed_and_of_callers_are_kept() -> None:
    rows = {
        "toolset:readonly": {"tokens": 5_000, "per_seconds": 60},
        "caller:*": {"calls": 1, "per_seconds": 1, "also": [{"calls": 9, "per_seconds": 60}]},
    }
    made = policy(policy={"version": 1, "budgets": rows}).budgets
    assert {name: row.plain() for name, row in made.items()} == rows


def test_a_rule_may_name_an_excluded_tool() -> None:
    additions = {"version": 1, "rules": [{"id": "a", "effect": "deny", "match": {"tools": ["list_metrics"]}}]}
    assert next(rule.id for rule in policy(policy=additions, tools={"exclude": ["list_metrics"]}).rules) == "a"


# ---------------------------------------------------------------- the others
def test_scopes_name_tools_and_say_where_a_person_has_to_look() -> None:
    rows = Scopes.from_yaml(files(tools={"exclude": ["GET /metrics"]})["scopes.suggested.yaml"], "scopes").scopes
    assert rows["orders:read"].tools == ("get_order", "list_orders")
    assert rows["orders:write"].tools == ("cancel_order", "create_order", "delete_order", "refund_order", "search_orders", "update_order")
    assert (rows["orders:write"].confidence, rows["orders:write"].review_required) == ("low", True)
    assert (rows["orders:read"].confidence, rows["orders:read"].review_required) == ("medium", False)
    assert "metrics:read" not in rows


def test_the_baseline_holds_the_strict_schemas() -> None:
    answer = obj(["up"], up={"type": "boolean"})
    row = Baseline.from_json(files((contract("GET /status", answer=answer),))["baseline.json"], "b").tools["get_status"]
    assert (row.operation, row.risk, row.responses) == ("GET api.shop.example/status", "safe", {"200 application/json": answer})
    assert row.input_schema == {"type": "object", "properties": {}, "additionalProperties": False}


def test_coverage_keeps_what_the_merge_knew() -> None:
    known = {
        "operations": {"GET api.shop.example/metrics": {"parts": {"ab": 3}}},
        "left_out": {"GET api.shop.example/gone": "never succeeded"},
        "single_valued": {"slug": 4},
    }
    row = coverage(coverage=known)
    assert (row.left_out, row.single_valued) == ({"GET api.shop.example/gone": "never succeeded"}, {"slug": 4})
    assert row.operations["GET api.shop.example/metrics"].parts == {"ab": 3}
    assert len(row.operations) == len(storefront())


def test_auth_and_environments_are_the_manifests() -> None:
    made = files(**SECTIONS)
    assert Auth.from_yaml(made["auth.yaml"], "auth").hosts["api.shop.example"].source == "env:SHOP_TOKEN"
    assert Environments.from_yaml(made["environments.yaml"], "env").environments["local"]["api.shop.example"].private


def test_the_header_that_the_manifest_authenticates_with_is_no_argument() -> None:
    auth = {"api.shop.example": {"scheme": "api_key", "from": "env:KEY", "name": "X-Trace"}}
    assert "X-Trace" in tools()["get_product"].input_schema["properties"]
    assert "X-Trace" not in tools(auth=auth)["get_product"].input_schema["properties"]


def test_sections_that_are_none_are_refused() -> None:
    refused("CASK-I004", tools={"renames": {}})
    assert compiled(given((), tools=None)).tools == ()


@pytest.mark.feature(24)
def test_coverage_names_the_ways_to_authenticate_by_host_and_flags_hosts_with_several() -> None:
    rows = (
        contract("GET /status", auth=("bearer",)),
        contract("GET /orders", auth=("header:x-api-key",)),
        contract("GET /news", host="cdn.shop.example", auth=("bearer",)),
        contract("GET /free", host="www.shop.example"),
    )
    found = Coverage.from_json(files(rows)["coverage.json"], "coverage")
    assert found.auth == {"api.shop.example": ("bearer", "header:x-api-key"), "cdn.shop.example": ("bearer",)}
    assert found.mixed_auth == ("api.shop.example",)


# ---------------------------------------------------------------- what a person states
LOWER: dict[str, Any] = {"search_orders": {"tier": "low", "effect": "read", "reason": "reads only"}}


def test_a_stated_risk_reaches_the_tool_the_scopes_and_the_toolsets() -> None:
    before, after = tools()["search_orders"], tools(tools={"risk": LOWER})["search_orders"]
    assert (before.risk, before.effect, before.scope) == ("medium", "write", "orders:write")
    assert (after.risk, after.effect, after.scope) == ("low", "read", "orders:read")
    assert after.reasons[0].rule == "stated-lower"
    assert "search_orders" in toolsets(tools={"risk": LOWER}).toolsets["readonly"].tools
    scopes = Scopes.from_yaml(files(tools={"risk": LOWER})["scopes.suggested.yaml"], "scopes").scopes
    assert "search_orders" in scopes["orders:read"].tools


def test_a_stated_risk_changes_no_other_tool() -> None:
    before, after = tools(), tools(tools={"risk": LOWER})
    assert {name for name in before if before[name] != after[name]} == {"search_orders"}


def test_a_stated_risk_may_use_the_name_that_the_manifest_gives() -> None:
    section = {"rename": {"search_orders": "find_orders"}, "risk": {"find_orders": LOWER["search_orders"]}}
    assert tools(tools=section)["find_orders"].risk == "low"


def test_a_stated_risk_of_a_tool_that_does_not_exist_is_refused() -> None:
    assert "`nothing`" in refused("CASK-I010", tools={"risk": {"nothing": LOWER["search_orders"]}}).what


OWN: dict[str, Any] = {"version": 1, "scopes": {"sales": {"description": "Sell things", "tools": ["list_orders", "get_order"]}}}


@pytest.mark.feature(37)
def test_the_users_scopes_win_and_their_digest_stands_in_the_tool() -> None:
    before, after = tools(), tools(scopes=OWN)
    assert {name for name in before if before[name] != after[name]} == {"list_orders", "get_order"}
    assert {after[name].scope for name in ("list_orders", "get_order")} == {"sales"}
    assert after["get_order"].boundary == after["list_orders"].boundary != ""
    assert before["get_order"].boundary == ""


@pytest.mark.feature(37)
def test_other_words_of_a_scope_change_what_is_signed_of_its_tools_alone() -> None:
    other = {"version": 1, "scopes": {"sales": {**OWN["scopes"]["sales"], "description": "Sell other things"}}}
    before, after = tools(scopes=OWN), tools(scopes=other)
    rules, sets = policy(), toolsets()
    changed = {name for name in before if served_digest(before[name], rules, sets) != served_digest(after[name], rules, sets)}
    assert changed == {"list_orders", "get_order"}


@pytest.mark.feature(37)
def test_a_tool_that_joins_a_scope_leaves_the_others_approved() -> None:
    more = {"version": 1, "scopes": {"sales": {**OWN["scopes"]["sales"], "tools": ["list_orders", "get_order", "create_feedback"]}}}
    before, after = tools(scopes=OWN), tools(scopes=more)
    rules, sets = policy(), toolsets()
    changed = {name for name in before if served_digest(before[name], rules, sets) != served_digest(after[name], rules, sets)}
    assert changed == {"create_feedback"}


def test_a_scope_with_an_unknown_tool_and_a_tool_in_two_scopes_are_refused() -> None:
    assert "`nothing`" in refused("CASK-I010", scopes={"version": 1, "scopes": {"a": {"description": "x", "tools": ["nothing"]}}}).what
    both = {name: {"description": "x", "tools": ["get_order"]} for name in ("a", "b")}
    assert "`get_order`" in refused("CASK-N003", scopes={"version": 1, "scopes": both}).what


# ---------------------------------------------------------------- tags drive the policy
def test_a_rule_on_a_tag_decides_calls_of_the_tools_that_have_it() -> None:
    rules = [{"id": "people", "effect": "confirm", "match": {"traits": ["pii"]}}]
    found = policy(policy={"version": 1, "rules": rules})
    decided = {name for name, tool in tools().items() if found.rules_for(tool)[-1:] and found.rules_for(tool)[-1].id == "people"}
    assert decided == {name for name, tool in tools().items() if "pii" in tool.traits} != set()


def test_a_rule_without_tags_is_signed_as_it_was_before_there_were_any() -> None:
    tool, rules = tools()["get_order"], policy()
    assert "traits" not in served(tool, rules, toolsets())["policy"][0]["match"]
    assert all("traits" not in rule["match"] for rule in shared(rules, Environments(), Auth())["policy"]["rules"])
    tagged = policy(policy={"version": 1, "rules": [{"id": "people", "effect": "confirm", "match": {"traits": ["pii"]}}]})
    assert shared(tagged, Environments(), Auth())["policy"]["rules"][0]["match"]["traits"] == ["pii"]
