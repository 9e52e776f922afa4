"""Rules on the policy: each of its rows decides something."""

from collections.abc import Iterator
from typing import Final

from caskmcp.analyze.lint.surface import Found, Surface
from caskmcp.model.policy import CALLER, TOOLSET, TOTAL

FILE: Final = "policy.yaml"


def unreachable(surface: Surface) -> Iterator[Found]:
    """Each rule is the first of its kind that matches for some tool. A match is total, so what stands behind it is never asked."""
    deciding = {rule.id for tool in surface.tools for rule in surface.policy.rules_for(tool)}
    for rule in surface.policy.rules:
        if rule.id in deciding:
            continue
        fits = any(rule.match.fits(tool) for tool in surface.tools)
        why = "an earlier rule decides every call that it matches" if fits else "it matches no tool"
        yield Found("policy", f"the rule `{rule.id}` is never reached: {why}", rule.id, FILE)


def unused_budgets(surface: Surface) -> Iterator[Found]:
    """Each budget counts calls that may happen."""
    allowed = {tool.name for tool in surface.tools if (rule := surface.policy.verdict_for(tool)) and rule.effect != "deny"}
    budgets = {name for name in surface.policy.budgets if name != TOTAL and not name.startswith((TOOLSET, CALLER))}
    for name in sorted(budgets - allowed):
        yield Found("policy", f"the budget of `{name}` counts nothing: no rule allows such a call", name, FILE)
