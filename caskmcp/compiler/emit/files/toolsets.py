"""`toolsets.yaml`: the emitted four, `default`, and what the manifest declares."""

from typing import Final

from caskmcp.compiler.emit.files.form import as_yaml
from caskmcp.compiler.emit.holding import holds
from caskmcp.compiler.emit.surface import Compiled
from caskmcp.errors import CaskError
from caskmcp.model.project import ToolsetRule
from caskmcp.model.tool import Tool
from caskmcp.model.toolset import EMITTED, Toolset, Toolsets, emitted

DEFAULT: Final = "default"


def emit(compiled: Compiled) -> bytes:
    """The file."""
    return as_yaml(toolsets(compiled))


def toolsets(compiled: Compiled) -> Toolsets:
    """All toolsets. Raises CASK-N003 for a declared one with an emitted one's name, CASK-I010 for a tool in it that does not exist."""
    rows = {name: Toolset(tools=emitted(name, compiled.tools)) for name in EMITTED}
    rows[DEFAULT] = Toolset(tools=compiled.choice.tools)
    for name, rule in sorted(compiled.toolsets.items()):
        if name in rows:
            what = f"the toolset `{name}` is emitted by default"
            raise CaskError("CASK-N003", what, place="cask.yaml", mend="give it another name under `toolsets`")
        rows[name] = Toolset(tools=members(name, rule, compiled.tools), declared=True)
    return Toolsets(toolsets=dict(sorted(rows.items())))


def members(toolset: str, rule: ToolsetRule, tools: tuple[Tool, ...]) -> tuple[str, ...]:
    """Names of the tools that a rule of the manifest holds, sorted. A plain name (no pattern) has to be one of a tool: CASK-I010."""
    names = {tool.name for tool in tools}
    unknown = [entry for entry in (*rule.include, *rule.exclude) if entry not in names and not set(entry) & set("*?[")]
    if unknown:
        what = f"the toolset `{toolset}` names the tool `{unknown[0]}`, which does not exist"
        raise CaskError("CASK-I010", what, place="cask.yaml", mend="cask gate list")
    return tuple(sorted(tool.name for tool in tools if holds(rule, tool)))
