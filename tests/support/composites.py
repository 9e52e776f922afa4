"""Composites for tests: over the tools of `packs`, with the digests that a compiler would write, and over the hand-built pack of `calls`."""

import json
from collections.abc import Mapping
from typing import Any, Final

from caskmcp.govern import offer
from caskmcp.model.tool import NO_REQUEST, Annotations, Reason, Tool
from tests.support import packs
from tests.support.calls import schema

ANY: Final = "sha256:" + "0" * 64
"""The digest of a step where nobody compares: what the door let through is written down there."""
ORDER: Final = {"order_id": {"type": "integer"}}


def composite(
    name: str,
    plan: Mapping[str, Any],
    *,
    arguments: Mapping[str, Any] = ORDER,
    risk: str = "low",
    effect: str = "read",
    digests: Mapping[str, str] | None = None,
) -> Tool:
    """A composite; the steps of the plan need no digest."""
    steps = [{"digest": (digests or {}).get(row["tool"], ANY), **row} for row in plan["steps"]]
    hints = Annotations(read_only=effect == "read", destructive=False, idempotent=effect == "read", open_world=True)
    return Tool.model_validate_json(
        json.dumps(
            {
                "name": name,
                "operation": "",
                "title": name,
                "description": f"Calls {' and '.join(row['tool'] for row in steps)}.",
                "input_schema": schema(arguments, ()),
                "output_schema": {"type": "object"},
                "annotations": hints.plain(),
                "request": NO_REQUEST.plain(),
                "effect": effect,
                "risk": risk,
                "reasons": [Reason(rule="composite", evidence="as its tools").plain()],
                "scope": "orders:read",
                "composite": {**plan, "steps": steps},
            }
        )
    )


def step(tool: str, **filled: Any) -> dict[str, Any]:
    """A step; `argument="x"` texts stand for arguments of the composite, objects for themselves."""
    return {"tool": tool, "with": {key: {"argument": value} if isinstance(value, str) else value for key, value in filled.items()}}


def digests(*tools: Tool) -> dict[str, str]:
    """Tool -> digest of its served record in the pack of `packs`."""
    return {row.name: str(row.digest) for row in offer.parse(packs.pack_files(tools)).tools}


def within(name: str, plan: Mapping[str, Any], *tools: Tool, **more: Any) -> Tool:
    """A composite as the compiler would declare it over the tools of a pack."""
    return composite(name, plan, digests=digests(*tools), **more)
