"""The rule on evidence: what could do harm and was hardly seen is approved by a person, by name, or stays a finding."""

from collections.abc import Iterator

from caskmcp.analyze.lint.surface import Found, Surface, subject


def low(surface: Surface) -> Iterator[Found]:
    """Low confidence and high risk together."""
    for tool in surface.tools:
        if tool.confidence == "low" and tool.risk in ("high", "critical") and tool.name not in surface.approved:
            yield Found(subject(tool), f"its risk is {tool.risk}, its evidence is low, and nobody approved it", "risk")
