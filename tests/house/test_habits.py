"""Habits of the code about itself: visible imports, no swallowed errors, one place that ends the process, small modules with real names."""

import ast
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

from tests.support.syntax import ROOT, Module, functions, modules


class Exempt(NamedTuple):
    """A module that may do what the others may not."""

    path: str
    reason: str


HIDDEN_IMPORTS: Final[tuple[Exempt, ...]] = ()
"""Modules with imports inside functions. `load.py` needs none: it imports by name."""

DYNAMIC_IMPORTS: Final = (Exempt("load.py", "resolves rows of tables on first use"),)

BROAD_HANDLERS: Final = (
    Exempt("cli/main.py", "an unexpected error is one line and exit 70, never a traceback"),
    Exempt("record/plugin_child.py", "whatever a third party's adapter raises ends its process with a name"),
    Exempt("engine/perform.py", "carries an error of another process home, as a record"),
    Exempt("engine/runner.py", "doit takes a failure as a value; the plan raises it again"),
    Exempt("record/chromium.py", "the browser's own process: a fault, or the script's, goes home as a frame"),
    Exempt("runtime/reload.py", "a fault in reading or judging the pack empties the list, and says so; the server stays"),
    Exempt("runtime/conduct.py", "a fault ends its call with a code and a record, never the server"),
    Exempt("runtime/inspect_server.py", "a fault ends its answer with a code, never the server, and its text reaches nobody"),
)
"""Modules that catch `Exception` or `BaseException`: borders where nothing may get through."""

ENDERS: Final = (
    Exempt("__main__.py", "`python -m caskmcp`: hands main's status to the interpreter, as the installed script does"),
    Exempt("cli/main.py", "after Ctrl-C, where threads are in the middle of native code that would abort the process as it ends"),
    Exempt("engine/processes.py", "a process whose parent was killed ends itself, whatever it is at"),
)
"""Modules that end the process."""

ENDINGS: Final = re.compile(r"sys\.exit|builtins\.(exit|quit)|os\._exit|os\.abort")
FORBIDDEN_NAMES: Final = frozenset(
    {"utils", "util", "helpers", "helper", "common", "core", "manager", "managers", "handler", "handlers", "misc"}
)
LONGEST: Final = 400


def exempt(rows: tuple[Exempt, ...], module: Module) -> bool:
    return any(module.path == row.path for row in rows)


def hidden_imports(module: Module) -> list[int]:
    """Lines of import statements inside functions."""
    inner = [node for function in functions(module.tree) for node in ast.walk(function)]
    return sorted({node.lineno for node in inner if isinstance(node, ast.Import | ast.ImportFrom)})


def swallowed(module: Module) -> list[int]:
    """Lines of handlers that do nothing with the error and do not say why: by a comment, or (`return None`) in the function's docstring."""
    said = {id(node) for function in functions(module.tree) if "None" in (ast.get_docstring(function) or "") for node in ast.walk(function)}
    return sorted(
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and all(map(_does_nothing, node.body)) and not _commented(module, node)
        if not (id(node) in said and isinstance(node.body[-1], ast.Return))
    )


def suppressed(module: Module) -> list[int]:
    """Lines of `suppress(...)` without a comment on the line or the one above."""
    calls = (node for node in ast.walk(module.tree) if isinstance(node, ast.Call) and module.full_name(node.func) == "contextlib.suppress")
    return sorted(node.lineno for node in calls if not {node.lineno - 1, node.lineno} & module.commented_lines)


def broad(module: Module) -> list[int]:
    """Lines of handlers for everything that do not end by raising it again."""
    handlers = (node for node in ast.walk(module.tree) if isinstance(node, ast.ExceptHandler) and not _raises_again(node))
    return sorted(node.lineno for node in handlers if set(_caught(node)) & {"", "Exception", "BaseException"})


def _raises_again(handler: ast.ExceptHandler) -> bool:
    return isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None


def _caught(handler: ast.ExceptHandler) -> Iterator[str]:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return ("" if kind is None else kind.id if isinstance(kind, ast.Name) else "?" for kind in kinds)


def _does_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Pass | ast.Continue | ast.Break):
        return True
    if isinstance(node, ast.Return):
        return node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _commented(module: Module, node: ast.ExceptHandler) -> bool:
    return any(line in module.commented_lines for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))


def endings(module: Module) -> list[int]:
    """Lines that end the process."""
    ended = [line for line, name in module.uses() if ENDINGS.fullmatch(name)]
    raised = (node for node in ast.walk(module.tree) if isinstance(node, ast.Raise) and node.exc is not None)
    return sorted(ended + [node.lineno for node in raised if "SystemExit" in ast.unparse(node.exc or node)])


def places(found: "list[tuple[Module, list[int]]]") -> list[str]:
    return [f"{module.path}:{line}" for module, lines in found for line in lines]


def test_no_import_hides_inside_a_function() -> None:
    assert places([(module, hidden_imports(module)) for module in modules() if not exempt(HIDDEN_IMPORTS, module)]) == []


def test_load_alone_imports_by_name() -> None:
    def dynamic(module: Module) -> list[int]:
        return [line for line, name in module.uses() if name in {"importlib.import_module", "builtins.__import__"}]

    assert places([(module, dynamic(module)) for module in modules() if not exempt(DYNAMIC_IMPORTS, module)]) == []


def test_no_error_is_swallowed_without_a_word() -> None:
    assert places([(module, swallowed(module) + suppressed(module)) for module in modules()]) == []


def test_only_named_borders_catch_everything() -> None:
    assert places([(module, broad(module)) for module in modules() if not exempt(BROAD_HANDLERS, module)]) == []


def test_no_module_ends_the_process() -> None:
    assert places([(module, endings(module)) for module in modules() if not exempt(ENDERS, module)]) == []


@pytest.mark.parametrize(
    ("rows", "search"),
    [(HIDDEN_IMPORTS, hidden_imports), (BROAD_HANDLERS, broad), (ENDERS, endings)],
    ids=["imports", "handlers", "enders"],
)
def test_no_exemption_has_outlived_its_need(rows: tuple[Exempt, ...], search: "object") -> None:
    assert callable(search)
    by_path = {module.path: module for module in modules()}
    assert [row.path for row in rows if row.path not in by_path or not search(by_path[row.path])] == []
    assert all(row.reason for row in rows)


def test_no_module_is_longer_than_400_lines_unless_a_decision_names_it() -> None:
    decisions = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md")))
    long = [module.path for module in modules() if module.text.count("\n") > LONGEST]
    assert [path for path in long if path not in decisions] == []


def test_no_module_is_named_after_nothing() -> None:
    names = {part.removesuffix(".py") for module in modules() for part in module.path.split("/")}
    assert names & FORBIDDEN_NAMES == set()


def test_each_module_says_what_it_is_for() -> None:
    assert [module.path for module in modules() if not (ast.get_docstring(module.tree) or "").strip()] == []


def test_no_work_is_left_as_a_note() -> None:
    stub = re.compile(r"\braise NotImplemented(Error)?\b|#\s*(TODO|FIXME|XXX|HACK)\b")
    assert [f"{m.path}:{n}" for m in modules() for n, line in enumerate(m.text.split("\n"), 1) if stub.search(line)] == []


@pytest.mark.parametrize(
    ("search", "code", "lines"),
    [
        (hidden_imports, "def f():\n    import os\n    return os", [2]),
        (hidden_imports, "import os\nclass A:\n    async def f(self):\n        from a import b", [4]),
        (swallowed, "try:\n    f()\nexcept OSError:\n    pass", [3]),
        (swallowed, "def f():\n    try:\n        g()\n    except OSError:\n        return None", [4]),
        (swallowed, "try:\n    f()\nexcept OSError:\n    # Absent is well.\n    pass", []),
        (swallowed, "def f():\n    '''Text, or None.'''\n    try:\n        g()\n    except OSError:\n        return None", []),
        (swallowed, "def f():\n    '''Text, or None.'''\n    try:\n        g()\n    except OSError:\n        pass", [5]),
        (swallowed, "try:\n    f()\nexcept OSError:  # noqa: S110\n    pass", [3]),
        (swallowed, "def f():\n    try:\n        g()\n    except OSError:\n        return False", []),
        (suppressed, "from contextlib import suppress\nwith suppress(OSError):\n    f()", [2]),
        (suppressed, "from contextlib import suppress\nwith suppress(OSError):  # absent is well\n    f()", []),
        (broad, "try:\n    f()\nexcept:\n    g()", [3]),
        (broad, "try:\n    f()\nexcept (OSError, Exception) as e:\n    raise Other from e", [3]),
        (broad, "try:\n    f()\nexcept BaseException:\n    g()\n    raise", []),
        (broad, "try:\n    f()\nexcept (OSError, ValueError):\n    g()", []),
        (endings, "import sys\nsys.exit(1)", [2]),
        (endings, "raise SystemExit(2)", [1]),
        (endings, "exit()", [1]),
        (endings, "x = error.exit", []),
    ],
)
def test_each_search_finds_what_it_is_for_and_nothing_else(search: "object", code: str, lines: list[int]) -> None:
    assert callable(search)
    assert search(Module("runtime/example.py", code)) == lines
