"""What an operation says, in the words that all versions share. `openapi3` and `swagger` read it, `operations` puts it together."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from caskmcp.compiler.capture.sources.openapi.node import Node
from caskmcp.compiler.capture.sources.openapi.schemas import Part
from caskmcp.compiler.capture.sources.openapi.servers import Origin
from caskmcp.model.exchange import DeclaredParameter, DeclaredResponse, Skipped

UNSUPPORTED: Final = "unsupported"


class Placed(NamedTuple):
    """A parameter and the node that declares it."""

    declared: DeclaredParameter
    node: Node
    unsent: str = ""
    """Why no request plan can send it; empty if one can. An optional one is left out, a required one takes its operation with it."""


class Answer(NamedTuple):
    """One status and media type that an operation may answer with."""

    node: Node
    declared: DeclaredResponse
    """Without its schema."""
    schema: Part | None


class Stated(NamedTuple):
    """The parts of an operation."""

    placed: Mapping[tuple[str, str], Placed]
    """(where, name) -> parameter."""
    bodies: tuple[tuple[str, Part], ...]
    """(media type, schema)."""
    body_required: bool
    answers: tuple[Answer, ...]
    auth: tuple[str, ...]
    """As `Exchange.auth`."""
    origins: tuple[Origin, ...]
    skipped: tuple[Skipped, ...]
    """What was left out, with its place."""
    unsent: str = ""
    """Why no request plan can send the operation; empty if one can."""


def unsupported(node: Node, what: str) -> Skipped:
    """Something that is left out, by its place. what: in words that are ours, or a field's name."""
    return Skipped(node.place, UNSUPPORTED, detail=what)


def unsupported_fields(node: Node, names: Iterable[str]) -> list[Skipped]:
    """Fields that are left out, those that are there."""
    return [Skipped(f"{node.place}.{name}", UNSUPPORTED, detail=f"`{name}`") for name in names if node.get(name) is not None]
