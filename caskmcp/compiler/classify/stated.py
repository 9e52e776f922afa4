"""What a person states in the manifest, in place of what the rules and the suggestions say: a tool's risk, and the scope that it belongs to.

The rules' own words stay beside the statement, so that a reviewer sees both. That a statement is shown, named and signed is for others to see to.
"""

from collections.abc import Mapping
from typing import Final

from caskmcp import canon
from caskmcp.compiler.classify.certainty import certainty
from caskmcp.compiler.classify.facts import Facts
from caskmcp.compiler.classify.scopes import scope_of
from caskmcp.compiler.classify.stage import annotations
from caskmcp.model.contract import Contract
from caskmcp.model.project import Stated
from caskmcp.model.scope import BOUNDARY, Boundary
from caskmcp.model.surface import Classified
from caskmcp.model.tool import LOWERED, RAISED, TIERS, Reason


def restated(row: Classified, stated: Stated, contract: Contract) -> Classified:
    """The operation with the tier and effect that a person states; hints and suggested scope follow, and the statement is the first reason."""
    effect = stated.effect or row.effect
    facts = Facts(contract)
    sure = certainty(facts, ((LOWERED, stated.tier),))
    return row.model_copy(
        update={
            "effect": effect,
            "risk": stated.tier,
            "annotations": annotations(effect, stated.tier, repeatable=facts.repeatable),
            "scope": scope_of(facts, effect),
            "confidence": sure.level,
            "certainty": sure.percent,
            "doubt": sure.why,
            "reasons": (_reason(row, stated), *row.reasons),
        }
    )


def _reason(row: Classified, stated: Stated) -> Reason:
    told = f"cask.yaml says {stated.tier}, {stated.effect or row.effect}; the rules say {row.risk}, {row.effect}: {stated.reason}"
    return Reason(rule=LOWERED if _lowers(row, stated) else RAISED, evidence=told)


def _lowers(row: Classified, stated: Stated) -> bool:
    effect = stated.effect or row.effect
    return TIERS.index(stated.tier) < TIERS.index(row.risk) or _EFFECTS.index(effect) < _EFFECTS.index(row.effect)


_EFFECTS: Final = ("read", "write", "destructive")


def digest(name: str, boundary: Boundary) -> canon.Digest:
    """Digest of a scope as it is drawn. Its tools stay out: each says by name where it belongs, so that a new one leaves the others approved."""
    return canon.digest({"schema": BOUNDARY, "name": name, "description": boundary.description})


def homes(scopes: Mapping[str, Boundary]) -> dict[str, str]:
    """Tool name -> the scope of the user that holds it; of one that two hold, the last by name (`twice` names those)."""
    return {tool: name for name in sorted(scopes) for tool in scopes[name].tools}


def twice(scopes: Mapping[str, Boundary]) -> tuple[str, ...]:
    """Names of tools that more than one scope holds, sorted."""
    every = [tool for row in scopes.values() for tool in dict.fromkeys(row.tools)]
    return tuple(sorted({tool for tool in every if every.count(tool) > 1}))
