"""What the signed policy asks of a call beside its verdict: a record that is on disk before it is sent, and what of its answer is masked."""

from caskmcp.model.pack import AdmittedTool
from caskmcp.runtime.clean import Clean
from caskmcp.runtime.decide import asked
from caskmcp.runtime.mask import masking
from caskmcp.runtime.respond import Result, cleaned


def is_audited(served: AdmittedTool) -> bool:
    """Whether the record is on disk before the call is sent: of whatever changes something, and where a rule asks for it."""
    return served.tool.effect != "read" or asked(served, "audit") is not None


def cleaning(served: AdmittedTool, clean: Clean) -> Clean:
    """The cut that each answer passes, with what a rule masks."""
    rule = asked(served, "redact")
    return clean if rule is None else masking(rule, clean)


def masked(served: AdmittedTool, result: Result, clean: Clean) -> Result:
    """A composite's answer without what a rule on the composite masks; its calls have rules of their own."""
    return result if asked(served, "redact") is None else cleaned(result, cleaning(served, clean))


def told(served: AdmittedTool) -> dict[str, str]:
    """For the record: the rules that were heeded beside the one that decided."""
    rules = [asked(served, name) for name in ("audit", "redact")]
    return {rule.asks: rule.id for rule in rules if rule is not None}
