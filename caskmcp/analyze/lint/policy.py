"""Rules on the policy: each of its rows decides something."""

from collections.abc import Iterator
from typing import Final

from caskmcp.analyze.lint.surface import Found, Surface

FILE: Final = "policy.yaml"


def unreachable(surface: Surface) -> Iterator[Found]:
    """Each rule is the first that matches for some tool. A match is total, so what stands behind it is never asked."""
    deciding = {rows[-1].id for tool in surface.tools if (rows := surface.policy.rules_for(tool))}
    for rule in surface.policy.rules:
        if rule.id in deciding:
            continue
        fits = any(rule.match.fits(tool) for tool in surface.tools)
        why = "an earlier rule decides every call that it matches" if fits else "it matches no tool"
        yield Found("policy", f"the rule `{rule.id}` is never reached: {why}", rule.id, FILE)


def unused_budgets(surface: Surface) -> Iterator[Found]:
    """Each budget counts calls that may happen."""
    allowed = {tool.name for tool in surface.tools if (rows := surface.policy.rules_for(tool)) and rows[-1].effect != "deny"}
    for name in sorted(surface.policy.budgets.keys() - {"*"} - allowed):
        yield Found("policy", f"the budget of `{name}` counts nothing: no rule allows such a call", name, FILE)
