"""How well a compiled surface says what an application's own document says of single values: formats, enums, lower bounds, null.

    python -m tests.support.leaves TRUTH_FOLDER COMPILED_FOLDER

A *leaf* is one place (JSON pointer, `*` for any item) in the request bodies or the answers of one status of one operation, or one query
parameter, at which recording A holds a scalar in a successful exchange and at which both the document and the surface say something.
Leaves that the document leaves open (`additionalProperties`, no schema) are not judged: there is no truth about them.

Each fact is counted twice.

* raw: recall = leaves where the document states the fact and so do we, of those where the document states it; precision = leaves where we
  state it and so does the document, of those where we state it.
* told: the same over leaves where the traffic was enough to tell, and where the document can be believed.
  - format: three strings or more, none of them empty; only formats that a text shows (`SHOWN`).
  - enum: two distinct texts or more, each in three exchanges or more, at most twenty: the value rule of ARCHITECTURE section 4. Our enum counts as
    right if all of it is in the document's. A value that fewer exchanges show is what somebody typed, for all that can be known: it is not
    kept, and this is what limits the raw recall.
  - bound: a lower bound of an answer's number, five distinct values or more (below, no bound may be kept), and only zero: an upper bound is
    never seen in values that were accepted. Ours is right if the document does not allow less.
  - null: both null and another value were answered or sent.
  A document is not believed on a leaf where it refuses recorded values, or where it says nothing while every value of the unseen recording B
  bears out what we state (a plain `string` over nothing but UUIDs).
"""

import importlib.util
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema_rs

SHOWN = ("uuid", "date-time", "date", "email", "uri", "ipv4", "duration", "time")
FACTS = ("format", "enum", "bound", "null")
OK = range(200, 300)
Place = tuple[str, str, str, str]
"""Operation of the truth, side (`request`, `answer 200`, `query`), media type, pointer."""


class Leaf(NamedTuple):
    """What one schema says of one place."""

    formats: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    low: float | None = None
    null: bool = False
    known: bool = False
    """Whether a type is stated."""


def scorer(truth: Path) -> Any:
    """`score.py` of the folder of truths: its readers of HAR and OpenAPI."""
    spec = importlib.util.spec_from_file_location("truth_score", truth.parent / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---------------------------------------------------------------- what was recorded
class Values:
    """All scalars of a recording by place."""

    def __init__(self) -> None:
        self.found: dict[Place, list[tuple[int, Any]]] = defaultdict(list)

    def add(self, place: tuple[str, str, str], serial: int, value: Any, pointer: str = "") -> None:
        """Take a JSON value apart."""
        if isinstance(value, dict):
            for key, item in value.items():
                self.add(place, serial, item, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
        elif isinstance(value, list):
            for item in value:
                self.add(place, serial, item, f"{pointer}/*")
        else:
            self.found[(*place, pointer)].append((serial, value))


def recorded(score: Any, entries: list[Any], rows: list[Any], side: str) -> Values:
    """The scalars of the successful exchanges of one recording."""
    out = Values()
    for row in rows:
        key = f"{row['method']} {row['path']}"
        for serial in row[f"exchanges_{side}"]:
            entry = entries[serial]
            status = entry["response"]["status"]
            if status not in OK:
                continue
            media, body, has = score.body_of(entry)
            if has and body is not None and "json" in (media or ""):
                out.add((key, "request", media), serial, body)
            media, body, is_json = score.resp_of(entry)
            if is_json:
                out.add((key, f"answer {status}", media), serial, body)
            for name, text in parse_qsl(urlsplit(entry["request"]["url"]).query):
                out.add((key, "query", ""), serial, text, f"/{name}")
    return out


# ---------------------------------------------------------------- what a document says
def leaf(score: Any, document: Any, schema: Any, pointer: str, side: str) -> Leaf:
    """What a schema says at a pointer; not known where it says nothing."""
    options = [schema]
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        options = [below for option in options for below in _below(document, option, name, side)]
    flat = [row for option in options for row in _options(document, option, side)]
    kinds = {kind for row in flat for kind in _kinds(row)}
    texts = [row for row in flat if "string" in _kinds(row)]
    figures = [row for row in flat if {"integer", "number"} & _kinds(row)]
    words = frozenset(word for row in texts for word in row.get("enum", [row["const"]] if "const" in row else []) if isinstance(word, str))
    lows = [_low(row) for row in figures]
    return Leaf(
        frozenset(row.get("format", "") for row in texts) if texts and all(row.get("format") in SHOWN for row in texts) else frozenset(),
        words if texts and all("enum" in row or "const" in row for row in texts) else frozenset(),
        min((low for low in lows if low is not None), default=None) if all(low is not None for low in lows) else None,
        "null" in kinds,
        bool(kinds),
    )


def _low(row: Mapping[str, Any]) -> float | None:
    found = [float(row[name]) for name in ("minimum", "exclusiveMinimum") if isinstance(row.get(name), (int, float))]
    return max(found, default=None)


def _kinds(row: Mapping[str, Any]) -> set[str]:
    kind = row.get("type")
    if isinstance(kind, str):
        return {kind}
    if isinstance(kind, list):
        return set(kind)
    texts = [value for value in row.get("enum", []) if isinstance(value, str)]
    return {"string"} if texts or isinstance(row.get("const"), str) else set()


def _options(document: Any, schema: Any, side: str, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    schema = document.deref(schema, side)
    if not isinstance(schema, dict) or depth > 12:
        return
    branches = [*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", [])]
    for branch in branches:
        yield from _options(document, branch, side, depth + 1)
    if not branches or "type" in schema:
        yield schema


def _below(document: Any, schema: Any, name: str, side: str) -> Iterator[Any]:
    for row in _options(document, schema, side):
        if name == "*" and "items" in row:
            yield row["items"]
        elif name in (row.get("properties") or {}):
            yield row["properties"][name]


# ---------------------------------------------------------------- the comparison
class Counted:
    """Hits of one fact, raw and told."""

    def __init__(self) -> None:
        self.raw: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.missed: list[str] = []
        self.wrong: list[str] = []

    def plain(self) -> dict[str, Any]:
        """Shares with their counts."""
        return {
            name: {
                "recall": _share(found["both"], found["stated"]),
                "precision": _share(found["right"], found["ours"]),
                **{key: found[key] for key in ("stated", "both", "ours", "right")},
            }
            for name, found in (("raw", self.raw), ("told", self.told))
        } | {"missed": self.missed, "wrong": self.wrong}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def compare(truth: Path, compiled: Path) -> dict[str, Any]:
    """The figures of one application, by fact."""
    score = scorer(truth)
    document, stated = score.read_surface(truth / "openapi.truth.json", None)
    surface, ours = score.read_surface(compiled / "artifact" / "openapi.json", None)
    rows = score.load(truth / "truth.json")["endpoints"]
    entries = {side: score.load(truth / f"recording_{side}.har.gz")["log"]["entries"] for side in "ab"}
    seen = {side: recorded(score, entries[side], rows, side) for side in "ab"}
    by_key = {operation.key: operation for operation in stated}
    first = {f"{row['method']} {row['path']}": row["exchanges_a"] for row in rows}
    found = {fact: Counted() for fact in FACTS}
    for place, values in sorted(seen["a"].found.items()):
        key, side, media, pointer = place
        theirs = by_key.get(key)
        mine = _routed(ours, entries["a"][first[key][0]])
        if theirs is None or mine is None:
            continue
        view = "response" if side.startswith("answer") else "request"
        doc = leaf(score, document, *_schema(score, theirs, side, media, pointer), view)
        our = leaf(score, surface, *_schema(score, mine, side, media, pointer), view)
        if doc.known and our.known:
            _judge(found, place, (doc, our), values, seen["b"].found.get(place, []))
    return {fact: counted.plain() for fact, counted in found.items()}


def _routed(operations: list[Any], entry: Any) -> Any:
    path = unquote(urlsplit(entry["request"]["url"]).path)
    fits = [row for row in operations if row.method == entry["request"]["method"] and row.rx.match(path)]
    return min(fits, key=lambda row: (row.rank, row.key)) if fits else None


def _schema(score: Any, operation: Any, side: str, media: str, pointer: str) -> tuple[Any, str]:
    if side == "query":
        known = {row["name"]: row["schema"] for row in operation.params if row["in"] == "query"}
        schema = known.get(pointer[1:], known.get(f"{pointer[1:]}[]"))
        return (schema.get("items", schema) if isinstance(schema, dict) else schema), ""
    if side == "request":
        return score.media(operation.body, media)[1], pointer
    return score.media(score.resp_schema(operation, int(side.split()[1]))[1] or {}, media)[1], pointer


def _judge(
    found: dict[str, Counted], place: Place, leaves: tuple[Leaf, Leaf], values: list[tuple[int, Any]], later: list[tuple[int, Any]]
) -> None:
    doc, our = leaves
    wire = place[1] == "query"
    texts = [value for _, value in values if isinstance(value, str)]
    unseen = [value for _, value in later if isinstance(value, str)]
    where = " ".join(filter(None, place))
    # ---- format
    enough = len(texts) >= 3 and "" not in texts
    lying = bool(doc.formats) and not all(any(_holds(name, text) for name in doc.formats) for text in texts)
    borne = (
        not doc.formats and bool(our.formats) and bool(unseen) and all(any(_holds(name, text) for name in our.formats) for text in unseen)
    )
    _count(found["format"], where, bool(doc.formats), bool(our.formats), doc.formats == our.formats, enough and not lying and not borne)
    # ---- enum
    by_text: dict[str, set[int]] = defaultdict(set)
    for serial, value in values:
        if isinstance(value, str):
            by_text[value].add(serial)
    enough = 2 <= len(by_text) <= 20 and all(len(serials) >= 3 for serials in by_text.values())
    lying = bool(doc.words) and not by_text.keys() <= doc.words
    borne = not doc.words and bool(our.words) and len(unseen) >= 3 and set(unseen) <= our.words
    _count(
        found["enum"],
        where,
        len(doc.words) > 1,
        bool(our.words),
        bool(doc.words) and our.words <= doc.words,
        enough and not lying and not borne,
    )
    # ---- bound
    figures = [value for _, value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    later_figures = [value for _, value in later if isinstance(value, (int, float)) and not isinstance(value, bool)]
    enough = len(set(figures)) >= 5 and place[1].startswith("answer") and (doc.low is None or doc.low == 0)
    lying = doc.low is not None and any(value < doc.low for value in figures)
    borne = doc.low is None and our.low is not None and bool(later_figures) and all(value >= our.low for value in later_figures)
    right = our.low is not None and doc.low is not None and our.low <= doc.low
    _count(found["bound"], where, doc.low is not None, our.low is not None, right, enough and not lying and not borne)
    # ---- null
    nulls = sum(value is None for _, value in values)
    lying = bool(nulls) and not doc.null
    if not wire:
        _count(found["null"], where, doc.null, our.null, doc.null and our.null, 0 < nulls < len(values) and not lying)


def _count(into: Counted, where: str, stated: bool, ours: bool, right: bool, told: bool) -> None:
    for counts in (into.raw, into.told) if told else (into.raw,):
        counts["stated"] += stated
        counts["ours"] += ours
        counts["both"] += stated and ours and right
        counts["right"] += ours and right
    if told and stated and not (ours and right):
        into.missed.append(where)
    if told and ours and not right:
        into.wrong.append(where)


def _holds(name: str, text: str) -> bool:
    return jsonschema_rs.Draft202012Validator({"type": "string", "format": name}, validate_formats=True).is_valid(text)


def main(arguments: list[str]) -> None:
    """Print the figures of one application as JSON."""
    json.dump(compare(Path(arguments[0]), Path(arguments[1])), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
