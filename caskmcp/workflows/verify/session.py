"""Calls of a verification: each passes the gateway's whole table and stands on record, as an agent's would; answers stay in memory.

Promises: a tool that is not served is not called, and one that changes something only where `verify.yaml` names it and the place (the twin, or an
environment that it names); nothing here grants, confirms or spends what an agent could not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from caskmcp.analyze.verify.answers import NOTHING, Answered
from caskmcp.model.verification import Writes
from caskmcp.ports import World
from caskmcp.runtime.clean import clean
from caskmcp.runtime.conduct import Hands, conduct
from caskmcp.runtime.decide import decide
from caskmcp.runtime.gateway import Call, Flight
from caskmcp.runtime.respond import Answer
from caskmcp.runtime.surface import ServedTool, Surface
from caskmcp.workflows import probe
from caskmcp.workflows.probe import Heard, Secrets, Tap

CALLER: Final = "verify"
TWIN: Final = "twin"
LIVE: Final = "live"


@dataclass(frozen=True)
class Against:
    """What answers."""

    kind: str
    """`live` or `twin`."""
    environment: str = ""
    """The approved environment; empty: the approved hosts themselves."""
    digest: str = ""
    """Of the twin."""


@dataclass
class Session:
    """One run's calls."""

    world: World
    shown: Surface
    hands: Hands
    tap: Tap
    secrets: Secrets
    against: Against
    writes: Writes | None
    named: frozenset[str] = frozenset()
    """Tools that `verify.yaml` names: reads among them may be called whatever their tier."""
    left: int = 0
    """Calls that may still be made."""
    heard: list[Heard] = field(default_factory=list)
    made: list[Answered] = field(default_factory=list)

    def reads(self) -> Mapping[str, ServedTool]:
        """Approved reads that may be called unasked, by name, sorted."""
        return {name: row for name, row in self.shown.tools.items() if not self.barred(row)}

    def barred(self, row: ServedTool) -> str:
        """Why a tool is not called unasked; empty if it may be."""
        why = probe.probed(row)
        calm = self.against.kind == TWIN or row.admitted.tool.name in self.named
        return "" if why.startswith("its risk is") and calm and decide(row.admitted).verdict == "allow" else why

    def refused(self, row: ServedTool) -> str:
        """Why a tool that an outcome names is not called; empty if it may be."""
        tool = row.admitted.tool
        if tool.composite is not None:
            return "a composite is called by agents alone"
        if tool.effect == "read":
            return ""
        if self.writes is None or tool.name not in self.writes.tools:
            return "it changes something, and `writes:` does not name it"
        if self.against.kind != TWIN and self.against.environment not in self.writes.environments:
            return "it changes something, and this is neither the twin nor an environment that `writes:` names"
        return ""

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Answered:
        """One call through the gateway."""
        self.left -= 1
        self.tap.heard, self.tap.sent, self.secrets.read = [], "", ""
        call = Call(self.world.entropy.token(8).hex(), tool, arguments, CALLER, self.world.clock.now())
        result = await conduct(Flight(call, self.shown, clean), self.hands, self.world.console.note)
        row = self.shown.tools.get(tool)
        if row is not None and self.tap.heard:
            credentials = probe.used(self.shown, row.admitted.tool, self.secrets.read, self.tap.sent)
            self.heard.append(Heard(row.admitted.tool, arguments, self.tap.heard[-1], credentials))
        answer = self.tap.heard[-1] if self.tap.heard else None
        status, body = (answer.status, body_of(answer)) if answer else (0, NOTHING)
        made = Answered(tool, arguments, status, body, result.error, tuple(result.drift))
        self.made.append(made)
        return made


def body_of(answer: Answer) -> Any:
    """The answer as JSON, or `NOTHING`."""
    try:
        return json.loads(answer.body) if answer.whole else NOTHING
    except (ValueError, RecursionError):
        return NOTHING  # that it is none is told where JSON was approved
