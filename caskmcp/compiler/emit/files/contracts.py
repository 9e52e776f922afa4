"""`contracts.yaml`: every operation with its evidence, tools or not."""

from caskmcp.compiler.emit.files.form import as_yaml
from caskmcp.compiler.emit.surface import Compiled
from caskmcp.model.contract import Contracts


def emit(compiled: Compiled) -> bytes:
    """The file."""
    return as_yaml(Contracts(contracts=compiled.contracts))
