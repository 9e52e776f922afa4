"""What certain clients take, as a table, and the rules that ask it. Limits as documented by their makers and reported in their issue trackers.

What every client needs (a plain object at the root, safe keys, references inside) is asked by `schemas.py`, for all of them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from caskmcp.analyze.lint.surface import Found, Surface, schemas, subject

ENTRY: Final = 14
"""Characters of the name that `cask config` gives the server, at most (SPEC section 6)."""


class Client(NamedTuple):
    """One client."""

    key: str
    title: str
    prefix: int
    """Characters that it puts around the server's name in front of a tool's."""
    name: int
    """Characters that the whole name may have."""
    description: int
    """Characters that a description may have; 0: no limit is known."""
    tools: int
    """Tools that it uses at once; 0: no limit is known."""
    type_lists: bool
    """Whether `type: [a, b]` arrives as it is."""


# fmt: off
CLIENTS: Final = (
    #      key       title           prefix name description tools type_lists
    Client("claude", "Claude",       7,     64,  0,          0,    True),   # mcp__SERVER__TOOL
    Client("openai", "OpenAI",       1,     64,  1_024,      128,  True),
    Client("gemini", "Gemini",       1,     64,  0,          0,    False),  # schemas are mapped to a subset of OpenAPI's
    Client("cursor", "Cursor",       1,     60,  0,          40,   True),   # above 60 the tool is dropped without a word
)
# fmt: on
BY_KEY: Final = {row.key: row for row in CLIENTS}


def names(surface: Surface) -> Iterator[Found]:
    """With the longest name that a server gets, each tool's name fits."""
    for client in _chosen(surface):
        for tool in surface.tools:
            if (length := client.prefix + ENTRY + len(tool.name)) > client.name:
                yield Found(
                    subject(tool), f"{client.title} takes names of {client.name} characters, with the server's it has {length}", client.key
                )


def descriptions(surface: Surface) -> Iterator[Found]:
    """Each description fits."""
    for client in _chosen(surface):
        for tool in surface.tools:
            if client.description and len(tool.description) > client.description:
                yield Found(subject(tool), f"{client.title} takes descriptions of {client.description} characters", client.key)


def forms(surface: Surface) -> Iterator[Found]:
    """Each schema says one type a place where a client drops lists of types."""
    for client in _chosen(surface):
        if client.type_lists:
            continue
        for tool in surface.tools:
            for place, schema in schemas(tool):
                if _several(schema):
                    yield Found(subject(tool), f"{client.title} drops a list of types ({place})", f"{client.key} {place}")


def count(surface: Surface) -> Iterator[Found]:
    """What is served by default is not more than the client uses."""
    row = surface.toolsets.toolsets.get("default")
    served = len(row.tools) if row is not None else len(surface.tools)
    for client in _chosen(surface):
        if client.tools and served > client.tools:
            yield Found(
                "toolset:default",
                f"{client.title} uses about {client.tools} tools at once, there are {served}",
                client.key,
                "toolsets.yaml",
            )


def _chosen(surface: Surface) -> Iterator[Client]:
    return (BY_KEY[key] for key in surface.clients)


def _several(schema: Any) -> bool:
    return isinstance(schema, Mapping) and isinstance(schema.get("type"), list)
