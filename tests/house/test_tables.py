"""Each row of each literal table has a test case, each `module:attribute` resolves, and no table is forgotten.

A table is a module-level constant whose three or more items all are records. Each stands in `TABLES` with the folders that hold its
cases: every key has to occur there, as a whole word; the words of a command may stand as a list.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import pytest

from caskmcp.errors import CODES
from caskmcp.load import load
from tests.support.syntax import ROOT, Module, modules


class Table(NamedTuple):
    """A literal table and where its cases are."""

    name: str
    """`module:attribute`, as `load` takes it."""
    key: str
    """The field of a row that its cases name."""
    cases: tuple[str, ...]
    """Folders or files below `tests/`; empty if the rows need no case of their own."""
    reason: str = ""
    """Why they need none."""


# fmt: off
TABLES: Final = (
    Table("errors:_ROWS", "code", ("unit", "cases", "property", "golden", "security", "e2e", "conformance")),
    Table("analyze.compliance:CONTROLS", "clause", ("unit/workflows/test_compliance.py",)),
    Table("analyze.drift_classes:CLASSES", "id", ("cases/drift", "unit/analyze")),
    Table("analyze.lint.clients:CLIENTS", "key", ("cases/lint",)),
    Table("analyze.lint.rules:RULES", "id", ("cases/lint",)),
    Table("analyze.lint.wording:MARKS", "name", ("unit/analyze/lint",)),
    Table("analyze.repair:DIAGNOSES", "id", ("unit/analyze/test_repair.py",)),
    Table("calculus.shared:POLICY", "name", ("cases/calculus",)),
    Table("calculus.tools:AREAS", "name", ("unit/calculus", "cases/calculus")),
    Table("cli.table:COMMANDS", "name", ("unit", "e2e")),
    Table("compiler.capture.select:RULES", "id", ("cases/capture",)),
    Table("compiler.capture.sources.kinds:KINDS", "kind", ("unit/compiler/capture",)),
    Table("compiler.classify.rules:RULES", "id", ("cases/classify",)),
    Table("compiler.emit.hygiene:ORDERS", "id", ("cases/emit",)),
    Table("compiler.emit.stage:EMITTERS", "file", ("unit/compiler", "unit/workflows", "golden", "e2e")),
    Table("compiler.fleeting:RULES", "id", ("unit/compiler",)),
    Table("compiler.infer.doubts:RULES", "id", ("unit/compiler/infer",)),
    Table("compiler.infer.paging:WORDS", "role", ("unit/compiler/infer",)),
    Table("compiler.infer.reconcile:RULES", "id", ("unit/compiler/infer",)),
    Table("compiler.infer.rules:RULES", "id", ("unit/compiler/infer",)),
    Table("compiler.normalize.calls:PROTOCOLS", "name", ("unit/compiler/normalize",)),
    Table("compiler.normalize.rules:RULES", "id", ("unit/compiler/normalize", "cases/normalize")),
    Table("compiler.pipeline:STAGES", "name", ("unit/compiler", "unit/engine", "property", "e2e")),
    Table("govern.public:SCHEMES", "wire", ("unit/govern",)),
    Table("redact.canaries:FAMILIES", "id", ("cases/redact",)),
    Table("redact.detectors:DETECTORS", "id", ("cases/redact",)),
    Table("report.screen:KEYS", "key", ("unit/report/test_screen.py",)),
    Table("runtime.gateway:STEPS", "name", ("unit/runtime", "security")),
    Table("runtime.http_guard:CHECKS", "name", ("unit/runtime",)),
    Table("runtime.inspect_server:QUESTIONS", "name", ("unit/workflows",)),
    Table("runtime.networks:DENIED", "network", ("unit/runtime", "security")),
    Table("runtime.remedies:REMEDIES", "code", ("unit", "security", "e2e")),
    Table("runtime.twin.faults:FAULTS", "name", ("unit/runtime",)),
    Table("store.archive:GUARDS", "name", ("security",)),
    Table("store.formats:FORMATS", "place", ("unit/workflows",)),
    Table("store.layouts:LAYOUTS", "place", ("unit/workflows",)),
    Table("workflows.check:STEPS", "name", ("unit/workflows", "e2e")),
    Table("workflows.clients:CLIENTS", "key", ("unit/workflows",)),
    Table("workflows.console.door:CHECKS", "name", ("unit/workflows",)),
    Table("workflows.demo.attacks:ATTACKS", "id", ("security",)),
    Table("workflows.state:CHECKS", "name", ("unit/workflows",)),
    Table("workflows.repair:SOURCES", "name", ("unit/workflows/test_repair.py",)),
    Table("workflows.doctor:CHECKS", "name", ("unit/workflows",)),
    Table("workflows.outputs:TARGETS", "output", (), "where outputs lie; the tests of the build read every one of these files"),
    Table("workflows.demo.service:ROUTES", "path", (), "the demo's upstream: its recording and the demo call every route"),
)
# fmt: on

_TEXTS: Final = frozenset({".py", ".yaml", ".yml", ".json", ".jsonl", ".md", ".ambr", ".txt"})
_ROW: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*:[A-Za-z_][A-Za-z0-9_]*")


@cache
def text(folder: str) -> str:
    """All texts in a folder (or file) below `tests/`."""
    base = ROOT / "tests" / folder
    paths = [base] if base.is_file() else [path for path in sorted(base.rglob("*")) if path.suffix in _TEXTS]
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in paths)


def named(key: str, cases: str) -> bool:
    """Whether a key occurs in a text as a whole word; `gate allow` also as `"gate", "allow"`."""
    form = re.compile(r"(?<![\w-])" + r"[\s\"',]+".join(map(re.escape, key.split())) + r"(?![\w-])")
    return form.search(cases) is not None


def keys(table: Table) -> list[str]:
    """What the cases of a table have to name."""
    rows: Any = load(table.name)
    return [str(getattr(row, table.key)) for row in (rows.values() if isinstance(rows, Mapping) else rows)]


def tables_in(module: Module) -> Iterator[str]:
    """`module:attribute` of each literal table of records in a module."""
    for node in module.tree.body:
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id.isupper() and _records(getattr(node, "value", None)):
            yield f"{module.dotted.removeprefix('caskmcp.')}:{target.id}"


def _records(value: ast.expr | None) -> bool:
    items = value.values if isinstance(value, ast.Dict) else value.elts if isinstance(value, ast.Tuple | ast.List) else []
    return len(items) >= 3 and all(
        isinstance(item, ast.Call) and isinstance(item.func, ast.Name) and item.func.id[0].isupper() for item in items
    )


EXTRAS: Final = ("opentelemetry", "requests")
"""Libraries of extras that a module imports at its top."""


def references() -> list[str]:
    """Each text constant of the package that reads as a `module:attribute` of it."""
    rooms = {module.room for module in modules()}
    constants = (node.value for module in modules() for node in ast.walk(module.tree) if isinstance(node, ast.Constant))
    found = {text for text in constants if isinstance(text, str) and _ROW.fullmatch(text)}
    return sorted(text for text in found if re.split(r"[.:]", text)[0] in rooms)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_each_row_has_a_case(table: Table) -> None:
    assert bool(table.cases) != bool(table.reason)
    cases = "\n".join(text(folder) for folder in table.cases)
    assert [key for key in keys(table) if table.cases and not named(key, cases)] == []


def test_no_table_is_forgotten_and_none_is_listed_that_is_gone() -> None:
    assert sorted(name for module in modules() for name in tables_in(module)) == sorted(table.name for table in TABLES)


def test_each_reference_in_a_table_resolves() -> None:
    found = references()
    assert found
    assert [problem for reference in found if (problem := unresolved(reference))] == []


def unresolved(reference: str) -> str:
    """What is wrong with a reference; nothing where a library of an extra is missing here, which its module needs as a whole."""
    try:
        return "" if load(reference) is not None else reference
    except ModuleNotFoundError as missing:
        return "" if (missing.name or "").split(".")[0] in EXTRAS else f"{reference}: {missing}"


def test_each_error_code_is_raised_somewhere() -> None:
    texts = [module.text for module in modules() if module.path != "errors.py"]
    assert [code for code in sorted(CODES) if not any(f'"{code}"' in text for text in texts)] == []


def test_a_key_counts_as_named_as_a_whole_word_or_as_a_list_of_words() -> None:
    cases = 'main(["gate", "allow"]) CASK-I001 host-added'
    assert [named(key, cases) for key in ("gate allow", "CASK-I001", "host-added")] == [True, True, True]
    assert [named(key, cases) for key in ("host", "CASK-I00", "allow gate")] == [False, False, False]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("ROWS = (Row(1), Row(2), Row(3))", ["runtime.example:ROWS"]),
        ("ROWS: Final = {'a': Row(1), 'b': Row(2), 'c': Row(3)}", ["runtime.example:ROWS"]),
        ("_ROWS: Final = [Row(1), Row(2), Row(3)]", ["runtime.example:_ROWS"]),
        ("ROWS = (Row(1), Row(2))\nNAMES = ('a', 'b', 'c')\nrows = (Row(1), Row(2), Row(3))", []),
        ("RULES = (re.compile('a'), re.compile('b'), re.compile('c'))", []),
    ],
)
def test_the_search_for_tables_finds_tables_of_records(code: str, names: list[str]) -> None:
    assert list(tables_in(Module("runtime/example.py", code))) == names
