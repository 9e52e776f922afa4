"""`auth.yaml`: how calls to each host authenticate, by reference, as the manifest says."""

from caskmcp.compiler.emit.files.form import as_yaml
from caskmcp.compiler.emit.surface import Compiled


def emit(compiled: Compiled) -> bytes:
    """The file."""
    return as_yaml(compiled.auth)
