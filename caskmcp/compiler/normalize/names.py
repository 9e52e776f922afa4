"""Domain names of path parameters: `order_id` after `orders`, `date`, `locale`; unique within a path."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from caskmcp.compiler.normalize import words

GENERIC: Final = frozenset({"id", "pk", "name", "key", "slug", "uuid", "guid", "uid", "code", "identifier", "ref"})
"""Names that say nothing without what they belong to."""
_PREFIXES: Final = frozenset({"api", "apis", "rest", "public", "internal", "private", "services", "service", "v"})
"""Words at the head of a path that are no collection."""
_IRREGULAR: Final = {
    "people": "person", "children": "child", "men": "man", "women": "woman", "indices": "index", "indexes": "index", "matrices": "matrix",
    "vertices": "vertex", "analyses": "analysis", "statuses": "status", "aliases": "alias", "buses": "bus", "quizzes": "quiz",
    "movies": "movie", "cookies": "cookie", "caches": "cache", "data": "data", "media": "media", "news": "news", "series": "series",
    "species": "species", "kubernetes": "kubernetes", "responses": "response", "purchases": "purchase", "databases": "database",
    "releases": "release", "courses": "course", "houses": "house", "warehouses": "warehouse", "licenses": "license", "phases": "phase",
    "cases": "case", "uses": "use", "causes": "cause", "clauses": "clause", "leases": "lease", "expenses": "expense", "leaves": "leave",
    "archives": "archive", "drives": "drive", "moves": "move", "axes": "axis", "sizes": "size", "prizes": "prize", "bases": "base",
}  # fmt: skip
_ENDINGS: Final = (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("zzes", "zz"))
_WHOLE: Final = ("ss", "us", "is")
_SUFFIXES: Final = {"integer": "id", "uuid": "id", "ulid": "id", "hex": "id", "other": "name"}
_ALONE: Final = {"date": "date", "locale": "locale"}
_ODD: Final = re.compile(r"[^a-z0-9]+", re.ASCII)
_LONGEST: Final = 40


def singular(word: str) -> str:
    """The singular of an English noun in lower case, by ending; what is not plural stays."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word.removesuffix(ending) + instead
    if word.endswith("s") and not word.endswith(_WHOLE) and len(word) > 2:
        return word[:-1]
    return word


def snake(text: str) -> str:
    """A name in lower case with underscores, made of ASCII letters and digits; empty if nothing is left."""
    joined = "_".join(words.split(text)) if text.isascii() else text
    found = _ODD.sub("_", joined.lower()).strip("_")[:_LONGEST].strip("_")
    return found if not found[:1].isdigit() else f"n{found}"


def parameter(before: Iterable[str], classes: Mapping[str, int], *, first: bool) -> str:
    """The domain name of a parameter. `before`: the literals before it; `first`: whether other literals follow and no parameter precedes."""
    main = max(sorted(classes), key=lambda name: classes[name], default="other")
    if set(classes) <= _ALONE.keys() and main in _ALONE:
        return _ALONE[main]
    suffix = _SUFFIXES.get(main, "name")
    nouns = [snake(text) for text in before if text and not words.is_version(text) and text.lower() not in _PREFIXES]
    nouns = [noun for noun in nouns if noun]
    if nouns and nouns[-1].removeprefix("by_") in GENERIC:
        suffix = nouns.pop().removeprefix("by_")
    if not nouns:
        return "tenant" if first and suffix == "name" else suffix
    *head, last = nouns[-1].split("_")
    if suffix == "name" and singular(last) == last:
        return nouns[-1]  # `/tag/{tag}`: a word that is no collection says what its value is
    return "_".join([*head, singular(last), suffix])


def declared(own: str, before: Iterable[str], classes: Mapping[str, int]) -> str:
    """The domain name of a parameter that a document calls `own`: its own name, unless that says nothing by itself."""
    name = snake(own)
    if name and name not in GENERIC:
        return name
    noun = parameter(before, classes or {"integer": 1}, first=False).rpartition("_")[0]
    return "_".join(part for part in (noun, name or "id") if part)


def unique(names: Iterable[str]) -> list[str]:
    """The names, with `_2`, `_3` … behind those that came before."""
    out: list[str] = []
    for name in names:
        number, found = 1, name
        while found in out:
            number += 1
            found = f"{name}_{number}"
        out.append(found)
    return out
