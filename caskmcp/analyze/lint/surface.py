"""What the rules look at: the artifacts of one toolpack, read once, and the ways through them that several rules share.

Opens no file and judges nothing. A rule is a function from a `Surface` to what it `Found`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from caskmcp import canon, text
from caskmcp.errors import CaskError
from caskmcp.model.policy import Policy
from caskmcp.model.project import Budget
from caskmcp.model.tool import Tool, Tools
from caskmcp.model.toolset import Toolsets

TOOLS: Final = "tools.json"
DATA: Final = frozenset({"enum", "const", "default", "examples", "required", "dependentRequired"})
"""Keywords whose values are no schemas."""
BY_NAME: Final = frozenset({"properties", "patternProperties", "$defs", "dependentSchemas"})
"""Keywords whose values map names to schemas."""


class Found(NamedTuple):
    """One place where a rule does not hold."""

    subject: str
    """`tool:list_orders`, `policy`, `toolset:support`, a file's name."""
    message: str
    where: str = ""
    """The place inside of the subject: part of the fingerprint, so free of wording and of counts that drift."""
    file: str = TOOLS
    held: str = ""
    """Digest of the text, where accepting the finding means accepting that text and no other."""


@dataclass(frozen=True)
class Surface:
    """A compiled surface, and what the people here say about it."""

    artifacts: Mapping[str, bytes]
    """File name -> bytes."""
    approved: frozenset[str] = frozenset()
    """Names of the tools whose present content a person approved."""
    budget: Budget | None = None
    """The manifest's."""
    clients: tuple[str, ...] = ()
    """Keys of `clients.CLIENTS` that the tools have to suit."""
    known: tuple[Tool, ...] | None = None
    """The records of `tools.json`, in its order, where somebody parsed these very bytes already."""

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        """Sorted by name. Raises CASK-L002, also for a schema whose arguments are no object: no rule could look into it."""
        found = self.known if self.known is not None else Tools.from_json(self._data(TOOLS), TOOLS, code="CASK-L002").tools
        for tool in found:
            for schema in (tool.input_schema, tool.output_schema or {}):
                for word in BY_NAME & schema.keys():
                    if not isinstance(schema[word], Mapping):
                        raise CaskError("CASK-L002", f"`{word}` of a schema of {tool.name} is no object", place=TOOLS, mend="cask build")
        return found

    @cached_property
    def schemas(self) -> tuple[tuple[Tool, "Node"], ...]:
        """Every schema of every tool, with its place."""
        return tuple((tool, node) for tool in self.tools for node in schemas(tool))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every text that a model reads, each once, sorted. Most rules on texts find nothing: where one stands is asked when it looks bad."""
        found: set[str] = set()
        for tool in self.tools:
            words([tool.name, tool.title, tool.description, tool.input_schema, tool.output_schema], found)
        return tuple(sorted(found))

    @cached_property
    def toolsets(self) -> Toolsets:
        """Raises CASK-L002."""
        return Toolsets.from_yaml(self._data("toolsets.yaml"), "toolsets.yaml", code="CASK-L002")

    @cached_property
    def policy(self) -> Policy:
        """Raises CASK-L002."""
        return Policy.from_yaml(self._data("policy.yaml"), "policy.yaml", code="CASK-L002")

    @cached_property
    def lines(self) -> Mapping[str, int]:
        """Tool name -> line of `tools.json` that names it, for whoever opens the file."""
        rows = self._data(TOOLS).decode("utf-8", errors="replace").split("\n")
        return {row.split('"')[3]: line for line, row in enumerate(rows, 1) if row.startswith('      "name": "')}

    def _data(self, name: str) -> bytes:
        if name not in self.artifacts:
            raise CaskError("CASK-L002", f"{name} is missing", place=f"artifact/{name}", mend="cask build")
        return self.artifacts[name]


def subject(tool: Tool) -> str:
    """How a finding names a tool."""
    return f"tool:{tool.name}"


Node = tuple[str, Any]
"""A place (`inputSchema.properties.status`) and the schema there."""


def schemas(tool: Tool) -> Iterator[Node]:
    """Every schema of a tool that clients see, with its place, outer before inner."""
    yield from _nodes("input_schema", tool.input_schema)
    if tool.output_schema is not None:
        yield from _nodes("output_schema", tool.output_schema)


def _nodes(place: str, schema: Any) -> Iterator[Node]:
    yield place, schema
    for word, value in schema.items() if isinstance(schema, Mapping) else ():
        for way, inner in _inner(word, value):
            yield from _nodes(f"{place}.{way}", inner)


def _inner(word: str, value: Any) -> Iterator[Node]:
    if word in DATA:
        return
    if word in BY_NAME and isinstance(value, Mapping):
        yield from ((f"{word}.{name}", row) for name, row in value.items())
    elif isinstance(value, list):
        yield from ((f"{word}.{index}", row) for index, row in enumerate(value) if isinstance(row, Mapping | bool))
    elif isinstance(value, Mapping) or (isinstance(value, bool) and word in ("items", "contains", "not")):
        yield word, value


def texts(tool: Tool) -> Iterator[tuple[str, str]]:
    """Every text of a tool that a model reads, with its place: names, wording, names of fields, values of documents."""
    yield from (("name", tool.name), ("title", tool.title), ("description", tool.description))
    for place, value in (("input_schema", tool.input_schema), ("output_schema", tool.output_schema)):
        yield from strings(value, place)


def strings(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, keys of objects too, with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, row in value.items():
            yield f"{place}.{key}", key
            yield from strings(row, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for index, row in enumerate(value):
            yield from strings(row, f"{place}.{index}")


def words(value: Any, found: set[str]) -> None:
    """Add every text in a JSON value, keys too: names come again and again, and are looked at once."""
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, str):
            found.add(item)
        elif isinstance(item, dict):
            found.update(item)
            rest.extend(item.values())
        elif isinstance(item, list | tuple):
            rest.extend(item)


def digest(words: str) -> str:
    """Of a text that a finding is about. Never the text: it may be a credential."""
    return canon.digest_bytes(words.encode("utf-8", "surrogatepass"))


def shown(words: str) -> str:
    """A foreign text for a message: short, on one line, nothing hidden."""
    plain = text.visible(" ".join(words.split()))
    return plain if len(plain) <= 60 else plain[:59] + "…"
