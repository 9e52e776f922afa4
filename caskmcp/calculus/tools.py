"""Compare two served records (`model/served.py`): a literal table of areas, each with the function that judges it.

The one entry for all who ask: `compare` for `diff`, `check` and `drift`, `verdict` for the whole, `narrower` for what needs no person again. The
shared subjects have a table of their own in `shared.py`. ADR 0025 says what soundness rests on.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp.calculus import composite, inputs, keywords, path, plain, policy, request, shapes
from caskmcp.calculus.areas import Area, changes
from caskmcp.calculus.keywords import ASSERTED, FORMATS, TYPES
from caskmcp.calculus.schema import is_schema
from caskmcp.calculus.sides import Served, still_sent
from caskmcp.calculus.verdict import Change, Verdict, same, together

# fmt: off
AREAS: Final = (
    Area("method",      ("request.method",),                                plain.pinned,    "the request's method changed"),
    Area("host",        ("request.scheme", "request.host", "request.port"), plain.pinned,    "requests go to another place"),
    Area("path",        ("request.segments",),                              path.judge,      "the request's path changed", shapes.segments),
    Area("query",       ("request.query",),                                 request.rows,    "other query parameters can be sent", shapes.rows),
    Area("header",      ("request.headers",),                               request.rows,    "other headers can be sent", shapes.rows),
    Area("header",      ("request.accept",),                                plain.pinned,    "other headers can be sent"),
    Area("constant",    ("request.constants",),                             plain.pinned,    "something else is asked for"),
    Area("composite",   ("composite",),                                     composite.judge, "other tools are called, or with other arguments", shapes.composite),
    Area("cookie",      ("request.cookies",),                               request.rows,    "other cookies can be sent", shapes.rows),
    Area("body",        ("request.body",),                                  request.body,    "other bodies can be sent", shapes.body),
    Area("input",       ("input_schema",),                                  inputs.judge,    "other arguments are accepted", is_schema),
    Area("effect",      ("effect",),                                        plain.pinned,    "its effect is classified differently"),
    Area("risk",        ("risk",),                                          plain.tier,      "its risk tier changed"),
    Area("policy",      ("policy",),                                        policy.decided,  "the policy treats it differently", shapes.rules),
    Area("toolset",     ("toolsets",),                                      plain.names,     "its toolsets changed", shapes.names),
    Area("response",    ("response.max_bytes",),                            plain.at_most,   "answers may have another size"),
    Area("projection",  ("response.keep",),                                 plain.places,    "other fields of its answers are passed on", shapes.names),
    Area("envelope",    ("response.envelope",),                             plain.pinned,    "answers are read in another way"),
    Area("scope",       ("scope", "boundary"),                              plain.pinned,    "it belongs to another scope"),
    Area("annotations", ("annotations",),                                   plain.hints,     "its hints for clients changed", shapes.mapping),
    Area("output", ("output_schema", "response.media", "response.expected"), plain.wording,  "the description of its answers changed"),
    Area("wording", ("name", "title", "description", "reasons", "traits", "schema"), plain.wording, "its wording changed"),
)
# fmt: on
UNREAD: Final = frozenset({"path", "query", "header", "cookie", "body", "input", "policy", "toolset", "response", "composite"})
"""Areas in which less is less and nothing more: no reader is told anything new, and the same people may approve it."""
VOCABULARY: Final = ASSERTED | FORMATS | {*TYPES} | {"token", "text", "confirm", "deny"}
"""Texts of the formats themselves, which tell a reader nothing."""


def compare(old: Served, new: Served) -> tuple[Change, ...]:
    """Every difference between two served records, in the table's order; none if they are equal."""
    return changes(AREAS, old, new)


def verdict(found: tuple[Change, ...]) -> Verdict:
    """The verdict of all changes together."""
    return together(change.verdict for change in found)


def narrower(old: Served, new: Served) -> bool:
    """Whether what was approved for `old` may hold for `new` without a person: less, or nothing at all, and not a word that nobody has read.

    True only if each change narrows in one of `UNREAD`, each argument that is still taken is still sent, each word of the arguments stands
    where it stood, and every text of the new record stood in the old one. A change that is EQUAL is one of words.
    """
    narrows = all(change.verdict is Verdict.NARROWS and change.area in UNREAD for change in compare(old, new))
    return narrows and still_sent(old, new) and _as_worded(old, new) and {*_texts(new)} <= {*_texts(old)} | VOCABULARY


def _as_worded(old: Served, new: Served) -> bool:
    """Whether each word of the arguments stands where it stood: what one argument is said to do is no word for another, beside or inside of it."""
    known = keywords.words(old.get("input_schema") or {})
    return all(at in known and same(known[at], word) for at, word in keywords.words(new.get("input_schema") or {}).items())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for key, item in value.items() for text in (key, *_texts(item)))
    elif isinstance(value, list | tuple):
        yield from (text for item in value for text in _texts(item))
