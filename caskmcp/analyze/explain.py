"""The evidence behind a tool and behind each of its fields, as reports: counts, kinds of source, parts, and the rules that said so.

Everything is read from records that the compiler wrote; nothing is judged anew. Parts are listed in order of their ids: a part holds no
time, so which of two was recorded first is not known, and not claimed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from caskmcp.analyze.fields import Field, fields, of_name
from caskmcp.analyze.observed import observed
from caskmcp.compiler.classify.rules import RULES as RISKS
from caskmcp.compiler.infer.doubts import BY_ID as DOUBTS
from caskmcp.compiler.infer.reconcile import RULES as SIDES
from caskmcp.compiler.infer.rules import BY_ID
from caskmcp.errors import CaskError
from caskmcp.model.artifact import OperationCoverage
from caskmcp.model.contract import Contract
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.model.tool import Tool

Row = dict[str, Any]
_NEAR: Final = 3


@dataclass(frozen=True)
class Known:
    """What the artifacts hold of one tool."""

    tool: Tool
    contract: Contract
    coverage: OperationCoverage
    rows: Sequence[tuple[str, Mapping[str, Any]]]
    """(part id, row) of the operation; empty where the observations are not at hand or give another operation."""
    standing: Mapping[str, Any]
    """What the lock says of it: `status`, `approved_by`."""


def of_tool(known: Known) -> Report:
    """The evidence behind a tool."""
    tool, contract = known.tool, known.contract
    return Report(
        report="explain",
        summary={
            "tool": tool.name,
            "operation": contract.id,
            "risk": tool.risk,
            "effect": tool.effect,
            "scope": tool.scope,
            "confidence": contract.confidence,
            "seen": contract.evidence.seen,
            "total": contract.evidence.total,
            "sources": list(contract.evidence.sources),
            **known.standing,
        },
        findings=tuple(_doubts(known)),
        tables={
            "reasons": tuple(_reasons(tool)),
            "statuses": tuple({"status": status, "exchanges": count} for status, count in sorted(contract.statuses.items())),
            "captures": tuple({"part": part, "exchanges": count} for part, count in sorted(known.coverage.parts.items())),
            "fields": tuple(_line(row) for row in fields(contract)),
            "flows": tuple(row.plain() for row in contract.flows),
            "disagreements": tuple(_disagreements(contract)),
            "notes": tuple({"note": note} for note in (*known.coverage.notes, *known.coverage.manual)),
        },
    )


def _reasons(tool: Tool) -> Iterator[Row]:
    said = {row.id: row.message for row in RISKS}
    for row in tool.reasons:
        yield {"rule": row.rule, "evidence": row.evidence, "why": said.get(row.rule, "")}


def _disagreements(contract: Contract) -> Iterator[Row]:
    why = {row.id: row.why for row in SIDES}
    for row in contract.disagreements:
        yield {**row.plain(), "why": why.get(row.rule, "")}


def _line(row: Field) -> Row:
    """A field in the table of a tool."""
    return {
        "field": row.name or "(whole)",
        "place": str(row.place),
        "argument": row.argument,
        "seen": row.evidence.seen,
        "total": row.evidence.total,
        "sources": list(row.evidence.sources),
        "type": words(row.schema),
        "need": row.presence,
        "rules": list(row.reasons),
    }


def _doubts(known: Known) -> Iterator[Finding]:
    """What is said with little evidence: said, not hidden."""
    contract, subject = known.contract, f"tool:{known.tool.name}"
    if contract.confidence == "low":
        seen = contract.evidence.seen
        message = f"little evidence: {seen} successful exchange{'' if seen == 1 else 's'}, and no document"
        yield Finding(code="low-evidence", severity=Severity.INFO, subject=subject, message=message, mend="cask capture import FILE")
    for row in contract.doubts:
        rule = DOUBTS[row.rule]
        yield Finding(
            code=row.rule, severity=Severity.INFO, subject=subject, message=f"{rule.why} ({row.seen})", place=row.place, mend=rule.mend
        )
    for side in contract.unobserved:
        yield Finding(code="body-unobserved", severity=Severity.INFO, subject=subject, message=f"the {side} body was never in a recording")


# ---------------------------------------------------------------- one field
def of_field(known: Known, name: str) -> Report:
    """The evidence behind the fields that a name means. Raises CASK-I010 with the nearest names if there is none."""
    every = fields(known.contract)
    found = of_name(every, name)
    if not found:
        what = f"`{known.tool.name}` has no field `{name}`{near(name, (row.name for row in every))}"
        raise CaskError("CASK-I010", what, mend=f"cask explain {known.tool.name}")
    seen = [(row, observed(known.rows, row.place)) for row in found]
    captures = [{"place": str(row.place), "part": part, "seen": count} for row, what in seen for part, count in what.parts.items()]
    return Report(
        report="explain",
        summary={"tool": known.tool.name, "operation": known.contract.id, "field": name, "places": len(found)},
        findings=tuple(_doubts(known)),
        tables={
            "fields": tuple({**_line(row), "values": _counted(what.kinds), "formats": _counted(what.formats)} for row, what in seen),
            "rules": tuple(_rules(found)),
            "captures": tuple(captures) or tuple({"part": part, "exchanges": of} for part, of in sorted(known.coverage.parts.items())),
            "first_and_last": tuple(_ends(row, list(what.parts)) for row, what in seen if what.parts),
        },
    )


def _rules(found: Iterable[Field]) -> Iterator[Row]:
    for name in dict.fromkeys(rule for row in found for rule in (row.presence, *row.reasons)):
        yield {"rule": name, "decides": BY_ID[name].decides, "why": BY_ID[name].why}


def _ends(row: Field, parts: Sequence[str]) -> Row:
    return {"place": str(row.place), "first": parts[0], "last": parts[-1], "of": len(parts)}


def _counted(found: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in found.items())


def words(schema: Mapping[str, Any]) -> str:
    """A schema in a few words: `string (date-time) or null`."""
    branches = [branch for word in ("anyOf", "oneOf") for branch in schema.get(word, ()) if isinstance(branch, Mapping)]
    if branches:
        return " or ".join(dict.fromkeys(map(words, branches)))
    kind = schema.get("type", "any")
    said = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if kind == "array" and isinstance(schema.get("items"), Mapping):
        return f"array of {words(schema['items'])}"
    enum = schema.get("enum")
    more = [" | ".join(map(str, enum))] if isinstance(enum, list) else []
    more += [str(schema["format"])] if "format" in schema else []
    more += [f">= {schema['minimum']}"] if "minimum" in schema else []
    return f"{said} ({', '.join(more)})" if more else said


# ---------------------------------------------------------------- names
def chosen(tools: Iterable[Tool], name: str, left_out: Mapping[str, str]) -> Tool:
    """The tool of a name. Raises CASK-I010 with the nearest names. left_out: operation -> why it is no tool."""
    by_name = {tool.name: tool for tool in tools}
    if name in by_name:
        return by_name[name]
    if name in left_out:
        raise CaskError("CASK-I010", f"`{name}` is no tool: {left_out[name]}", mend="cask build")
    raise CaskError("CASK-I010", f"there is no tool `{name}`{near(name, by_name)}", mend="cask gate status")


def near(name: str, known: Iterable[str]) -> str:
    """`; near it: a, b`, or nothing."""
    found = get_close_matches(name, sorted(set(filter(None, known))), _NEAR, 0.5)
    return f"; near it: {', '.join(found)}" if found else ""
