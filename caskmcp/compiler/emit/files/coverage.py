"""`coverage.json`: which parts stand behind which operation, what became a tool, what was left out and why, what a list costs."""

from caskmcp.compiler.emit.budget import kept, tokens
from caskmcp.compiler.emit.files.form import as_json
from caskmcp.compiler.emit.files.toolsets import DEFAULT, use
from caskmcp.compiler.emit.surface import Compiled
from caskmcp.model.artifact import Coverage, OperationCoverage


def emit(compiled: Compiled) -> bytes:
    """The file."""
    return as_json(coverage(compiled))


def coverage(compiled: Compiled) -> Coverage:
    """What the merge knew, completed: tools with names, reasons, notes and tokens."""
    fitting = frozenset(kept(compiled.tools, use(compiled), compiled.rules.budget))
    rows = {row.id: _operation(compiled, row.id, fitting) for row in compiled.contracts}
    costs = {tool.name: tokens(tool) for tool in compiled.tools}
    return compiled.coverage.model_copy(update={"operations": dict(sorted(rows.items())), "tokens": costs})


def _operation(compiled: Compiled, operation: str, fitting: frozenset[str]) -> OperationCoverage:
    known = compiled.coverage.operations.get(operation, OperationCoverage(parts={}))
    if operation in compiled.left_out:
        return known.model_copy(update={"reason": compiled.left_out[operation]})
    name = compiled.names[operation]
    budget = () if name in fitting else (f"not in the toolset `{DEFAULT}`: `tools.budget` is used up",)
    return known.model_copy(update={"tool": name, "notes": tuple(sorted((*compiled.made[operation].notes, *budget)))})
