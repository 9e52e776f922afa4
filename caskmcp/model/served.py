"""What a signature covers: the served record of a tool and the content of the shared subjects, as canonical values.

Pure functions of records, shared by the compiler (pending lock), the door (`govern/admit.py`) and the diff: one definition of what is signed.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.model.artifact import Auth, Environments
from caskmcp.model.auth import DETAILED, AuthRule
from caskmcp.model.policy import Defaults, Policy, Rule
from caskmcp.model.tool import Tool
from caskmcp.model.toolset import Toolsets

UNSIGNED = ("operation", "confidence")
"""Fields of a tool that inform the reviewer and change nothing that is served."""
LATER = (
    ("boundary",),
    ("composite",),
    ("request", "constants"),
    ("request", "body", "constants"),
    ("request", "body", "within"),
    ("response", "envelope"),
    ("response", "keep"),
)
"""Places in the record that are left out while they are empty: they came later, and what was approved before them stays approved."""


def served(tool: Tool, policy: Policy, toolsets: Toolsets) -> dict[str, Any]:
    """The served record: the whole tool but `UNSIGNED`, the policy rules that can match it, the declared toolsets that hold it."""
    record = tool.model_dump(mode="json", by_alias=True, exclude=set(UNSIGNED))
    for *way, last in LATER:
        place = functools.reduce(lambda value, key: value.get(key) or {}, way, record)
        if not place.get(last):
            place.pop(last, None)
    for field in _fields(record["request"]):
        if not field["default"]:
            del field["default"]
    record["policy"] = [_rule(rule) for rule in policy.rules_for(tool)]
    record["toolsets"] = sorted(name for name, row in toolsets.toolsets.items() if row.declared and tool.name in row.tools)
    return {"schema": "caskmcp/served/1", **record}


def _fields(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of a request that an argument fills. What one sends unasked came later, as `LATER` says."""
    for rows in (request["query"], request["headers"], request["cookies"], (request["body"] or {}).get("fields", ())):
        yield from rows


def _rule(rule: Rule) -> dict[str, Any]:
    """A rule without the parts that came later, while they are empty: what was approved before them stays approved."""
    record: dict[str, Any] = rule.model_dump(mode="json")
    for name in ("mask", "fields"):
        if not record[name]:
            del record[name]
    if not record["match"]["traits"]:
        del record["match"]["traits"]
    return record


def served_digest(tool: Tool, policy: Policy, toolsets: Toolsets) -> Digest:
    """Digest of the served record: what a statement on `tool:NAME` names."""
    return canon.digest(served(tool, policy, toolsets))


def defaults(policy: Policy) -> Defaults:
    """The policy's signed common part."""
    return Defaults(default=policy.default, budgets=policy.budgets, rules=tuple(rule for rule in policy.rules if not rule.match.tools))


def shared(policy: Policy, environments: Environments, auth: Auth) -> Mapping[str, dict[str, Any]]:
    """Subject -> content of everything that is signed beside the tools: `policy`, `env:NAME`, `auth:HOST`."""
    common = defaults(policy)
    plain = {**common.model_dump(mode="json"), "rules": [_rule(rule) for rule in common.rules]}
    rows: dict[str, dict[str, Any]] = {"policy": {"schema": "caskmcp/policy-defaults/1", **plain}}
    for name, hosts in environments.environments.items():
        rows[f"env:{name}"] = {
            "schema": "caskmcp/environment/1",
            "hosts": {host: place.model_dump(mode="json") for host, place in hosts.items()},
        }
    for host, rule in auth.hosts.items():
        rows[f"auth:{host}"] = {"schema": "caskmcp/auth-reference/1", "host": host, **_auth(rule)}
    return rows


def _auth(rule: AuthRule) -> dict[str, Any]:
    """A reference without the entries that came later, while they are empty: what was approved before them stays approved."""
    record = rule.model_dump(mode="json", by_alias=True)
    return {key: value for key, value in record.items() if key not in DETAILED or value is not None}
