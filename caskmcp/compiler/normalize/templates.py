"""Path templates that a person or a document states: parse, print, match. `/api/{tenant}/orders/{order_id}`, `/diff/{a}..{b}`."""

import re
from functools import cached_property
from itertools import pairwise
from typing import Final
from urllib.parse import unquote

from caskmcp.errors import CaskError
from caskmcp.model.record import Record

_PIECE: Final = re.compile(r"\{([^{}/]+)\}")
_PARAMETER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)


class Template(Record):
    """A template, segment by segment. A segment is a tuple of pieces: literal text, or a parameter's name in braces."""

    segments: tuple[tuple[str, ...], ...]
    method: str = ""
    """Empty for any."""
    origin: tuple[str, int] | None = None
    """Host and port; None for any."""

    @cached_property
    def fixed(self) -> tuple[str | None, ...]:
        """The literal of each segment, None where a parameter is in it."""
        return tuple(None if any(_is_parameter(piece) for piece in pieces) else "".join(pieces) for pieces in self.segments)

    @cached_property
    def _forms(self) -> tuple[re.Pattern[str] | None, ...]:
        """What a segment with text beside its parameters has to look like; None for any other."""
        return tuple(
            _form(pieces) if fixed is None and len(pieces) > 1 else None for fixed, pieces in zip(self.fixed, self.segments, strict=True)
        )

    def takes(self, depth: int, label: str) -> bool:
        """Whether a token or label may stand at a segment: its text, any text but an empty one for a parameter, what fits for both in one.

        The text of a class is gone: it counts as fitting where some text of the class does.
        """
        fixed, form = self.fixed[depth], self._forms[depth]
        if fixed is not None:
            return fixed == label
        if form is None:
            return label != ""
        is_plain = label in _ALPHANUMERIC and any(not text.isalnum() for text in self.segments[depth] if not _is_parameter(text))
        return not is_plain if label.startswith("{") else form.fullmatch(label) is not None

    def matches(self, labels: tuple[str, ...]) -> bool:
        """Whether a path's segments (tokens or labels) are inside the template."""
        return len(labels) == len(self.fixed) and all(self.takes(depth, label) for depth, label in enumerate(labels))

    @property
    def rank(self) -> tuple[bool, ...]:
        """Sorts the more exact template first: a literal before a parameter, from the left."""
        return tuple(fixed is None for fixed in self.fixed)


def parse(text: str, *, method: str = "", origin: tuple[str, int] | None = None) -> Template:
    """A template of its text. Raises CaskError CASK-N002 for what is none."""
    path = text.split("?", 1)[0].split("#", 1)[0]
    if not path.startswith("/"):
        raise CaskError("CASK-N002", f"`{text}` does not start with `/`", place="cask.yaml")
    segments = tuple(_pieces(segment, text) for segment in path[1:].split("/"))
    return Template(segments=segments, method=method, origin=origin)


def split_path(path: str) -> tuple[str, ...]:
    """The segments of a path after the first `/`, as they are; `/` is one empty segment."""
    return tuple(path.removeprefix("/").split("/"))


def _pieces(segment: str, text: str) -> tuple[str, ...]:
    found = tuple(piece for piece in re.split(r"(\{[^{}/]+\})", segment) if piece)
    if any(("{" in piece or "}" in piece) and not _is_parameter(piece) for piece in found):
        raise CaskError("CASK-N002", f"`{text}` has a brace without its other half, or a parameter without a name", place="cask.yaml")
    for left, right in pairwise(found):
        if _is_parameter(left) and _is_parameter(right):
            raise CaskError("CASK-N002", f"`{text}` has two parameters with nothing between them", place="cask.yaml")
    return tuple(piece if _is_parameter(piece) else unquote(piece) for piece in found) or ("",)


_ALPHANUMERIC: Final = frozenset({"{integer}", "{ulid}", "{hex}"})
"""Classes whose texts hold nothing that could stand between two parameters."""


def _form(pieces: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("".join(".+" if _is_parameter(piece) else re.escape(piece) for piece in pieces), re.DOTALL)


def _is_parameter(piece: str) -> bool:
    match = _PIECE.fullmatch(piece)
    return match is not None and _PARAMETER.fullmatch(match[1]) is not None
