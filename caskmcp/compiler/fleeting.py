"""Names of values that live for one session, page or build, and of cursors: a literal table, asked wherever a name of a request is judged.

An ephemeral value is never an argument: who calls the tool could not know it. A cursor is one: it came in an earlier answer, which the
caller has seen. Only the name and the place decide, so that the verdict is the same however a recording is cut; where a value came from
is told by `normalize.origins`, from traffic.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal, NamedTuple

Place = Literal["query", "header", "cookie", "body"]


class Rule(NamedTuple):
    """One row. The first that fits counts."""

    id: str
    places: tuple[Place, ...]
    names: re.Pattern[str]
    """Of the name without everything but letters and digits, in lower case; a leading underscore stays."""
    argument: bool
    """Whether it stays an argument."""
    manual: bool
    """Whether a server may refuse a call without it."""
    beside: re.Pattern[str] | None = None
    """Some other name of the same operation has to be like this."""


ALL: Final[tuple[Place, ...]] = ("query", "header", "cookie", "body")
# fmt: off
RULES: Final = (
    #    id              places                        names                                                                    argument manual  beside
    Rule("csrf",         ALL,                          re.compile(r"_*(?:x|django|laravel|rails)?.*(?:csrf|xsrf).*|_*(?:x)?(?:authenticity|requestverification|antiforgery)token|_token"),
                                                                                                                                False,   True),
    Rule("form-state",   ("query", "body"),            re.compile(r"__(?:viewstate(?:generator|encrypted)?|eventvalidation|previouspage)|javaxfacesviewstate"), False, True),
    Rule("oauth-state",  ("query", "body"),            re.compile(r"state"),                                                    False,   True,   re.compile(r"redirectur[il]|codechallenge|samlresponse")),
    Rule("nonce",        ALL,                          re.compile(r"_*(?:x|wp|form|page|request|script)?nonce"),                False,   True),
    Rule("build",        ("header",),                  re.compile(r"x?(?:next(?:js)?)?(?:app|client|web|frontend)?(?:build|deployment)(?:id|hash|number|version)"), False, False),
    Rule("build",        ("query",),                   re.compile(r"_(?:build|buildid|v|version)|dpl"),                         False,   False),
    Rule("cache-buster", ("query",),                   re.compile(r"_|_(?:t|ts|dc|cb|rnd|rand|random|timestamp)|cb|cachebust(?:er)?|nocache|rnd"), False, False),
    Rule("cursor",       ("query", "body"),            re.compile(r"(?:next|prev|previous|page|end|start|sync|resume|scroll|pagination|list)?cursor|(?:next|previous)?pagetoken|(?:next|continuation|sync|resume|pagination)token|startingafter|endingbefore|scrollid|nextmarker|pagingstate"),
                                                                                                                                True,    False),
)
# fmt: on
BY_ID: Final = {row.id: row for row in RULES}


def rule(place: Place, name: str, others: Iterable[str] = ()) -> Rule | None:
    """The row that a name fits, or None. others: names of the same operation, for names that say nothing alone (`state`)."""
    found = _fitting(place, name)
    if found is None or found.beside is None:
        return found
    return found if any(found.beside.fullmatch(_bare(other)) for other in others) else None


def may_be(place: Place, name: str) -> bool:
    """Whether a name fits a row in some operation."""
    return _fitting(place, name) is not None


@lru_cache(maxsize=4096)
def _fitting(place: Place, name: str) -> Rule | None:
    bare = _bare(name)
    return next((row for row in RULES if place in row.places and row.names.fullmatch(bare)), None)


def _bare(name: str) -> str:
    letters = "".join(sign for sign in name.lower() if sign.isalnum())
    return "_" * min(2, len(name) - len(name.lstrip("_"))) + letters
