"""CaskMCP: recorded traffic and specs in, a small, typed, signed MCP tool surface out.

`from caskmcp import build, serve` is the Python API (`caskmcp/api.py`). Importing the package imports nothing of it, so that `cask --help`
starts fast: a name is looked up when it is asked for. What type checkers are told stands in `__init__.pyi`.
"""

from typing import Any, Final

from caskmcp.load import load as _load

__version__: Final = "0.1.0"

_PUBLIC: Final = {
    **dict.fromkeys(("Project", "admit", "build", "open_project", "serve"), "api"),
    **dict.fromkeys(("CaskError", "Exit"), "errors"),
    "Report": "model.finding",
    "AdmittedPack": "model.pack",
}
"""Name -> the module below the package that has it."""


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'caskmcp' has no attribute {name!r}")
    return _load(f"{_PUBLIC[name]}:{name}")


def __dir__() -> list[str]:
    return sorted((*globals(), *_PUBLIC))
