"""`baseline.json`: what drift would be measured from, had this surface been approved."""

from caskmcp.compiler.emit.files.form import as_json
from caskmcp.compiler.emit.surface import Compiled
from caskmcp.model.artifact import Baseline, BaselineTool
from caskmcp.model.contract import Contract
from caskmcp.model.record import JsonSchema


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
    return as_json(Baseline(tools=rows))


def responses(contract: Contract) -> dict[str, JsonSchema]:
    """`200 application/json` -> strict schema, of every answer that has one."""
    return {f"{row.status} {row.media}".rstrip(): row.schema_ for row in contract.responses if row.schema_ is not None}
