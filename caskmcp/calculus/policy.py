"""What a policy decides, and how two of them stand: deny is narrower than confirm, confirm than allow; no rule that fits means deny.

Beside the verdict stand duties: that the record is on disk before the call (`audit`), and what of an answer is masked (`redact`). More of either is narrower.

A match is total (it asks for facts of the tool, never for arguments), so the first rule that fits decides and the rest cannot be reached. A part of a
match that is not known here may hold or not: then the rules after it count too.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations, islice, product
from typing import Any, Final

from caskmcp.calculus.sides import Served, Sides
from caskmcp.calculus.verdict import Part, Verdict, contained, same, together, told
from caskmcp.model.tool import TIERS

Rule = Mapping[str, Any]
Facts = Mapping[str, Any]
STRICTNESS: Final = {"allow": 0, "confirm": 1, "deny": 2}
FACTS: Final = {"tools": "name", "risk": "risk", "effect": "effect", "methods": "method", "hosts": "host", "traits": "traits"}
"""Part of a match -> the fact of a tool that it asks for."""
KNOWN: Final = ("id", "effect", "match", "reason", "mask", "fields")
DUTIES: Final = ("audit", "redact")
"""Effects that say nothing about whether a call may be made."""
EFFECTS: Final = ("read", "write", "destructive")
OTHER: Final = "(another)"
"""A method or host that no rule names."""
MOST: Final = 20_000
"""Kinds of tools that two policies are asked about; of more nothing is known."""


def decided(sides: Sides) -> Iterator[Part]:
    """The rules that a tool's calls can reach, of two served records."""
    old = _effects(sides.before or (), _facts(sides.old))
    new = _effects(sides.after or (), _facts(sides.new))
    verdict = contained(_strictest(old) <= _loosest(new), _strictest(new) <= _loosest(old))
    if verdict.widens and old == new and len(old) > 1:
        verdict = Verdict.BROADENS
    duties = _duties(sides.before or (), sides.after or (), _facts(sides.old), _facts(sides.new))
    witness = told(min(new, key=_strictness)) if verdict.widens else ""
    yield Part(sides.place, together((verdict, duties)), sides.before, sides.after, witness)


def _facts(record: Served) -> Facts:
    request = record.get("request") or {}
    return {**record, "method": request.get("method"), "host": request.get("host")}


def _effects(rules: Sequence[Rule], facts: Facts) -> frozenset[str]:
    """What may be decided: one effect, or several where a match is not known."""
    found: set[str] = set()
    for rule in rules:
        fits = rule["effect"] not in DUTIES and _fits(rule, facts)
        if fits is not False:
            found.add(rule["effect"])
        if fits:
            return frozenset(found)
    return frozenset(found | {"deny"})


def _duties(old: Sequence[Rule], new: Sequence[Rule], before: Facts, after: Facts) -> Verdict:
    """How the duties of a call stand on two sides: what one side surely does covers what the other may do."""
    rows = [(_duty(old, before, effect), _duty(new, after, effect)) for effect in DUTIES]
    pairs = [(one, other) for one, other in rows if one != other or len(one) > 1]
    return together(contained(_covers(one, other), _covers(other, one)) for one, other in pairs)


def _covers(outer: frozenset[frozenset[str]], inner: frozenset[frozenset[str]]) -> bool:
    """Whether the inner side surely does all that the outer one may do: then the outer one is the wider language."""
    return frozenset[str]().union(*outer) <= frozenset.intersection(*inner)


def _duty(rules: Sequence[Rule], facts: Facts, effect: str) -> frozenset[frozenset[str]]:
    """What may be done: one set of duties, or several where a match is not known."""
    found: set[frozenset[str]] = set()
    for rule in rules:
        fits = rule["effect"] == effect and _fits(rule, facts)
        if fits is not False:
            found.add(frozenset((effect, *(f"{key} {value}" for key in ("mask", "fields") for value in rule.get(key) or ()))))
        if fits:
            return frozenset(found)
    return frozenset(found | {frozenset[str]()})


def _fits(rule: Rule, facts: Facts) -> bool | None:
    """Whether a rule fits; None if that hangs on a part of it that is not known."""
    answers = [_holds(key, wanted, facts) for key, wanted in (rule.get("match") or {}).items() if wanted]
    answers += [None for key, value in rule.items() if key not in KNOWN and value]
    return False if False in answers else None if None in answers else True


def _holds(key: str, wanted: Any, facts: Facts) -> bool | None:
    if key not in FACTS:
        return None
    fact = facts.get(FACTS[key])
    return bool({*wanted} & {*(fact or ())}) if key == "traits" else fact in wanted


def _strictness(effect: str) -> int:
    return STRICTNESS.get(effect, 0)


def _strictest(effects: frozenset[str]) -> int:
    return max(map(_strictness, effects))


def _loosest(effects: frozenset[str]) -> int:
    return min(map(_strictness, effects))


# ---------------------------------------------------------------- rules for all tools
def rules(sides: Sides) -> Iterator[Part]:
    """The rules that name no tool: what each kind of tool that they tell apart would get from either side."""
    old, new = list(sides.before or ()), list(sides.after or ())
    kinds = list(islice(_kinds([*old, *new]), MOST + 1))
    if len(kinds) > MOST:
        yield Part(sides.place, Verdict.BROADENS, old, new)
        return
    looser, stricter, witness = False, False, ""
    for facts in kinds:
        before, after = _effects(old, facts), _effects(new, facts)
        if _strictest(before) > _loosest(after) and not (before == after and len(before) == 1):
            looser, witness = True, witness or told({"effect": min(after, key=_strictness), **_named(facts)})
        stricter = stricter or _strictest(after) > _loosest(before)
        duties = _duties(old, new, facts, facts)
        looser, stricter = looser or duties.widens, stricter or duties in (Verdict.NARROWS, Verdict.INCOMPARABLE)
    yield Part(sides.place, contained(not looser, not stricter), old, new, witness)


def _named(facts: Facts) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value not in (OTHER, [], None)}


def _kinds(rows: Sequence[Rule]) -> Iterator[Facts]:
    """Every combination of facts that the rules tell apart; a fact that no rule asks for is left out."""
    asked = {key: sorted({value for row in rows for value in (row.get("match") or {}).get(key) or ()}) for key in FACTS}
    choices: dict[str, list[Any]] = {
        "risk": list(TIERS) if asked["risk"] else [None],
        "effect": list(EFFECTS) if asked["effect"] else [None],
        "method": [*asked["methods"], OTHER] if asked["methods"] else [None],
        "host": [*asked["hosts"], OTHER] if asked["hosts"] else [None],
        "name": [*asked["tools"], OTHER] if asked["tools"] else [None],
        "traits": [list(some) for some in _subsets(asked["traits"])],
    }
    for values in product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def _subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(names, size) for size in range(len(names) + 1))


# ---------------------------------------------------------------- budgets
def budgets(sides: Sides) -> Iterator[Part]:
    """Budgets by tool: none is no bound, so one less broadens."""
    old, new = sides.before or {}, sides.after or {}
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if not same(before, after):
            verdict = contained(_within(after, before), _within(before, after))
            yield Part(f"{sides.place}.{name}", verdict, before, after, told(after) if verdict.widens and after is not None else "")


def _within(inner: Mapping[str, Any] | None, outer: Mapping[str, Any] | None) -> bool | None:
    """Whether calls that keep one budget keep the other: each bound of the other follows from one of its own. Not known where only several might."""
    if outer is None or inner is None:
        return outer is None
    ours, theirs = list(_bounds(inner)), list(_bounds(outer))
    if all(any(_follows(mine, bound) for mine in ours) for bound in theirs):
        return True
    return None if len(ours) > 1 or len(theirs) > 1 else False


def _bounds(budget: Mapping[str, Any]) -> Iterator[tuple[str, int, int]]:
    """(what is counted, how much of it, in how many seconds) of each window."""
    for row in (budget, *budget.get("also", ())):
        yield from ((measure, row[measure], row["per_seconds"]) for measure in sorted(row.keys() - {"also", "per_seconds"}))


def _follows(mine: tuple[str, int, int], bound: tuple[str, int, int]) -> bool:
    """Whether who keeps one bound keeps the other: in its window fit so many of ours, begun or whole."""
    (measure, most, seconds), (wanted, limit, within) = mine, bound
    windows = 1 if seconds >= within else within // seconds + 1
    return measure == wanted and most * windows <= limit
