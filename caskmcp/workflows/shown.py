"""What a person sees of a subject before signing it: what a call sends, what an agent reads, the policy that it meets, what changed."""

from collections.abc import Iterator, Mapping
from typing import Any

from caskmcp import text
from caskmcp.errors import CaskError
from caskmcp.govern import content
from caskmcp.govern.admit import Survey
from caskmcp.govern.statements import BLOCKED
from caskmcp.model.statement import Statement
from caskmcp.model.tool import LOWERED, RAISED, RequestPlan, Tool
from caskmcp.ports import World
from caskmcp.store.layout import Pack
from caskmcp.workflows.selection import Candidate


def entry(world: World, pack: Pack, survey: Survey, row: Candidate) -> Iterator[str]:
    """One subject in brief: a changed tool with every change, a shared subject whole."""
    yield from brief(row)
    yield from (f"    {line}" for line in changed(world, pack, survey, row))


def brief(row: Candidate) -> Iterator[str]:
    """What is signed, without what changed."""
    yield f"  {row.name}" + (
        f"  {row.tool.risk}, {row.tool.effect}  {row.tool.composite.line if row.tool.composite else request_line(row.tool.request)}"
        if row.tool
        else ""
    )
    yield f"    {row.digest}"
    if row.tool:
        yield from _told(row.tool, row.content)
    if row.standing.status in ("rejected", "expired", "invalid") or row.standing.code == BLOCKED:
        yield f"    now {row.standing.status}: {row.standing.reason}"


def _told(tool: Tool, served: Mapping[str, Any]) -> Iterator[str]:
    """What an agent reads of a tool, and what a call of it meets."""
    required = tool.input_schema.get("required", ())
    arguments = (name if name in required else f"[{name}]" for name in tool.input_schema.get("properties", {}))
    rules = [f"{rule['effect']} ({rule['id']})" for rule in served["policy"]]
    yield f"    {tool.title}: {tool.description}"
    yield from (f"    {row.evidence}" for row in tool.reasons if row.rule in (LOWERED, RAISED))
    yield f"    arguments: {' '.join(arguments) or 'none'}; policy: {', then '.join(rules) or 'deny (no rule)'}"
    if tool.response.keep:
        yield f"    of its answers only: {', '.join(tool.response.keep)}"
    unasked = {row.argument: row.default for row in (*tool.request.query, *tool.request.headers) if row.default}
    yield from (f"    {line}" for line in (tool.composite.steps_told if tool.composite else ()))
    for name, schema in tool.input_schema.get("properties", {}).items():
        words = [
            *([f"sent as `{unasked[name]}` where it is not given"] if name in unasked else []),
            *([f"one of {', '.join(map(str, schema['enum']))}"] if "enum" in schema else []),
            *filter(None, [schema.get("description")]),
        ]
        if words:
            yield f"      {name}: {'; '.join(words)}"


def request_line(plan: RequestPlan) -> str:
    """`GET https://api.example.com/orders/{order_id}`."""
    path = "/".join(
        "".join(f"{{{piece.argument}}}" if piece.argument else piece.text for piece in segment.pieces) for segment in plan.segments
    )
    return f"{plan.method} {plan.scheme}://{plan.host}{f':{plan.port}' if plan.port else ''}/{path}"


def changed(world: World, pack: Pack, survey: Survey, row: Candidate) -> Iterator[str]:
    """What changed since the newest content that was approved."""
    approvals = [said for said in survey.examined.rows.get(row.subject, ()) if said.verdict == "allow"]
    newest = max(approvals, key=lambda said: said.sequence, default=None)
    if newest is None:
        yield "new"
        yield from () if row.tool else text.dump_yaml(row.content).decode().splitlines()
    elif newest.digest == row.digest:
        yield "unchanged since it was approved"
    else:
        yield from _lines(world, pack, newest, row)


def _lines(world: World, pack: Pack, newest: Statement, row: Candidate) -> Iterator[str]:
    try:
        yield from content.changes(content.read(world.files, pack, newest.digest), row.content)
    except CaskError as cause:
        yield f"approved before as {newest.digest}; {cause.what}, so what changed cannot be shown"
