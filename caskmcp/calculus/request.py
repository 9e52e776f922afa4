"""What a call can carry: rows of the query, headers, cookies and body fields, and the body around them.

A language here is the set of requests that can be sent. So a row less narrows only where each call could be made without it; another name on the
wire, style or default makes other requests of the same arguments. The order of rows is no part of it: servers take parameters by name.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp.calculus.inputs import declared
from caskmcp.calculus.plain import deepest
from caskmcp.calculus.sides import Served, Sides, is_spare
from caskmcp.calculus.verdict import Part, Verdict, same, told

Row = Mapping[str, Any]
UNSAID: Final = {"style": "form", "explode": True, "default": ""}
"""What a row means that was written before a field of it came."""
BLANK: Final[Mapping[str, Any]] = {"constants": {}, "within": [], "required": False, "argument": ""}


def rows(sides: Sides) -> Iterator[Part]:
    """Rows of argument -> wire name, told by argument."""
    old, new = list(sides.before or ()), list(sides.after or ())
    if any(_clashes(side) for side in (old, new)):  # which row wins is not known here
        yield Part(sides.place, Verdict.BROADENS, old, new)
        return
    before, after = ({row["argument"]: row for row in side} for side in (old, new))
    changed = [name for name in sorted({*before, *after}) if not same(_whole(before.get(name)), _whole(after.get(name)))]
    if not changed:
        yield Part(sides.place, Verdict.EQUAL, sides.before, sides.after)
    for name in changed:
        yield _row(sides, name, before.get(name), after.get(name))


def _whole(row: Row | None) -> Row | None:
    return row and {**UNSAID, **row}


def _clashes(side: list[Row]) -> bool:
    return any(count > 1 for key in ("argument", "wire") for count in Counter(str(row.get(key)).lower() for row in side).values())


def _row(sides: Sides, name: str, old: Row | None, new: Row | None) -> Part:
    place = f"{sides.place}.{name}"
    if old is None and new is not None:
        spare = is_spare(sides.new, name) and not new.get("default")
        return Part(place, Verdict.BROADENS if spare else Verdict.INCOMPARABLE, None, new, told(new["wire"]))
    if new is None and old is not None:
        spare = is_spare(sides.old, name) and not old.get("default") and not _is_freed(sides, old["wire"])
        return Part(place, Verdict.NARROWS if spare else Verdict.INCOMPARABLE, old, None)
    before, after = {**UNSAID, **(old or {})}, {**UNSAID, **(new or {})}
    part = deepest(place, before, after)
    return part if part.place != place else Part(place, part.verdict, old, new)


def _is_freed(sides: Sides, wire: str) -> bool:
    """Whether a field of an object among the other parameters could now take a name that it could not while the row was there."""
    schema = sides.new.get("input_schema") or {}
    others = (sides.new.get("request") or {}).get("query") or ()
    fields = ((row, key) for row in others for key in declared(schema, row["argument"]).get("properties") or {})
    return any(wire in (key, f"{row['wire']}[{key}]") for row, key in fields)


# ---------------------------------------------------------------- body
def body(sides: Sides) -> Iterator[Part]:
    """The body plan: another frame is another body, fields are rows, and having a body at all is more than having none."""
    old, new = sides.before, sides.after
    if old is None or new is None:
        yield _with_or_without(sides, old, new)
        return
    for key in sorted({*old, *new} - {"fields"}):  # each of them holds for every request with the plan
        before, after = old.get(key, BLANK.get(key)), new.get(key, BLANK.get(key))
        if not same(before, after):
            yield deepest(f"{sides.place}.{key}", before, after)
    inner = sides.at(f"{sides.place}.fields")
    if not same(inner.before, inner.after):
        yield from rows(inner)


def _with_or_without(sides: Sides, old: Any, new: Any) -> Part:
    plan, side = (new, sides.new) if old is None else (old, sides.old)
    widens, spare = old is None, _can_be_left(plan, side)
    verdict = Verdict.INCOMPARABLE if not spare else Verdict.BROADENS if widens else Verdict.NARROWS
    return Part(sides.place, verdict, old, new, told(_wires(plan)) if widens else "")


def _can_be_left(plan: Served, side: Served) -> bool:
    """Whether calls without any body can be made under a plan with one."""
    always = plan.get("required") or plan.get("constants") or plan.get("within") or plan.get("kind") == "query"
    return not always and all(is_spare(side, name) for name in _arguments(plan))


def _arguments(plan: Served) -> list[str]:
    return [*([plan["argument"]] if plan.get("argument") else []), *(row["argument"] for row in plan.get("fields") or ())]


def _wires(plan: Served) -> list[str]:
    return sorted([*([plan["argument"]] if plan.get("argument") else []), *(row["wire"] for row in plan.get("fields") or ())])
