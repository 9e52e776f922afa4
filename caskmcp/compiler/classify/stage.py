"""The stage `classify`: contracts in, the classified surface out. Promises a tier with its rule for every operation, and decides nothing else."""

from collections.abc import Iterable
from typing import Final

from caskmcp import canon
from caskmcp.compiler.classify.certainty import certainty
from caskmcp.compiler.classify.facts import Facts
from caskmcp.compiler.classify.rules import findings
from caskmcp.compiler.classify.scopes import scope_of, suggested
from caskmcp.compiler.infer.relate import completed, whole
from caskmcp.compiler.pipeline import Inputs, Outputs
from caskmcp.model.contract import Contract
from caskmcp.model.surface import Classified, Surface
from caskmcp.model.tool import TIERS, Annotations, Effect, Reason, Tier

EFFECTS: Final[tuple[Effect, ...]] = ("read", "write", "destructive")


def run(inputs: Inputs) -> Outputs:
    """The roles of the row `classify` -> `surface`."""
    contracts = whole(inputs, completed(inputs))
    return {"surface": canon.compact(surface(contracts).model_dump(mode="json", by_alias=True))}


def surface(contracts: Iterable[Contract]) -> Surface:
    """Every contract classified, sorted by id, with the suggested scopes."""
    rows = tuple(sorted(map(classify, contracts), key=lambda row: row.id))
    return Surface(operations=rows, scopes=suggested(rows))


def classify(contract: Contract) -> Classified:
    """Tier, effect, hints and scope of one contract, with the rules that said so."""
    facts = Facts(contract)
    found = findings(facts)
    effect: Effect = max((rule.effect for rule, _ in found), key=EFFECTS.index)
    risk: Tier = max((rule.tier for rule, _ in found), key=TIERS.index)
    ordered = sorted(found, key=lambda row: -TIERS.index(row[0].tier))
    sure = certainty(facts, ((rule.id, rule.tier) for rule, _ in found))
    return Classified(
        id=contract.id,
        effect=effect,
        risk=risk,
        reasons=tuple(Reason(rule=rule.id, evidence=evidence) for rule, evidence in ordered),
        annotations=annotations(effect, risk, repeatable=facts.repeatable),
        scope=scope_of(facts, effect),
        traits=contract.traits,
        confidence=sure.level,
        certainty=sure.percent,
        doubt=sure.why,
    )


def annotations(effect: Effect, risk: Tier, *, repeatable: bool) -> Annotations:
    """The four hints, as MCP defines them. Open world always: what answers is a service that others change, too."""
    return Annotations(
        read_only=effect == "read",
        destructive=effect == "destructive" or (effect == "write" and risk in ("high", "critical")),
        idempotent=effect == "read" or repeatable,
        open_world=True,
    )
