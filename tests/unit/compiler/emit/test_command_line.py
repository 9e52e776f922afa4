"""The emitted command line: one sub-command a tool, arguments as the schema names them, and no word of a document that acts."""

import argparse
import ast
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from caskmcp.compiler.emit.files.cli import flags
from caskmcp.compiler.emit.stage import run
from caskmcp.model.contract import Contract
from tests.support.contracts import STRING, contract, obj
from tests.support.storefront import SECTIONS, given, storefront


def source(contracts: tuple[Contract, ...] = (), **more: Any) -> str:
    inputs: Any = given(contracts or storefront(), **{"emit": ["cli"], **SECTIONS, **more})
    return str(run(inputs)["files"]["cli.py"].decode("ascii"))  # type: ignore[union-attr]


def module(text: str) -> dict[str, Any]:
    """The program's names; it does nothing before `main` is called."""
    names: dict[str, Any] = {"__name__": "cli", "__doc__": "x"}
    exec(compile(text, "cli.py", "exec"), names)
    return names


@pytest.fixture(scope="module")
def shop() -> dict[str, Any]:
    return module(source())


def given_to(names: dict[str, Any], *words: str) -> dict[str, Any]:
    found = vars(names["parser"]().parse_args(words))
    return {key[1:]: value for key, value in found.items() if key.startswith("=")}


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["refund_order", "--order-id", "7", "--amount", "1.5"], {"order_id": 7, "amount": 1.5}),
        (["list_orders"], {}),
        (["list_orders", "--page", "2"], {"page": "2"}),
    ],
)
def test_words_become_the_arguments_of_the_tool(shop: dict[str, Any], words: list[str], arguments: dict[str, Any]) -> None:
    assert given_to(shop, *words) == arguments


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required: TOOL"),
        (["no_such_tool"], "invalid choice: 'no_such_tool'"),
        (["refund_order", "--amount", "1"], "the following arguments are required: --order-id"),
        (["refund_order", "--order-id", "seven", "--amount", "1"], "expected JSON of kind integer, not 'seven'"),
        (["list_orders", "--pag", "2"], "unrecognized arguments: --pag 2"),
        (["--server", "", "list_orders"], "--server is empty"),
    ],
)
def test_a_mistake_ends_with_status_2_and_one_reason(
    shop: dict[str, Any], words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        shop["main"](words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_help_names_every_tool_and_every_argument(shop: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--help"], ["refund_order", "--help"]):
        with pytest.raises(SystemExit) as ended:
            shop["main"](words)
        assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(name in told for name in shop["TOOLS"])
    assert "--order-id INTEGER" in told
    assert "--amount NUMBER" in told


def test_a_small_enumeration_is_held_to_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    state = {"type": "string", "enum": ["open", "paid"]}
    names = module(source((contract("POST /orders", body=obj(state=state)),), tools={}, toolsets={}, policy=None))
    (tool,) = names["TOOLS"]
    assert given_to(names, tool, "--state", "paid") == {"state": "paid"}
    with pytest.raises(SystemExit):
        given_to(names, tool, "--state", "lost")
    assert "invalid choice: 'lost'" in capsys.readouterr().err


def test_the_program_opens_no_connection_of_its_own() -> None:
    tree = ast.parse(source())
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    taken = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"argparse", "asyncio", "json", "os", "shlex", "sys"}
    assert taken == {"collections.abc", "functools", "typing", "mcp", "mcp.shared.exceptions"}


def test_what_an_upstream_says_gives_the_terminal_no_orders(shop: dict[str, Any]) -> None:
    assert shop["shown"]("a\x1b]0;title\x07\u202eb\tc\nd é") == "a\\x1b]0;title\\x07\\u202eb\tc\nd é"


@pytest.mark.parametrize(
    ("key", "flag"), [("order_id", "--order-id"), ("X-Trace.Id", "--x-trace-id"), ("日本", "--value"), ("--", "--value"), ("a__b", "--a-b")]
)
def test_a_key_becomes_an_option(key: str, flag: str) -> None:
    assert next(flags(key)) == flag


@drawn(st.text(min_size=1, max_size=30), st.text(max_size=200))
def test_no_word_of_a_document_changes_what_the_program_does(field: str, words: str) -> None:
    body = obj(**{field: {**STRING, "description": words}, "a-b": STRING, "a_b": STRING, "help": STRING})
    text = source((contract("POST /orders", title=words, description=words, body=body),), tools={}, toolsets={}, policy=None)
    assert text.isascii()
    tree = ast.parse(text)
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert called == {
        "Client", "Option", "StdioServerParameters", "ascii", "call", "dict", "list", "main", "parser", "partial", "print", "shown", "vars",
    }  # fmt: skip
    names = module(text)
    ((tool, (_, options)),) = names["TOOLS"].items()
    assert len({row.flag for row in options} | {"--help"}) == len(options) + 1
    below = next(row for row in names["parser"]()._actions if isinstance(row, argparse._SubParsersAction))
    assert below.choices[tool].format_help()
