"""Each mend that an error or a finding names can be run: what begins with `cask` is a command of the table with options that it has.

Looks at every `mend` in the code: keyword arguments, assignments and the rows of literal tables. What is filled in at run time stands as `X`.
"""

import ast
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Final

import click
import pytest

from caskmcp.cli.table import COMMANDS
from caskmcp.errors import AGAIN
from caskmcp.load import load
from caskmcp.report.error import PROGRAMS, mended
from tests.support.syntax import Module, modules

TABLES: Final = ("_MENDS",)
"""Module-level tables from a code to a mend."""

ADVICE: Final = {
    "add `contracts` to `emit:` in cask.yaml, then cask build",
    "add a recording or a document under `sources:` in cask.yaml",
    "ask who gave it to you for another copy",
    "ask who makes it, with a file that holds no secret",
    "correct the document, then: cask build",
    "give a file of curl command lines",
    "give it another name under `toolsets`",
    "give one of them another name under `tools.rename`",
    "give the place `private: true` under `environments:`, approve it, and serve with --env",
    "import its folders' files one by one",
    "install the same caskmcp and libraries on each worker",
    "move the project to a folder with another name",
    "name files inside the project",
    "name its distribution and version under `plugins:` in cask.yaml",
    "name the first-party host: `hosts: [X]` in cask.yaml, or `-a X`",
    "name the host under `environments:`",
    "open the file in Bruno, or export the collection",
    "put the file back from a backup",
    "put the file itself at X",
    "raise `tools.budget.tokens`",
    "record a call of the API",
    "record or export less at once",
    "remove variables that are made of one another",
    "rename yours",
    "save it as UTF-8",
    "split the document",
    "take its folders one by one",
    "take the recording again, whole",
    "type X",
    "use env:NAME or keyring:NAME in cask.yaml",
    "wait for the other command",
    "write the path without it",
}
"""Mends that no single command does."""

WITHOUT: Final = (
    "canon.py", "compiler/", "engine/", "govern/public.py", "govern/sign.py", "govern/verify.py", "model/record.py", "runtime/", "text.py",
)  # fmt: skip
"""Where errors are raised that get their mend from who knows the file, or that reach an agent."""


def mends(module: Module) -> Iterator[tuple[int, str]]:
    """Line and text of each mend that is written out; a part that is known at run time alone stands as `X`."""
    for node in ast.walk(module.tree):
        for value in _values(node):
            for text in _texts(value):
                yield value.lineno, text


def _values(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.keyword) and node.arg == "mend":
        yield node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "mended":
        yield from node.args
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets: list[ast.expr] = list(node.targets) if isinstance(node, ast.Assign) else [node.target]
        yield from _assigned(targets, node.value)


def _assigned(targets: list[ast.expr], value: ast.expr) -> Iterator[ast.expr]:
    for target in targets:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            yield from (each for name, each in zip(target.elts, value.elts, strict=True) if _is(name, "mend"))
        elif _is(target, "mend"):
            yield value
        elif isinstance(value, ast.Dict) and any(_is(target, name) for name in TABLES):
            yield from value.values


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _texts(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.IfExp):
        yield from _texts(value.body)
        yield from _texts(value.orelse)
    elif isinstance(value, ast.BoolOp):
        for part in value.values:
            yield from _texts(part)
    elif _is(value, "AGAIN"):
        yield AGAIN
    elif isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
        yield value.value
    elif isinstance(value, ast.JoinedStr):
        yield "".join(map(_part, value.values))


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    return AGAIN if isinstance(part, ast.FormattedValue) and _is(part.value, "AGAIN") else "X"


@cache
def command(name: str) -> click.Command:
    found: click.Command = load(next(row.run for row in COMMANDS if row.name == name))
    return found


def wrong(mend: str) -> str:
    """What is wrong with a mend; nothing for one that can be run, or is advice."""
    if mend.startswith(AGAIN):
        known = {option for row in COMMANDS if row.run for param in command(row.name).params for option in param.opts}
        return _unknown(mend.removeprefix(AGAIN).split(), known)
    if not mend.startswith("cask "):
        return ""
    line = mend.removeprefix("cask ").strip()
    if line == "--help":
        return ""
    name = max((row.name for row in COMMANDS if row.run and f"{line} ".startswith(f"{row.name} ")), key=len, default="")
    if not name:
        return f"`{mend}` is no command of the table"
    return _unparsed(command(name), shlex.split(line.removeprefix(name)), mend)


def _unparsed(found: click.Command, words: list[str], mend: str) -> str:
    """Let click read it; a word in capitals stands for what the reader fills in."""
    if "--help" in words:
        return ""
    try:
        parser = found.make_parser(click.Context(found, resilient_parsing=False))
        _, rest, _ = parser.parse_args([*words])
    except click.ClickException as cause:
        return f"`{mend}`: {cause.format_message()}"
    return f"`{mend}` has words too many: {rest}" if rest else ""


def _unknown(words: list[str], known: set[str]) -> str:
    return "".join(f"no command has {word}" for word in words if word.startswith("-") and word not in known)


def test_every_mend_that_is_a_command_can_be_run() -> None:
    found = [f"{module.path}:{line} {problem}" for module in modules() for line, mend in mends(module) if (problem := wrong(mend))]
    assert found == []


def test_the_mends_of_the_code_are_seen() -> None:
    seen = [mend for module in modules() for _, mend in mends(module)]
    assert len(seen) > 100
    assert {"cask build", "cask gate allow X", f"{AGAIN} --toolpack X", "cask capture list", "edit cask.yaml"} <= set(seen)


def test_every_mend_begins_with_a_program_that_is_named_or_is_advice() -> None:
    told = {mend for module in modules() for _, mend in mends(module) if not mend.startswith((AGAIN, "X"))}
    assert {mend for mend in told if mended(mend) == f"mend: {mend}"} == ADVICE


def test_every_error_that_a_command_can_end_with_has_a_mend() -> None:
    """Those of the compiler get theirs where the source is known, those of a document where its file is; a call's reach an agent."""
    here = [module for module in modules() if not module.path.startswith(WITHOUT)]
    bare = [(module, node) for module in here for node in ast.walk(module.tree) if isinstance(node, ast.Call) and _bare(node)]
    assert [f"{module.path}:{node.lineno}" for module, node in bare] == []


def _bare(node: ast.Call) -> bool:
    return _is(node.func, "CaskError") and all(keyword.arg != "mend" for keyword in node.keywords)


@pytest.mark.parametrize(
    ("mend", "problem"),
    [
        ("cask build", ""),
        ("cask gate allow --all", ""),
        ("cask gate allow X", ""),
        ("cask init -a HOST", ""),
        ("cask check --help", ""),
        ("cask --help", ""),
        (f"{AGAIN} --toolpack X", ""),
        (AGAIN, ""),
        ("edit cask.yaml", ""),
        ("cask mend", "`cask mend` is no command of the table"),
        ("cask gate", "`cask gate` is no command of the table"),
        ("cask gate allow --force", "`cask gate allow --force`: No such option '--force'"),
        ("cask build X", "`cask build X` has words too many: ['X']"),
        ("cask trust init --key", "`cask trust init --key`: Option '--key' requires an argument"),
        (f"{AGAIN} --force", "no command has --force"),
    ],
)
def test_a_mend_is_judged_by_the_table_and_by_click(mend: str, problem: str) -> None:
    assert wrong(mend).removesuffix(".").startswith(problem)
    assert bool(wrong(mend)) is bool(problem)


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("raise CaskError('CASK-I001', what, mend='cask build')", ["cask build"]),
        ("what, mend = f'{a}', f'rm {b}'", ["rm X"]),
        ("mend = f'cd {x}' if x else 'cask init'", ["cd X", "cask init"]),
        ("CaskError(c, w, mend=f'{AGAIN} --key {name}')", [f"{AGAIN} --key X"]),
        ("raise cause.mended(f'edit {name}') from cause", ["edit X"]),
        ("_MENDS = {'CASK-C001': 'again'}", ["again"]),
        ("Finding(mend=row.mend or 'cask gate sync')", ["cask gate sync"]),
        ("Finding(mend=mend)", []),
    ],
)
def test_a_mend_is_found_however_it_is_written(code: str, texts: list[str]) -> None:
    assert [text for _, text in mends(Module("x.py", code))] == texts


def test_programs_are_words_and_cask_is_one() -> None:
    assert "cask" in PROGRAMS
    assert all(word.replace("-", "").isalpha() for word in PROGRAMS)
