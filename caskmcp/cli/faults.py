"""What may be said of an error that nobody expected: its kind and where in the program, never the data that it met.

Texts of such errors quote what was read (`KeyError: 'entries'`). What stands in quotes, and what a detector knows, is left out.
"""

import re
import traceback
from collections.abc import Iterator
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.load import load

MOST: Final = 300
"""Characters of the text of an error."""
_QUOTED: Final = re.compile(r"""b?(['"`])(?:\\.|(?!\1).)*(?:\1|\Z)""", re.DOTALL)


def kind(cause: BaseException) -> str:
    """One line: the error's type, and its text without data."""
    text = str(cause) if isinstance(cause, CaskError) else _without_data(str(cause))
    first = text.split("\n", maxsplit=1)[0][:MOST]
    return f"{type(cause).__name__}: {first}" if first else type(cause).__name__


def trace(cause: BaseException) -> Iterator[str]:
    """The lines of a traceback: each error that led to this one, the earliest first. Lines of the program, no values."""
    earlier = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    if earlier is not None:
        yield from trace(earlier)
        yield "\nThe error above led to this one:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(cause.__traceback__)
    yield f"{kind(cause)}\n"


def _without_data(text: str) -> str:
    bare = _QUOTED.sub(r"\1…\1", text)
    replaced: str = load("redact.scan:scanner")("strict").replace(bare, lambda row, _: f"[{row.id}]")
    return replaced
