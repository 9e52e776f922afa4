"""Bodies that say what a shared endpoint is asked for: recognized by their form, and redacted so that what has to be pinned stays readable.

Promises: texts and numbers inside a GraphQL text are cut by the name of their argument, as fields of a body are; the digest of a persisted
operation, and nothing else beside it, is kept from the detectors. What is made of it is `normalize`'s.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from caskmcp.load import load
from caskmcp.model.exchange import Pair
from caskmcp.redact.cut import Redactor

ENVELOPE: Final = frozenset({"query", "operationName", "variables", "extensions", "id", "documentId"})
"""Members that a GraphQL request over HTTP may have here; with others it is something else."""
PERSISTED: Final = ("id", "documentId")
DIGEST: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}", re.ASCII)
_QUIET: Final = "compiler.capture.graphql:quiet"
_LITERAL: Final = re.compile(r'["0-9]')
"""Without one of these signs a GraphQL text holds no text and no number, and is not worth the parser, which takes long to load."""


def is_graphql(value: Any) -> bool:
    """Whether a value has the form of one GraphQL request: a text, or the digest of a persisted operation. The text is not read."""
    if not isinstance(value, dict) or not value.keys() <= ENVELOPE or not isinstance(value.get("variables") or {}, dict):
        return False
    return isinstance(value.get("query"), str) or bool(digest(value))


def digest(value: dict[str, Any]) -> str:
    """The digest of the persisted operation that a request names; empty if it names none."""
    extensions = value.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    found = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if isinstance(found, str) and DIGEST.fullmatch(found):
        return found
    # An id alone could be anybody's; with the name of an operation beside it, it is one.
    named = isinstance(value.get("operationName"), str)
    ids = (value.get(key) for key in PERSISTED if named)
    return next((text for text in ids if isinstance(text, str) and DIGEST.fullmatch(text)), "")


def redacted(value: Any, redactor: Redactor, place: str) -> Any:
    """A decoded JSON body of a request, redacted in place. Raises `TooDeep`."""
    asked = [row for row in (value if isinstance(value, list) else (value,)) if is_graphql(row)]
    kept = [(row, key, row.pop(key)) for row in asked for key in PERSISTED if row.get(key) and row[key] == digest(row)]
    for row in asked:
        if isinstance(row.get("query"), str):
            row["query"] = quiet(row["query"], redactor, place)
    value = redactor.json(value, place)
    for row, key, found in kept:
        row[key] = found
    return value


def pairs(found: Iterable[Pair], redactor: Redactor) -> Iterable[Pair]:
    """A query string, a GraphQL text in it without its values."""
    return tuple((name, quiet(text, redactor, "query") if name == "query" and "{" in text else text) for name, text in found)


def quiet(text: str, redactor: Redactor, place: str) -> str:
    """A GraphQL text whose values are redacted by the names of their arguments; any other text as it is."""
    if "{" not in text or not _LITERAL.search(text):
        return text
    made: str = load(_QUIET)(text, lambda name, found: redactor.value(name, found, place))
    return made
