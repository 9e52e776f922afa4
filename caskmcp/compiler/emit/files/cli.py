"""`cli.py`: a command line with one sub-command a tool. It speaks MCP to `cask serve` and never to the upstream, so the same lock gates it.

It needs nothing but Python and the package `mcp`. Arguments that are no text are given as JSON; the server judges them, since what stands here
may be older than what a person approved. What stands here is source text: every foreign word is written as an ASCII literal.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp.compiler.emit.surface import Compiled
from caskmcp.model.tool import Tool

CHOICES: Final = 30
"""Values of an enumeration that the help lists and the command line holds to."""
KINDS: Final = frozenset({"string", "integer", "number", "boolean", "array", "object"})


def emit(compiled: Compiled) -> bytes:
    """The file."""
    return "\n".join(_lines(compiled)).encode("ascii") + b"\n"


def _lines(compiled: Compiled) -> Iterator[str]:
    about = f"The tools of {compiled.id}, through cask serve."
    yield from _HEAD.format(about=ascii(about)).strip("\n").split("\n")
    yield "TOOLS: Final[Mapping[str, tuple[str, tuple[Option, ...]]]] = {"
    for tool in compiled.tools:
        yield f"    {tool.name!a}: ("
        yield f"        {tool.description!a},"
        yield from ("        (", *(f"            {row}," for row in _options(tool)), "        ),")
        yield "    ),"
    yield from ("}", "", *_TAIL.rstrip("\n").split("\n"))


def _options(tool: Tool) -> Iterator[str]:
    """Source of one `Option` an argument, the required ones first."""
    schema = tool.input_schema
    required = set(schema.get("required", ()))
    taken = {"--help"}
    for key in sorted(schema.get("properties", {}), key=lambda key: (key not in required, key)):
        flag = next(name for name in flags(key) if name not in taken)
        taken.add(flag)
        row = _resolved(schema["properties"][key], schema.get("$defs", {}))
        about = str(row.get("description", ""))
        yield f"Option({key!a}, {flag!a}, {_kind(row)!a}, {key in required}, {_choices(row)}, {about!a})"


def flags(key: str) -> Iterator[str]:
    """Options for a key, best first: `order_id` -> `--order-id`, `--order-id-2`, …"""
    name = f"--{re.sub(r'[^A-Za-z0-9]+', '-', key).strip('-').lower() or 'value'}"
    yield name
    yield from (f"{name}-{number}" for number in range(2, 1_000))


def _resolved(schema: Any, definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with the definition that it points to; one step, as `portable.py` leaves them."""
    row = schema if isinstance(schema, Mapping) else {}
    if isinstance(name := row.get("$ref"), str):
        row = {**definitions.get(name.removeprefix("#/$defs/"), {}), **row}
    return row


def _kind(row: Mapping[str, Any]) -> str:
    kind = row.get("type")
    return kind if isinstance(kind, str) and kind in KINDS else "json"


def _choices(row: Mapping[str, Any]) -> str:
    values = row.get("enum")
    plain = _kind(row) == "string" and isinstance(values, list) and 0 < len(values) <= CHOICES and all(isinstance(v, str) for v in values)
    return f"({' '.join(f'{value!a},' for value in values)})" if plain and values else "()"


# ---------------------------------------------------------------- what every command line has
_HEAD: Final = '''
{about}

# Written by cask; a build writes it again. Needs the package `mcp`, and a toolpack that a person approved.

import argparse
import asyncio
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError


class Option(NamedTuple):
    """One argument of a tool."""

    key: str
    flag: str
    kind: str
    required: bool
    choices: tuple[str, ...]
    about: str


'''
_TAIL: Final = '''
def value(kind: str, text: str) -> Any:
    """What was typed: text as it stands, everything else as JSON."""
    if kind == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected JSON of kind {kind}, not {text!r}") from None


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    made = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    made.add_argument("--server", default="cask serve", metavar="COMMAND", help="How the server is started.")
    below = made.add_subparsers(dest="tool", required=True, metavar="TOOL")
    for name, (about, options) in TOOLS.items():
        words = about.replace("%", "%%")
        one = below.add_parser(name, help=words, description=about.replace("%(", "% ("), allow_abbrev=False)
        for row in options:
            one.add_argument(
                row.flag,
                dest=f"={row.key}",
                type=partial(value, row.kind),
                required=row.required,
                choices=row.choices or None,
                metavar=None if row.choices else row.kind.upper(),
                default=argparse.SUPPRESS,
                help=row.about.replace("%", "%%"),
            )
    return made


def shown(text: str) -> str:
    """Text for a terminal, which takes no orders from it."""
    return "".join(each if each.isprintable() or each in "\\n\\t" else ascii(each)[1:-1] for each in text)


async def call(server: Sequence[str], tool: str, arguments: Mapping[str, Any]) -> int:
    """Start the server, call one tool, print what it gives. Returns 1 where the server refuses it or the call fails."""
    async with Client(StdioServerParameters(command=server[0], args=list(server[1:]), env=dict(os.environ))) as client:
        try:
            result = await client.call_tool(tool, dict(arguments))
        except MCPError as cause:  # the server does not list it
            print(shown(f"{tool}: {cause}"), file=sys.stderr)
            return 1
    text = "\\n".join(part.text for part in result.content if part.type == "text")
    if result.is_error:
        print(shown(text), file=sys.stderr)
        return 1
    print(shown(text) if result.structured_content is None else json.dumps(result.structured_content, indent=2))
    return 0


def main(words: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit status."""
    given = vars(parser().parse_args(words))
    server = shlex.split(given["server"])
    if not server:
        parser().error("--server is empty")
    return asyncio.run(call(server, given["tool"], {key[1:]: row for key, row in given.items() if key.startswith("=")}))


if __name__ == "__main__":
    sys.exit(main())
'''
