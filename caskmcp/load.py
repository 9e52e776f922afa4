"""Resolve `module:attribute` rows of tables on first use, so that a table costs nothing until a row is needed."""

from functools import cache
from importlib import import_module
from typing import Any

PACKAGE = "caskmcp."


@cache
def load(path: str) -> Any:
    """Return the attribute that `room.module:attribute` (below the package) names.

    Raises ImportError or AttributeError, which are our bugs: every row of every table is resolved in `tests/house`.
    """
    module, _, attribute = path.partition(":")
    return getattr(import_module(PACKAGE + module), attribute)
