"""`scopes.suggested.yaml`: capability boundaries, suggested; a scope without a tool is left out."""

from caskmcp.compiler.emit.files.form import as_yaml
from caskmcp.compiler.emit.surface import Compiled
from caskmcp.model.scope import Scopes


def emit(compiled: Compiled) -> bytes:
    """The file."""
    kept = {
        name: tuple(sorted(compiled.names[row] for row in scope.tools if row in compiled.made))
        for name, scope in compiled.surface.scopes.items()
    }
    rows = {name: compiled.surface.scopes[name].model_copy(update={"tools": tools}) for name, tools in sorted(kept.items()) if tools}
    return as_yaml(Scopes(scopes=rows))
