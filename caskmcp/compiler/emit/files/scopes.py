"""`scopes.suggested.yaml`: capability boundaries, suggested over the tools that there are; a scope without a tool is left out."""

from caskmcp.compiler.classify.scopes import suggested
from caskmcp.compiler.emit.files.form import as_yaml
from caskmcp.compiler.emit.surface import Compiled
from caskmcp.model.scope import Scopes


def emit(compiled: Compiled) -> bytes:
    """The file."""
    kept = (row for row in compiled.surface.operations if row.id in compiled.made)
    return as_yaml(Scopes(scopes=dict(sorted(suggested(kept, compiled.names).items()))))
