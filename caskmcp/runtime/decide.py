"""The pure decision on one call: the first rule of the signed policy that fits the tool decides; no rule that fits means deny."""

from caskmcp.model.decision import Decision
from caskmcp.model.pack import AdmittedTool

STEP = "policy"


def decide(served: AdmittedTool) -> Decision:
    """Say allow, deny or confirm, and the rule that said so. Reads the rules that were signed with the tool, never the policy file's."""
    for rule in served.rules:
        if rule.match.fits(served.tool):
            code = "CASK-R004" if rule.effect == "deny" else ""
            message = f"the rule `{rule.id}` denies the call{': ' + rule.reason if rule.reason else ''}" if code else rule.reason
            return Decision(verdict=rule.effect, step=STEP, rule=rule.id, code=code, message=message)
    return Decision(verdict="deny", step=STEP, rule="default-deny", code="CASK-R004", message="no rule of the policy allows the call")
