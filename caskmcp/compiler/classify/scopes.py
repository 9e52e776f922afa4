"""Suggested scopes: what an operation is about and whether it changes it (`orders:read`). Suggestions only; a person reviews them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final

from caskmcp.compiler.classify.certainty import UNSURE
from caskmcp.compiler.classify.facts import VERBS, Facts
from caskmcp.compiler.classify.words import is_plural, is_version
from caskmcp.model.scope import Scope
from caskmcp.model.surface import Classified
from caskmcp.model.tool import Effect

PREFIXES: Final = frozenset({"api", "apis", "app", "rest", "public", "web", "services"})
"""Leading path words that name the interface, not a thing."""
_ACCESS: Final[dict[Effect, str]] = {"read": "read", "write": "write", "destructive": "write"}
_DOES: Final = {"read": "Read", "write": "Change"}
_CONFIDENCE: Final = ("low", "medium", "high")
_LONGEST: Final = 40


def things(literals: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """The literals of a path without the leading words that name the interface and its version."""
    rows = list(literals)
    while len(rows) > 1 and len(rows[0]) == 1 and (rows[0][0] in PREFIXES or is_version(rows[0][0])):
        rows.pop(0)
    return tuple(rows)


def scope_of(facts: Facts, effect: Effect) -> str:
    """The scope of an operation: its first noun, and `read` or `write`."""
    asked = tuple(row[1:] if len(row) > 1 and row[0] in VERBS else row for row in facts.asked)
    # A single verb that a field holds (`action: list`) is about what the path names.
    told = any(row[0] not in VERBS for row in asked)
    rows = asked if told else things(facts.literals)
    nouns = [row for row in rows if row[0] not in VERBS or is_plural(row[-1])]
    name = "_".join((nouns or rows or ((facts.contract.host.split(".")[0] or "root",),))[0])
    return f"{name[:_LONGEST]}:{_ACCESS[effect]}"


def suggested(operations: Iterable[Classified], names: Mapping[str, str] = {}) -> dict[str, Scope]:
    """Each scope with its operations; as sure as the least sure of them. names: what operations are called, by id; else by their ids."""
    rows = sorted(operations, key=lambda row: (row.scope, row.id))
    return {name: _scope(name, tuple(members), names) for name, members in groupby(rows, key=lambda row: row.scope)}


def _scope(name: str, members: tuple[Classified, ...], names: Mapping[str, str]) -> Scope:
    thing, access = name.split(":")
    least = min(members, key=lambda row: (row.certainty, row.id))
    return Scope(
        tools=tuple(sorted(names.get(row.id, row.id) for row in members)),
        description=f"{_DOES[access]} {thing.replace('_', ' ')}",
        confidence=min((row.confidence for row in members), key=_CONFIDENCE.index),
        certainty=least.certainty,
        why=f"{names.get(least.id, least.id)}: {least.doubt}" if least.certainty < UNSURE else "",
        review_required=any(row.confidence == "low" and row.risk in ("high", "critical") for row in members),
    )
