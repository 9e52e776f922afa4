"""What of the policy and of the manifest's toolsets belongs to one tool: the parts of its served record that do not stand in the tool itself."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

from caskmcp.canon import Digest
from caskmcp.model.policy import Additions, Match, Policy, Rule
from caskmcp.model.project import ToolsetRule
from caskmcp.model.served import served_digest
from caskmcp.model.tool import TIERS, Tool
from caskmcp.model.toolset import Toolset, Toolsets

# fmt: off
EMITTED: Final = (
    Rule(id="allow-up-to-medium", effect="allow",   match=Match(risk=("safe", "low", "medium")), reason="Safe, low and medium risk: no one has to be asked."),
    Rule(id="confirm-high",       effect="confirm", match=Match(risk=("high",)),                 reason="High risk: a person confirms each call."),
)
# fmt: on
"""Critical tools have no rule: they are denied until the manifest's additions say otherwise."""


def whole(additions: Additions | None) -> Policy:
    """The manifest's additions first, then every emitted rule, whether a tool reaches it or not."""
    own = additions or Additions(version=1)
    return Policy(rules=(*own.rules, *EMITTED), budgets=dict(sorted(own.budgets.items())))


def holds(rule: ToolsetRule, tool: Tool) -> bool:
    """Whether a toolset that the manifest declares holds a tool."""
    included = not rule.include or any(fnmatchcase(tool.name, entry) for entry in rule.include)
    excluded = any(fnmatchcase(tool.name, entry) for entry in rule.exclude)
    fits = rule.max_risk is None or TIERS.index(tool.risk) <= TIERS.index(rule.max_risk)
    return included and not excluded and fits


def content(tool: Tool, additions: Additions | None, toolsets: Mapping[str, ToolsetRule]) -> Digest:
    """Digest of a tool's served record, before the files that it is made of are written: rules that no tool reaches are in no record."""
    rows = {name: Toolset(tools=(tool.name,), declared=True) for name, rule in toolsets.items() if holds(rule, tool)}
    return served_digest(tool, whole(additions), Toolsets(toolsets=rows))
