"""Routes as the routers of web frameworks write them, fitted to one path: which of its segments are parameters, what they are called, and
which are the route's own literals.

A route is a stranger's word: it gives names to parameters, and keeps words of the table apart. Promises that no other literal comes out of
one: instrumentations put the path itself, or half of it, where the route belongs. What a catch-all (`*`, `{path:.*}`) stands for is left to
the traffic, since a proxy has one for everything; so is a route without any literal, which would fit every path.
"""

import re
from collections.abc import Iterable, Iterator, Set
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from caskmcp.compiler.normalize import words
from caskmcp.compiler.normalize.tokens import LOCALE, OTHER, label

NO_ROUTE: Final = "*"
"""In place of a route that holds values."""
LONGEST: Final = 500
"""Characters of a route."""
UNNAMED: Final = "id"
"""What a parameter without a name is called: by what stands before it."""


class Fitted(NamedTuple):
    """A route fitted to a path."""

    template: str
    """`/orders/{orderId}`; empty if a literal of it may not be kept, `NO_ROUTE` for what is none."""
    parameters: tuple[tuple[int, str], ...] = ()
    """(index of the segment after the first `/`, name) of each parameter."""


NOTHING: Final = Fitted("")

# fmt: off
_METHOD: Final = re.compile(r"\A[A-Z]+ +")
_REGEX: Final = re.compile(r"\(\?P?<([A-Za-z_]\w*)>(?:\[[^\]]*+\]|\\.|\((?:[^()\\]|\\.)*+\)|[^()\\])*+\)")  # possessive: a route costs one pass
_FORMS: Final = (
    # a parameter in a segment                                                          as in
    re.compile(r"\{(?P<rest>\*{1,2})?(?P<name>[A-Za-z_](?:[\w-]|\.(?=\w))*)?(?P<type>[:=?][^{}]*)?(?P<more>\.\.\.)?\}"),  # OpenAPI, Spring, FastAPI, ASP.NET, chi, Go
    re.compile(r"<(?:(?P<type>[a-z_]+)(?:\([^<>]*\))?:)?(?P<name>[A-Za-z_]\w*)(?P<more>\.\.)?>"),             # Flask, Django, Rocket
    re.compile(r"\[(?P<more>\[?\.\.\.)?(?P<name>[A-Za-z_][\w-]*)\]{1,2}"),                                     # Next.js
    re.compile(r":(?P<name>[A-Za-z_]\w*)(?P<type>\([^()]*\))?(?P<optional>[?])?(?P<rest>[*+])?"),              # Express, Gin, Rails, Phoenix
)
_CATCH_ALL: Final = re.compile(r"\*{1,2}|\*\w+|\.\*|\(\.[*+]\)|\*\.\*")
_ANYTHING: Final = re.compile(r":\.[*+]\}?\Z|:path\}?\Z")
# fmt: on
_FORMAT: Final = re.compile(r"\(\.:?\w+\)\Z")
"""Rails writes `(.:format)` behind each route."""
_SAFE: Final = "-._~!$&'()*+,;=:@"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)


class _Segment(NamedTuple):
    """A segment of a route: literal text, or the names in it."""

    literal: str | None
    text: str = ""
    """As a template writes it."""
    name: str = ""
    is_optional: bool = False
    is_rest: bool = False
    """Whether it takes any number of segments."""


_REST: Final = _Segment(None, is_rest=True)


def fitted(route: str, path: str) -> Fitted:
    """`route` as it says the segments of `path` (quoted, starting with `/`).

    Nothing where they do not fit, a catch-all takes several, or no segment is literal.
    """
    if not route or len(route) > LONGEST or not route.isprintable():
        return NOTHING
    tokens = tuple(path.removeprefix("/").split("/"))
    found = _aligned(_segments(route), tokens)
    if found is None:
        return NOTHING
    names = tuple((index, each.name) for index, each in enumerate(found) if each.literal is None)
    literals = [each.literal for each in found if each.literal is not None]
    if any(map(_is_value, literals)):
        return Fitted(NO_ROUTE)
    if names and not any(literals):
        return NOTHING
    return Fitted("/" + "/".join(each.text for each in found) if all(map(_may_stand, literals)) else "", names)


def trusted(routes: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The templates of (host, route) pairs whose literals may be kept; asked again, since a capture may be anybody's.

    One without any parameter counts only where others of its host have some and none holds a value: else every path may be called a route there.
    """
    by_host: dict[str, set[str]] = {}
    for host, route in routes:
        by_host.setdefault(host, set()).add(route)
    return frozenset().union(*map(_trusted, by_host.values()))


def _trusted(known: set[str]) -> Set[str]:
    clean = frozenset(filter(_is_clean, known))
    named = frozenset(route for route in clean if "{" in route)
    return clean if named and NO_ROUTE not in known else named


def _is_clean(template: str) -> bool:
    """Whether a template has a literal, or no parameter, and nothing in it may be a value."""
    segments = template.removeprefix("/").split("/")
    literals = [unquote(segment) for segment in segments if not segment.startswith("{")]
    return template.startswith("/") and (any(literals) or len(literals) == len(segments)) and all(map(_may_stand, literals))


def _is_value(literal: str) -> bool:
    """Whether a literal can only be a value: a number, a date, an id, an address. Other tokens with digits are either."""
    return label(literal) not in (literal, LOCALE, OTHER) or any(sign in "@:=+%~ " for sign in literal) or len(literal) > words.LONGEST


def _may_stand(literal: str) -> bool:
    """Whether a literal of a route is no value: made of table words, or a language. Letters alone are names of people as well."""
    return label(literal) in (literal, LOCALE)


# ---------------------------------------------------------------- reading a route
def _segments(route: str) -> list[_Segment]:
    text = _METHOD.sub("", route.strip())
    text = _FORMAT.sub("", text)
    text = _REGEX.sub(r"{\1}", text)
    text = text.removeprefix("^").removesuffix("$").removesuffix(r"\Z").removesuffix("/?")
    text = text.removesuffix("{$}")
    if not text.startswith("/") and "." in text.split("/", 1)[0] and "/" in text:
        text = text[text.index("/") :]  # Go writes `example.com/orders/{id}`
    return [_segment(part) for part in _split(text.removeprefix("/"))]


def _split(text: str) -> list[str]:
    """Parts between slashes that stand outside of brackets: `{id:[^/]+}` is one."""
    parts, depth = [""], 0
    for sign in text:
        depth = max(depth + (sign in "{(<") - (sign in "})>"), 0)
        if sign == "/" and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _segment(part: str) -> _Segment:
    if _CATCH_ALL.fullmatch(part):
        return _REST
    found = list(_parameters(part))
    if any(map(_takes_all, found)):
        return _REST
    if not found:
        literal = unquote(part.replace("\\", ""))
        return _Segment(literal, quote(literal, safe=_SAFE))
    name = "_".join(given if (given := match["name"] or "") and _NAME.fullmatch(given) else UNNAMED for match in found)[:64]
    return _Segment(None, f"{{{name}}}", name, is_optional=any(map(_may_lack, found)))


def _parameters(part: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(part):
        match = next((found for form in _FORMS if (found := form.match(part, at))), None)
        if match is not None:
            yield match
        at = match.end() if match else at + 1


def _takes_all(match: re.Match[str]) -> bool:
    groups = match.groupdict()
    return bool(groups.get("rest") or groups.get("more") or groups.get("type") == "path" or _ANYTHING.search(match[0]))


def _may_lack(match: re.Match[str]) -> bool:
    kind = match.groupdict().get("type") or ""
    return bool(match.groupdict().get("optional")) or kind.startswith(("?", "=")) or kind.endswith("?")


# ---------------------------------------------------------------- fitting it
def _aligned(segments: list[_Segment], tokens: tuple[str, ...]) -> list[_Segment] | None:
    """A segment of the route for each of the path's; those before a route that is mounted below a prefix are literals if they are words."""
    while len(segments) > len(tokens) and (segments[-1].is_optional or segments[-1].literal == ""):
        segments = segments[:-1]
    if len(tokens) > 1 and tokens[-1] == "" and segments[-1].literal != "":
        segments = [*segments, _Segment("")]
    missing = len(tokens) - len(segments)
    if missing < 0 or any(each.is_rest for each in segments):
        return None
    before = [_Segment(token, token) for token in tokens[:missing]]
    if not all(words.is_words(each.text) or words.is_version(each.text) for each in before):
        return None
    found = [*before, *segments]
    return found if all(_fits(each, unquote(token)) for each, token in zip(found, tokens, strict=True)) else None


def _fits(segment: _Segment, token: str) -> bool:
    return token != "" if segment.literal is None else segment.literal == token
