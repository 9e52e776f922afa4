"""`baseline.json`: what drift would be measured from, had this surface been approved."""

from caskmcp.compiler.emit.files.form import document, pretty
from caskmcp.compiler.emit.surface import Compiled
from caskmcp.model.artifact import Baseline, BaselineTool
from caskmcp.model.contract import Contract
from caskmcp.model.observation import keys_of_groups
from caskmcp.model.record import JsonSchema
from caskmcp.model.shared import reached


def emit(compiled: Compiled) -> bytes:
    """The file."""
    contracts = {row.id: row for row in compiled.contracts}
    rows = {
        tool.name: BaselineTool(
            operation=tool.operation, risk=tool.risk, input_schema=tool.input_schema, responses=responses(contracts[tool.operation])
        )
        for tool in compiled.tools
        if tool.composite is None  # what it calls stands here
    }
    known = {row.operation for row in rows.values()}
    others = tuple(row.id for row in compiled.contracts if row.id not in known)
    # The groups are this build's own and were never out of our hands: checking each of them as a record would cost more than all else here.
    groups = {name: compiled.groups[name] for name in sorted(known & compiled.groups.keys())}
    head = Baseline(toolpack=compiled.id, tools=rows, others=others).packed()
    shared = {**head.definitions, **reached(keys_of_groups(groups.values()), compiled.definitions)}
    plain = document(head.model_copy(update={"definitions": shared}))
    return pretty(plain | ({"operations": groups} if groups else {}))


def responses(contract: Contract) -> dict[str, JsonSchema]:
    """`200 application/json` -> strict schema, of every answer that has one."""
    return {f"{row.status} {row.media}".rstrip(): row.schema_ for row in contract.responses if row.schema_ is not None}
