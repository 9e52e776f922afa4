"""Tool records: name, wording, arguments, request plan and answers of each operation, and what was left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from caskmcp.compiler.emit.arguments import Arguments, arguments
from caskmcp.compiler.emit.describe import wording
from caskmcp.compiler.emit.hints import Sources
from caskmcp.compiler.emit.output import expected, output_schema
from caskmcp.compiler.emit.request import is_mcp, plan, success_media
from caskmcp.model.auth import AuthRule
from caskmcp.model.contract import Contract
from caskmcp.model.record import JsonSchema
from caskmcp.model.surface import Classified
from caskmcp.model.tool import ResponsePlan, Tool

SIGNED: Final = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256")
"""Headers that AWS Signature Version 4 sets."""


@dataclass(frozen=True)
class Made:
    """A tool, and what was left out while it was made."""

    tool: Tool
    notes: tuple[str, ...]


def made(contract: Contract, judged: Classified, name: str, auth: Mapping[str, AuthRule], sources: Sources | None = None) -> Made:
    """The tool of a contract that `request.refusal` has nothing against. auth: the manifest's, by host. sources: what gives its arguments."""
    rows = arguments(contract, credentials(contract, auth))
    rows = sources.hinted(contract, rows) if sources else rows
    words = wording(contract, name, judged)
    tool = Tool(
        name=name,
        operation=contract.id,
        title=words.title,
        description=words.description,
        input_schema=input_schema(rows),
        output_schema=output_schema(contract),
        annotations=judged.annotations,
        request=plan(contract, rows),
        response=ResponsePlan(media=success_media(contract), expected=expected(contract), envelope="mcp" if is_mcp(contract) else ""),
        effect=judged.effect,
        risk=judged.risk,
        reasons=judged.reasons,
        scope=judged.scope,
        traits=judged.traits,
        confidence=judged.confidence,
    )
    return Made(tool, (*words.notes, *rows.notes))


def input_schema(rows: Arguments) -> JsonSchema:
    """A closed object of the arguments: no combinators at the root, references into `$defs` alone."""
    schema: JsonSchema = {"type": "object", "properties": {row.key: row.schema for row in rows.rows}, "additionalProperties": False}
    required = sorted(row.key for row in rows.rows if row.required)
    return schema | ({"required": required} if required else {}) | ({"$defs": dict(rows.definitions)} if rows.definitions else {})


def credentials(contract: Contract, auth: Mapping[str, AuthRule]) -> frozenset[str]:
    """`location:name` of what the manifest says authenticates calls to the contract's host."""
    origin = f"{contract.host}:{contract.port}" if contract.port else contract.host
    rule = auth.get(origin) or auth.get(contract.host)
    headers = (rule.hmac.header, rule.hmac.timestamp) if rule and rule.hmac else SIGNED if rule and rule.sigv4 else ()
    named = {f"{rule.place}:{rule.name.lower()}"} if rule and rule.name else set()
    return frozenset(named | {f"header:{name.lower()}" for name in headers if name})
