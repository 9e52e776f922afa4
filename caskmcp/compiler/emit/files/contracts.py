"""`contracts.yaml`: every operation with its evidence, tools or not."""

from caskmcp.compiler.emit.files.form import as_yaml
from caskmcp.compiler.emit.surface import Compiled
from caskmcp.model.contract import Contracts
from caskmcp.model.shared import Table


def emit(compiled: Compiled) -> bytes:
    """The file. What schemas share stands once."""
    table = Table()
    rows = tuple(row.packed(table) for row in compiled.contracts)
    return as_yaml(Contracts(contracts=rows, definitions=dict(sorted(table.rows.items()))))
