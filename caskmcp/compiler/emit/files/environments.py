"""`environments.yaml`: other places for the same surface, as the manifest says."""

from caskmcp.compiler.emit.files.form import as_yaml
from caskmcp.compiler.emit.surface import Compiled


def emit(compiled: Compiled) -> bytes:
    """The file."""
    return as_yaml(compiled.environments)
