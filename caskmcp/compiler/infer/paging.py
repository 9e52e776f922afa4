"""Which inputs page through a list and which order it, and where an answer says what comes next: by a table of names, over traffic and documents.

Names and types alone decide, and an answer that holds a list has to be known; what a page looks like, and how many there are, is not guessed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from caskmcp.compiler import fleeting
from caskmcp.compiler.infer.evidence import escape
from caskmcp.compiler.normalize.row import LINK, PAGED
from caskmcp.model.contract import Body, Paging, Parameter, Response
from caskmcp.model.observation import Row

Style = Literal["cursor", "page", "offset", "link"]
Schema = Mapping[str, Any]


class Word(NamedTuple):
    """One row: what an input of these names says. Names are bare: letters and digits in lower case."""

    role: str
    names: frozenset[str]
    number: bool
    """Whether it has to be a number."""


def _of(text: str) -> frozenset[str]:
    return frozenset(text.split())


# fmt: off
WORDS: Final = (
    #    role      names                                                                                                                    number
    Word("offset", _of("offset skip startindex startat pageoffset rowoffset fromindex"),                                                     True),
    Word("page",   _of("page pageno pagenumber pagenum pageindex currentpage pg"),                                                           True),
    Word("size",   _of("limit perpage pagesize pagelimit itemsperpage maxresults maxitems maxpagesize take top rows resultsperpage count size first"), True),
    Word("cursor", _of("after before cursor continuation marker sinceid"),                                                                   False),
    Word("sort",   _of("sort sortby order orderby ordering sortorder orderdir orderdirection sortdir sortdirection sortkey sortfield sorting"), False),
)
_ITEMS: Final = ("items", "data", "results", "records", "rows", "entries", "values", "content", "list", "nodes", "edges", "hits", "objects")
"""Names of lists in answers, the most usual first."""
_TOTAL: Final = _of("total totalcount count totalitems totalresults totalsize totalrecords totalelements recordcount itemcount")
_NEXT: Final = _of("next nextpage nextpageurl nexturl nextlink nexthref hasmore hasnext hasnextpage more nextoffset nextpagetoken last islast")
# fmt: on
_DEEPEST: Final = 3
"""Levels of an answer where lists, totals and what comes next are looked for."""
_ODD: Final = re.compile(r"[^a-z0-9]")


class Input(NamedTuple):
    """One input outside the path."""

    place: str
    """`query page`."""
    bare: str
    schema: Schema


def paging(parameters: Iterable[Parameter], bodies: Iterable[Body], answers: Iterable[Response], row: Row | None) -> Paging | None:
    """How the operation is paged through, or None."""
    schema = _success(answers)
    lists = _lists(schema) if schema is not None else []
    if schema is None or not lists:
        return None
    inputs = _inputs(parameters, bodies)
    marks = _marks(schema)
    headers = sorted(row.paged) if row else []
    style, argument = _style(inputs, marks, headers)
    if not style:
        return None
    return Paging(
        style=style,
        argument=argument,
        size=_first(inputs, "size"),
        items=_items(lists),
        following=_following(style, marks, headers),
        total=next((f"answer {pointer}" for pointer, name, kind in marks if name in _TOTAL and kind == "integer"), _counted(headers)),
    )


def sorting(parameters: Iterable[Parameter], bodies: Iterable[Body], answers: Iterable[Response]) -> tuple[str, ...]:
    """Places of inputs that order the list of an answer, sorted."""
    schema = _success(answers)
    if schema is None or not _lists(schema):
        return ()
    return tuple(sorted(row.place for row in _inputs(parameters, bodies) if _is(row, "sort")))


# ---------------------------------------------------------------- inputs
def _inputs(parameters: Iterable[Parameter], bodies: Iterable[Body]) -> list[Input]:
    outside = [Input(f"{row.location} {row.wire}", _bare(row.wire), row.schema_) for row in parameters if row.location == "query"]
    fields = {name: schema for body in bodies for name, schema in body.schema_.get("properties", {}).items() if isinstance(schema, Mapping)}
    return outside + [Input(f"body {name}", _bare(name), schema) for name, schema in sorted(fields.items())]


def _bare(name: str) -> str:
    """`page[size]` -> `pagesize`."""
    return _ODD.sub("", name.lower())


def _is(row: Input, role: str) -> bool:
    word = next(each for each in WORDS if each.role == role)
    return row.bare in word.names and (not word.number or "integer" in _kinds(row.schema))


def _kinds(schema: Schema) -> Iterator[str]:
    kind = schema.get("type")
    yield from [kind] if isinstance(kind, str) else kind if isinstance(kind, list) else ()
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _kinds(option) if isinstance(option, Mapping) else ()


def _first(inputs: Sequence[Input], role: str) -> str:
    return next((row.place for row in inputs if _is(row, role)), "")


def _style(inputs: Sequence[Input], marks: Sequence["Mark"], headers: Sequence[str]) -> tuple[Style | Literal[""], str]:
    """The style and the input that says where the next piece begins."""
    cursors = [row.place for row in inputs if _is_cursor(row)]
    # `after` alone may be a date: beside a size or a cursor of an answer it is none.
    if cursors and (_first(inputs, "size") or any(_is_token(name) for _, name, _ in marks) or not _is_vague(cursors[0])):
        return "cursor", cursors[0]
    for style in ("offset", "page"):
        if place := _first(inputs, style):
            return style, place
    linked = LINK in headers or any(name in _NEXT and kind == "string" for _, name, kind in marks)
    return ("link", "") if linked else ("", "")


def _is_cursor(row: Input) -> bool:
    found = fleeting.rule("query", row.place.partition(" ")[2])
    return (found is not None and found.id == "cursor") or _is(row, "cursor")


def _is_vague(place: str) -> bool:
    return _bare(place.partition(" ")[2]) in ("after", "before", "marker")


# ---------------------------------------------------------------- answers
Mark = tuple[str, str, str]
"""JSON pointer, bare name and type of a field."""


def _success(answers: Iterable[Response]) -> Schema | None:
    """The schema of a successful JSON answer."""
    return next((row.schema_ for row in answers if row.status.startswith("2") and row.schema_ is not None), None)


def _resolved(schema: Schema, root: Schema) -> Schema:
    for _ in range(_DEEPEST):
        name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
        target = root.get("$defs", {}).get(name) if "$ref" in schema else None
        if not isinstance(target, Mapping):
            return schema
        schema = target
    return schema


def _lists(root: Schema) -> list[str]:
    """Pointers of the lists of an answer: the answer itself, or those in its objects, outermost first."""
    whole = _resolved(root, root)
    if "array" in _kinds(whole):
        return [""]
    return [pointer for pointer, _, kind in sorted(_walk(whole, root, ""), key=lambda row: row[0].count("/")) if kind == "array"]


def _marks(root: Schema) -> list[Mark]:
    """All fields of an answer outside its lists, outermost first, by pointer."""
    return sorted(_walk(_resolved(root, root), root, ""), key=lambda row: (row[0].count("/"), row[0]))


def _walk(schema: Schema, root: Schema, above: str) -> Iterator[Mark]:
    properties = schema.get("properties", {})
    for name, child in properties.items() if isinstance(properties, Mapping) and above.count("/") < _DEEPEST else ():
        found = _resolved(child, root) if isinstance(child, Mapping) else {}
        pointer, kinds = f"{above}/{escape(name)}", [kind for kind in _kinds(found) if kind != "null"]
        yield pointer, _bare(name), kinds[0] if kinds else ""
        yield from _walk(found, root, pointer)


def _items(lists: Sequence[str]) -> str | None:
    """The list that is paged: the only one of its depth, or the one with the most usual name."""
    depth = lists[0].count("/")
    rows = [pointer for pointer in lists if pointer.count("/") == depth]
    named = [pointer for name in _ITEMS for pointer in rows if pointer.rpartition("/")[2].lower() == name]
    return rows[0] if len(rows) == 1 else named[0] if named else None


def _following(style: str, marks: Sequence[Mark], headers: Sequence[str]) -> str:
    tokens = [f"answer {pointer}" for pointer, name, _ in marks if _is_token(name)]
    named = [f"answer {pointer}" for pointer, name, _ in marks if name in _NEXT]
    linked = [f"header {name}" for name in headers if name in (LINK, "x-next-cursor", "x-next-page")]
    rows = tokens + named + linked if style == "cursor" else named + linked + tokens
    return rows[0] if rows else ""


def _is_token(name: str) -> bool:
    found = fleeting.rule("query", name)
    return found is not None and found.id == "cursor" and name not in ("startingafter", "endingbefore")


def _counted(headers: Sequence[str]) -> str:
    return next((f"header {name}" for name in headers if name in PAGED and "total" in name and "pages" not in name), "")
