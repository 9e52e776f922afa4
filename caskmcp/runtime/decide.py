"""The pure decision on one call: the first rule of the signed policy that fits the tool decides; no rule that fits means deny."""

from collections.abc import Mapping
from typing import Final, Literal

from caskmcp.model.decision import Decision
from caskmcp.model.pack import AdmittedTool
from caskmcp.model.policy import VERDICT, Rule, first

STEP = "policy"


def decide(served: AdmittedTool) -> Decision:
    """Say allow, deny or confirm, and the rule that said so. Reads the rules that were signed with the tool, never the policy file's."""
    rule = asked(served, VERDICT)
    if rule is None or rule.effect not in _VERDICTS:
        return Decision(verdict="deny", step=STEP, rule="default-deny", code="CASK-R004", message="no rule of the policy allows the call")
    code = "CASK-R004" if rule.effect == "deny" else ""
    message = f"the rule `{rule.id}` denies the call{': ' + rule.reason if rule.reason else ''}" if code else rule.reason
    return Decision(verdict=_VERDICTS[rule.effect], step=STEP, rule=rule.id, code=code, message=message)


def asked(served: AdmittedTool, asks: str) -> Rule | None:
    """The first rule signed with the tool that fits it and answers a question: `verdict`, `audit` or `redact`; None: no rule does."""
    return first(served.fitting, asks)


_VERDICTS: Final[Mapping[str, Literal["allow", "deny", "confirm"]]] = {"allow": "allow", "deny": "deny", "confirm": "confirm"}
