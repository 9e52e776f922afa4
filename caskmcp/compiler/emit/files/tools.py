"""`tools.json`: every tool, sorted by name; one tool is one block of a `git diff`."""

from caskmcp.compiler.emit.files.form import as_json
from caskmcp.compiler.emit.surface import Compiled
from caskmcp.model.tool import Tools


def emit(compiled: Compiled) -> bytes:
    """The file."""
    return as_json(Tools(tools=compiled.tools))
