"""The package as syntax trees: what its modules import, call and define. Reads sources only and imports nothing of the package."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "caskmcp"

_BUILTINS: Final = frozenset({"open", "print", "input", "exit", "quit", "__import__", "breakpoint"})


@dataclass(frozen=True)
class Module:
    """One source file."""

    path: str
    """Below the package, with slashes: `store/files.py`."""
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text)

    @property
    def room(self) -> str:
        """The folder or single file directly below the package: `store`, `errors`."""
        return self.path.split("/")[0].removesuffix(".py")

    @property
    def dotted(self) -> str:
        """The module's full name."""
        return ".".join(("caskmcp", *self.path.removesuffix(".py").removesuffix("/__init__").split("/")))

    @cached_property
    def commented_lines(self) -> frozenset[int]:
        """Numbers of the lines that hold a comment (linter directives alone do not count)."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return frozenset(row.start[0] for row in tokens if row.type == tokenize.COMMENT and not _DIRECTIVE.fullmatch(row.string))

    @cached_property
    def names(self) -> dict[str, str]:
        """What each imported name stands for, in full: `datetime` -> `datetime.datetime`."""
        out: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                out.update(
                    (alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0])
                    for alias in node.names
                )
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                out.update((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
        return out

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full name of each thing that is imported, `from a import b` as `a.b`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((node.lineno, f"{node.module or ''}.{alias.name}") for alias in node.names)

    def uses(self) -> Iterator[tuple[int, str]]:
        """Line and full name of each imported thing or builtin that the code uses, attributes included: `os.environ.get`."""
        inner = {id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Attribute)}
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(node.ctx, ast.Load) or id(node) in inner:
                continue
            if name := self.full_name(node):
                yield node.lineno, name

    def methods(self) -> Iterator[tuple[int, str]]:
        """Line and name of each attribute that is called, whatever it belongs to: `path.read_text()` gives `read_text`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield node.lineno, node.func.attr

    def full_name(self, node: ast.expr) -> str | None:
        """What a name or a chain of attributes stands for, if it is imported or a builtin."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id) or (f"builtins.{node.id}" if node.id in _BUILTINS else None)
        if isinstance(node, ast.Attribute):
            base = self.full_name(node.value)
            return base and f"{base}.{node.attr}"
        return None


_DIRECTIVE: Final = re.compile(r"#\s*(?:noqa|type:|fmt:|pragma)\b.*")


@cache
def modules() -> tuple[Module, ...]:
    """All modules of the package, sorted by path."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return tuple(Module(path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")) for path in paths)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions and methods, nested ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
