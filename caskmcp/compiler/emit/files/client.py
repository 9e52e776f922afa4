"""`client.py`: a typed Python client with one method a tool. It speaks MCP to `cask serve` and never to the upstream, so the same lock gates it.

Arguments have the types of the input schema, answers those that were seen, all of them optional: what differs still arrives. Schemas that
have no plain type in Python are `Any`. What stands here is source text: every foreign word is written as an ASCII literal.
"""

import keyword
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp.compiler.emit.surface import Compiled
from caskmcp.model.record import JsonSchema
from caskmcp.model.tool import Tool

DEEPEST: Final = 6
"""Levels of a type; below them everything is `Any`."""
CHOICES: Final = 30
"""Values of an enumeration that are written out."""
_PLAIN: Final[Mapping[str, str]] = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
TAKEN: Final = frozenset({"self", "str", "int", "float", "bool", "list", "dict", "None", "Any", "Literal", "UNSET", "Unset", "cast"})
"""Names that a parameter would hide."""
_TYPES: Final = frozenset({*_PLAIN.values(), "list", "dict"})
"""Names in the types of methods, which a method of that name would stand for from there on."""


def emit(compiled: Compiled) -> bytes:
    """The file."""
    return "\n".join(_lines(compiled)).encode("ascii") + b"\n"


def _lines(compiled: Compiled) -> Iterator[str]:
    yield from _HEAD.format(about=ascii(f"The tools of {compiled.id}, through cask serve.")).strip("\n").split("\n")
    names = frozenset(tool.name for tool in compiled.tools)
    methods = [line for tool in compiled.tools for line in ("", *_method(tool, names))]
    for tool in compiled.tools:
        if shape := _answer(tool):
            yield from (
                "",
                "",
                f"{answer_name(tool)} = TypedDict(",
                f"    {answer_name(tool)!r},",
                f"    {shape},",
                "    total=False,",
                ")",
            )
    yield from ("", "", *_CLASS.strip("\n").split("\n"), *methods)
    yield from _TAIL.rstrip("\n").split("\n")


# ---------------------------------------------------------------- methods
def _method(tool: Tool, names: frozenset[str]) -> Iterator[str]:
    rows = _parameters(tool)
    given = f"self, *, {', '.join(text for text, _ in rows.values())}" if rows else "self"
    answer = answer_name(tool) if _answer(tool) else ""
    yield f"    async def {_method_name(tool.name, names)}({given}) -> {answer or 'dict[str, Any]'}:"
    yield f"        {tool.description!a}"
    sent = ", ".join(f"{key!a}: {name}" for key, (_, name) in rows.items())
    call = f"await self._call({tool.name!a}, {{{sent}}})"
    yield f"        return cast({answer}, {call})" if answer else f"        return {call}"


def _method_name(name: str, names: frozenset[str]) -> str:
    """The tool's own name, with underscores behind it where Python means something else by it; `names` are those of all tools."""
    if not keyword.iskeyword(name) and name not in _TYPES:
        return name
    return next(made for count in range(1, len(names) + 2) if (made := name + "_" * count) not in names)


def _parameters(tool: Tool) -> dict[str, tuple[str, str]]:
    """Key -> (parameter as declared, its name); the required ones first."""
    schema = tool.input_schema
    required = set(schema.get("required", ()))
    out: dict[str, tuple[str, str]] = {}
    taken: set[str] = set()
    for key in sorted(schema.get("properties", {}), key=lambda key: (key not in required, key)):
        name = next(name for name in _identifiers(key) if name not in taken)
        taken.add(name)
        kind = python_type(schema["properties"][key], schema.get("$defs", {}))
        out[key] = (f"{name}: {kind}" if key in required else f"{name}: {kind} | Unset = UNSET", name)
    return out


def _identifiers(key: str) -> Iterator[str]:
    """Names for a key, best first."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", key).strip("_") or "value"
    name = f"_{name}" if name[0].isdigit() else name
    name = f"{name}_" if keyword.iskeyword(name) or name in TAKEN else name
    yield name
    yield from (f"{name}_{number}" for number in range(2, 1_000))


# ---------------------------------------------------------------- answers
def answer_name(tool: Tool) -> str:
    """`get_order` -> `GetOrderAnswer`; two names of tools never give one."""
    return "".join(word.capitalize() if word[:1].isalpha() else f"_{word}" for word in tool.name.split("_")) + "Answer"


def _answer(tool: Tool) -> str:
    """The fields of a structured answer as a literal of names and types; empty if they are not known."""
    schema = tool.response.expected or {}
    rows = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(rows, Mapping) or not rows:
        return ""
    definitions = schema.get("$defs", {})
    return "{" + ", ".join(f"{name!a}: {python_type(row, definitions)}" for name, row in sorted(rows.items())) + "}"


# ---------------------------------------------------------------- types
def python_type(schema: Any, definitions: Mapping[str, Any]) -> str:
    """The type of what a schema accepts, as source text; `Any` where Python has none."""
    return _type(schema, definitions, 0)


def _type(schema: Any, definitions: Mapping[str, Any], depth: int) -> str:
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return "Any"
    if isinstance(name := schema.get("$ref"), str):
        return _type(definitions.get(name.removeprefix("#/$defs/")), definitions, depth + 1)
    if values := schema.get("enum", [schema["const"]] if "const" in schema else None):
        return _literal(values)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return _union([_type(row, definitions, depth + 1) for row in schema[word]])
    return _of_type(schema, definitions, depth)


def _of_type(schema: JsonSchema | Mapping[str, Any], definitions: Mapping[str, Any], depth: int) -> str:
    kind = schema.get("type")
    if kind == "array":
        return f"list[{_type(schema.get('items'), definitions, depth + 1)}]"
    if kind == "object":
        extra = schema.get("additionalProperties")
        value = _type(extra, definitions, depth + 1) if isinstance(extra, Mapping) and not schema.get("properties") else "Any"
        return f"dict[str, {value}]"
    return _PLAIN.get(str(kind), "Any")


def _literal(values: Any) -> str:
    plain = (
        isinstance(values, list) and 0 < len(values) <= CHOICES and all(isinstance(row, str | bool | int) or row is None for row in values)
    )
    return f"Literal[{', '.join(map(ascii, values))}]" if plain else "Any"


def _union(rows: list[str]) -> str:
    kinds = list(dict.fromkeys(rows))
    return "Any" if "Any" in kinds or not kinds else " | ".join(kinds)


# ---------------------------------------------------------------- what every client has
_HEAD: Final = '''
{about}

# Written by cask; a build writes it again. Needs the package `mcp`, and a toolpack that a person approved.

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, TypedDict, cast

from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError


class Unset:
    """An argument that is not given."""


UNSET: Final = Unset()


class ToolError(Exception):
    """A tool that was refused or failed: the text begins with a code (CASK-...) and says what to change."""
'''
_CLASS: Final = '''
class Tools:
    """One method a tool. A tool that is not approved is refused by the server, whatever stands here."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def _call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in arguments.items() if not isinstance(value, Unset)}
        try:
            result = await self._client.call_tool(name, given)
        except MCPError as cause:  # the server does not list it
            raise ToolError(f"{name}: {cause}") from cause
        text = "\\n".join(part.text for part in result.content if part.type == "text")
        if result.is_error:
            raise ToolError(text)
        return result.structured_content if result.structured_content is not None else {"text": text}
'''
_TAIL: Final = '''

@asynccontextmanager
async def connect(command: Sequence[str] = ("cask", "serve"), *, cwd: str | None = None, env: dict[str, str] | None = None) -> AsyncIterator[Tools]:
    """Start the server and give its tools; the server ends with the block."""
    async with Client(StdioServerParameters(command=command[0], args=list(command[1:]), cwd=cwd, env=env)) as client:
        yield Tools(client)
'''
