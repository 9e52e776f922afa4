"""Inclusion of path grammars, segment by segment and piece by piece.

The grammar is the one that `model/tool.py` states for `PathPiece`; `runtime/plan.py` sends its members. An encoded value holds no slash, so paths
of different length have no member in common.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, unquote

from caskmcp.calculus import schema
from caskmcp.calculus.inputs import declared
from caskmcp.calculus.plain import deepest
from caskmcp.calculus.sides import Served, Sides, is_spare
from caskmcp.calculus.verdict import Part, Verdict, contained, same, told

Piece = Mapping[str, Any]
Pieces = Sequence[Piece]
UNBOUND: Final = 4096
"""Characters of an argument whose plan sets no bound: the runtime's own."""
WIDER: Final = {"integer": ("integer", "token", "text"), "token": ("token",), "text": ("text",)}
"""Charset -> those that hold all of its texts. A token can be `..`, which a text never is: see `_charset`."""
_FORMS: Final = {"integer": re.compile(r"-?[0-9]+", re.ASCII), "token": re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)}
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
TRIED: Final = ("a", "1", " ", "..", "a b")
LONGEST: Final = 200
"""Characters of a text that is made to pass a bound; a longer witness is none that anybody reads."""


def judge(sides: Sides) -> Iterator[Part]:
    """The segments of a path."""
    old, new = list(sides.before or ()), list(sides.after or ())
    if len(old) != len(new):
        yield Part(sides.place, Verdict.INCOMPARABLE, old, new, _path(sides.new, {}))
        return
    for number, (before, after) in enumerate(zip(old, new, strict=True)):
        if not same({**before, "pieces": ()}, {**after, "pieces": ()}):
            yield Part(f"{sides.place}.{number}", Verdict.BROADENS, before, after)
        if not same(before["pieces"], after["pieces"]):
            yield from _segment(sides, number, before["pieces"], after["pieces"])


def _segment(sides: Sides, number: int, old: Pieces, new: Pieces) -> Iterator[Part]:
    place = f"{sides.place}.{number}"
    if _shape(old) == _shape(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            if not same(before, after):
                yield from _piece(sides, number, index, before, after)
        return
    verdict = _reshaped(sides, old, new)
    yield Part(place, verdict, {"pieces": old}, {"pieces": new}, _witness(sides, number, old, new) if verdict.widens else "")


def _shape(pieces: Pieces) -> list[str]:
    """Literals, and where arguments stand between them."""
    return [f"={piece['text']}" if not piece.get("argument") else "" for piece in pieces]


def _reshaped(sides: Sides, old: Pieces, new: Pieces) -> Verdict:
    """A literal against an argument that can say it; anything else of another shape is another segment."""
    word, opened = _literal(old), _alone(new)
    if word is not None and opened is not None and _takes(opened, word):
        return Verdict.BROADENS
    word, closed = _literal(new), _alone(old)
    return Verdict.NARROWS if word is not None and closed is not None and _says(sides.old, closed, word) else Verdict.INCOMPARABLE


def _literal(pieces: Pieces) -> str | None:
    return None if any(piece.get("argument") for piece in pieces) else unquote("".join(piece["text"] for piece in pieces))


def _alone(pieces: Pieces) -> Piece | None:
    return pieces[0] if len(pieces) == 1 and pieces[0].get("argument") else None


def _says(side: Served, piece: Piece, word: str) -> bool:
    """Whether some call of the old tool says the literal, whatever its other arguments are."""
    arguments, name = side.get("input_schema") or {}, piece["argument"]
    lone = {**arguments, "required": [row for row in arguments.get("required", ()) if row != name]}
    free = is_spare({**side, "input_schema": lone}, name)
    return free and _takes(piece, word) and _value(arguments, name, word) is not None


# ---------------------------------------------------------------- pieces
def _piece(sides: Sides, number: int, index: int, old: Piece, new: Piece) -> Iterator[Part]:
    place = f"{sides.place}.{number}.pieces.{index}"
    if old.get("argument") != new.get("argument"):
        yield Part(f"{place}.argument", Verdict.INCOMPARABLE, old.get("argument"), new.get("argument"))
        return
    known = {"text", "argument", "charset", "max_length"}
    if any(not same(old.get(key), new.get(key)) for key in {*old, *new} - known):
        yield deepest(place, old, new)._replace(verdict=Verdict.BROADENS)
    pieces = [sides.before[number]["pieces"], sides.after[number]["pieces"]]
    verdicts = {
        "charset": _charset(old, new, alone=len(pieces[0]) == 1),
        "max_length": contained(_most(new) <= _most(old), _most(old) <= _most(new)),
    }
    for key, verdict in verdicts.items():
        if not same(old.get(key), new.get(key)):
            witness = _witness(sides, number, *pieces) if verdict.widens else ""
            yield Part(f"{place}.{key}", verdict, old.get(key), new.get(key), witness)


def _charset(old: Piece, new: Piece, *, alone: bool) -> Verdict:
    before, after = _kind(old), _kind(new)
    if not {before, after} <= {*WIDER}:
        return Verdict.BROADENS
    if alone and {before, after} == {"token", "text"}:  # the segment as a whole refuses `..` then
        return contained(after == "token", before == "token")
    return contained(before in WIDER[after], after in WIDER[before])


def _kind(piece: Piece) -> str:
    return str(piece.get("charset") or "token")


def _most(piece: Piece) -> int:
    return int(piece.get("max_length") or UNBOUND)


def _takes(piece: Piece, text: str) -> bool:
    form = _FORMS.get(_kind(piece))
    held = form.fullmatch(text) is not None if form else _kind(piece) == "text" and not _climbs(text)
    return held and 0 < len(text) <= _most(piece) and not _CONTROL.search(text)


def _climbs(text: str) -> bool:
    """As the runtime: whether any reader could take a part of it for `.` or `..`."""
    return any(part.split(";")[0].strip() in (".", "..") for part in re.split(r"[/\\]", text))


# ---------------------------------------------------------------- witnesses
def _witness(sides: Sides, number: int, old: Pieces, new: Pieces) -> str:
    """A path of the new grammar, one segment of which the old one does not have, with arguments that the new schema accepts."""
    schema_ = sides.new.get("input_schema") or {}
    bounds = [_most(piece) + step for piece in (*old, *new) for step in (0, 1) if piece.get("argument") and piece.get("max_length")]
    for text in (*TRIED, *("1" * size for size in sorted({*bounds}) if size <= LONGEST)):
        said = _said(new, text, schema_)
        if said is not None and not _holds(old, said):
            return _path(sides.new, {number: said})
    return ""


def _said(pieces: Pieces, text: str, arguments: Mapping[str, Any]) -> str | None:
    """The segment with the text in each of its arguments; None where the grammar or the schema refuses it."""
    for piece in pieces:
        name = piece.get("argument")
        if name and (not _takes(piece, text) or _value(arguments, name, text) is None):
            return None
    said = "".join(quote(text, safe="") if piece.get("argument") else piece["text"] for piece in pieces)
    return None if _climbs(unquote(said)) or not said else said


def _value(arguments: Mapping[str, Any], name: str, text: str) -> tuple[Any] | None:
    """The argument that is written as the text, in a tuple, if its schema accepts one."""
    found = {**declared(arguments, name), **({"$defs": arguments["$defs"]} if "$defs" in arguments else {})}
    values = [text, *([int(text)] if _FORMS["integer"].fullmatch(text) and str(int(text)) == text else [])]
    named = name in (arguments.get("properties") or {})
    return next(((value,) for value in values if named and schema.accepts(found, value)), None)


def _holds(pieces: Pieces, said: str) -> bool:
    """Whether a grammar may have the segment as a member."""
    forms = {"integer": "-?[0-9]+", "token": "[A-Za-z0-9._~-]+"}
    pattern = "".join(
        f"({forms.get(_kind(piece), '.+')})" if piece.get("argument") else re.escape(unquote(piece["text"])) for piece in pieces
    )
    match = re.fullmatch(pattern, unquote(said), re.DOTALL)
    filled = [piece for piece in pieces if piece.get("argument")]
    return match is not None and all(_takes(piece, text) for piece, text in zip(filled, match.groups(), strict=True))


def _path(side: Served, fixed: Mapping[int, str]) -> str:
    """One path of a record's grammar, as a witness; nothing where its schema takes none of the texts that are tried."""
    arguments = side.get("input_schema") or {}
    rows: list[str] = []
    for number, segment in enumerate((side.get("request") or {}).get("segments") or ()):
        made = fixed.get(number) or next(filter(None, (_said(segment["pieces"], text, arguments) for text in ("1", *TRIED))), None)
        if made is None:
            return ""
        rows.append(made)
    return told("/" + "/".join(rows))
