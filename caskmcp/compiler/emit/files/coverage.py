"""`coverage.json`: which parts stand behind which operation, what became a tool, what was left out and why, what a list costs."""

from collections.abc import Iterator, Mapping

from caskmcp.compiler.emit.budget import tokens
from caskmcp.compiler.emit.files import proposals
from caskmcp.compiler.emit.files.form import as_json
from caskmcp.compiler.emit.files.toolsets import DEFAULT
from caskmcp.compiler.emit.surface import Compiled
from caskmcp.compiler.fleeting import BY_ID
from caskmcp.compiler.infer import reconcile
from caskmcp.model.artifact import Coverage, OperationCoverage, Selection
from caskmcp.model.contract import Contract, Disagreement, Doubt
from caskmcp.model.project import Budget


def emit(compiled: Compiled) -> bytes:
    """The file."""
    return as_json(coverage(compiled))


def coverage(compiled: Compiled) -> Coverage:
    """What the merge knew, completed: tools with names, reasons, notes and tokens."""
    rows = {row.id: _operation(compiled, row.id) for row in compiled.contracts}
    costs = {tool.name: tokens(tool) for tool in compiled.tools}
    return compiled.coverage.model_copy(
        update={
            "operations": dict(sorted(rows.items())),
            "tokens": costs,
            "selection": selection(compiled, costs),
            "sessions": (),
            "auth": (ways := _auth(compiled.contracts)),
            "mixed_auth": tuple(host for host, found in ways.items() if len(found) > 1),
            "proposals": tuple(proposals.shown(row) for row in compiled.coverage.proposals),
            "doubts": tuple(_doubts(compiled.contracts)),
            "disagreements": tuple(sorted(_disagreements(compiled.contracts), key=lambda row: (row.operation, row.rule, row.place))),
        }
    )


def selection(compiled: Compiled, costs: Mapping[str, int]) -> Selection:
    """What the budget chose, with what it costs. costs: tokens by tool."""
    choice, limit = compiled.choice, compiled.rules.budget or Budget()
    return Selection(
        tools=len(choice.tools),
        tokens=sum(costs[name] for name in choice.tools),
        all_tokens=sum(costs.values()),
        most_tools=limit.tools,
        most_tokens=limit.tokens,
        sessions=choice.sessions,
        covered=choice.covered,
        left_out=dict(choice.left_out),
    )


def _manual(compiled: Compiled, operation: str, origins: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """What a server may ask for that lives for a session: the tool does not send it."""
    contract = next(row for row in compiled.contracts if row.id == operation)
    for row in contract.fleeting:
        if BY_ID[row.rule].manual:
            found = origins.get(row.place, {})
            source = max(sorted(found), key=lambda name: found[name], default="")
            yield f"{row.place} is ephemeral ({row.rule}): " + (f"it came from {source}" if source else "where it comes from was not seen")


def _disagreements(contracts: tuple[Contract, ...]) -> Iterator[Disagreement]:
    """Those inside of operations, and operations that one side alone knows, of origins that both know."""
    known = {side: {_origin(row) for row in contracts if side in row.evidence.sources} for side in ("spec", "traffic")}
    for row in contracts:
        yield from (found.model_copy(update={"operation": row.id}) for found in row.disagreements)
        sources = row.evidence.sources
        if "spec" in sources and "traffic" not in sources and _origin(row) in known["traffic"]:
            yield reconcile.row("operation-not-seen", "operation", "documented", "", row.id)
        if "traffic" in sources and "spec" not in sources and _origin(row) in known["spec"]:
            yield reconcile.row("operation-not-documented", "operation", "", "seen", row.id)


def _doubts(contracts: tuple[Contract, ...]) -> Iterator[Doubt]:
    """Sorted as the contracts are. A single sample is said by each tool's confidence already."""
    for row in contracts:
        yield from (found.model_copy(update={"operation": row.id}) for found in row.doubts if found.rule != "one-sample")


def _auth(contracts: tuple[Contract, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for row in contracts:
        found.setdefault(f"{row.host}:{row.port}" if row.port else row.host, set()).update(row.auth)
    return {host: tuple(sorted(ways)) for host, ways in sorted(found.items()) if ways}


def _origin(contract: Contract) -> tuple[str, int]:
    return contract.host, contract.port


def _operation(compiled: Compiled, operation: str) -> OperationCoverage:
    known = compiled.coverage.operations.get(operation, OperationCoverage(parts={}))
    if operation in compiled.left_out:
        return known.model_copy(update={"reason": compiled.left_out[operation]})
    name = compiled.names[operation]
    known = known.model_copy(update={"manual": tuple(_manual(compiled, operation, known.origins))})
    why = compiled.choice.left_out.get(name)
    budget = () if why is None else (f"not in the toolset `{DEFAULT}`: {why}",)
    return known.model_copy(update={"tool": name, "notes": tuple(sorted((*compiled.made[operation].notes, *budget)))})
