"""Rules on toolsets: what their names say is what they hold."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from caskmcp.analyze.lint.surface import Found, Surface
from caskmcp.model.tool import Tool
from caskmcp.model.toolset import EMITTED, emitted

FILE: Final = "toolsets.yaml"

# fmt: off
PROMISES: Final[Mapping[str, Callable[[Tool], bool]]] = {
    # word in a name      each member
    "readonly":           lambda tool: tool.effect == "read",
    "read_only":          lambda tool: tool.effect == "read",
    "read-only":          lambda tool: tool.effect == "read",
    "safe":               lambda tool: tool.effect == "read" and tool.risk in ("safe", "low", "medium"),
}
"""What a name of the user's own promises."""
# fmt: on


def mislabelled(surface: Surface) -> Iterator[Found]:
    """Emitted toolsets hold exactly what they are for; those of the manifest nothing that their name rules out; all of them tools alone."""
    tools = {tool.name: tool for tool in surface.tools}
    for name, row in sorted(surface.toolsets.toolsets.items()):
        for member in sorted(set(row.tools) - tools.keys()):
            yield Found(f"toolset:{name}", f"it names the tool `{member}`, which does not exist", member, FILE)
        if name in EMITTED and not row.declared:
            for member in sorted(set(row.tools) ^ set(emitted(name, surface.tools))):
                what = "holds" if member in row.tools else "lacks"
                yield Found(
                    f"toolset:{name}", f"it {what} `{member}`, which its name rules {'out' if what == 'holds' else 'in'}", member, FILE
                )
        for word, fits in PROMISES.items():
            if row.declared and word in name:
                wrong = (member for member in row.tools if member in tools and not fits(tools[member]))
                yield from (Found(f"toolset:{name}", f"its name says `{word}`, and it holds `{member}`", member, FILE) for member in wrong)


def empty(surface: Surface) -> Iterator[Found]:
    """A declared toolset holds something."""
    for name, row in sorted(surface.toolsets.toolsets.items()):
        if row.declared and not row.tools:
            yield Found(f"toolset:{name}", "it holds no tool", "", FILE)
