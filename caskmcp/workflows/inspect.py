"""`cask inspect`: the governance state as a read-only MCP server on stdio.

Each answer is made from files that are read for it and nothing else: the toolpack through the one door, the record of decisions as it lies there.
Promises: nothing is written but drafts, and those only where the person who starts it says so; no upstream is reached and no program started, which
the seal holds as well; no argument of any call and no credential is told, since neither is on record.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from caskmcp.errors import CaskError, Exit
from caskmcp.govern import offer
from caskmcp.govern.admit import admit
from caskmcp.govern.proposals import Box
from caskmcp.model.pack import AdmittedPack, AdmittedTool
from caskmcp.model.proposal import Draft
from caskmcp.ports import World
from caskmcp.runtime import inspect_server, sealed
from caskmcp.runtime.confirm import LIFE
from caskmcp.runtime.decide import decide
from caskmcp.text import visible
from caskmcp.workflows import audit, gate, here, propose, why
from caskmcp.workflows.audit import Recorded

LATEST: Final = 10
RECENT: Final = 1440
"""Minutes of the record that are looked at for the latest refusals: one day."""
NEXT: Final = {"open": "a person decides on it; nothing is served before it is promoted and signed"}
UNCOUNTED: Final = frozenset({"listed", "toolset", "arguments", "plan", "policy", "budget"})
"""Steps that refuse a call before it counts in a budget, and the budget itself."""


def run(world: World, *, drafts: bool, environment: str | None, trust_pin: str | None) -> Exit:
    """Answer until the client closes its end. Raises what reading the toolpack raises: a state that cannot be read is not told as empty."""
    desk = FileDesk(world, drafts, environment, trust_pin)
    known = gate.look(world).survey.offer.environments.environments
    if environment is not None and environment not in known:
        what = f"there is no environment `{visible(environment)}`; here are: {', '.join(sorted(known)) or 'none'}"
        raise CaskError("CASK-I010", what, mend="cask gate status")
    folder = here.root(world).drafts
    if drafts:
        _ready(world, desk.box)
    inspector = inspect_server.Inspector(desk, schema() if drafts else None, lambda line: world.console.note(visible(line)))
    world.console.note(f"cask: inspect answers on stdio; drafts are {'taken into ' + str(folder) if drafts else 'not taken'}")
    try:
        inspect_server.run(inspector, lambda: sealed.engage(str(folder) if drafts else None))
    except KeyboardInterrupt:
        world.console.note("ended")
    return Exit.CLEAN


def _ready(world: World, box: Box) -> None:
    """Make the box, and read what is in it, before the process is sealed."""
    place = here.root(world).drafts / "README.txt"
    if not world.files.exists(place):
        world.files.write(place, b"Drafts that agents filed. `cask propose list` shows them; nothing here is served.\n", private=True)
    box.all()


def schema() -> dict[str, Any]:
    """The schema of a draft, in one piece: clients take no references at some places."""
    made = Draft.model_json_schema()
    wanted = made.pop("$defs")["Wanted"]
    made["properties"]["arguments"]["items"] = wanted
    return made


@dataclass(frozen=True)
class FileDesk:
    """Answers from what lies under the root (`runtime.inspect_server.Desk`)."""

    world: World
    drafts: bool = False
    environment: str | None = None
    trust_pin: str | None = None

    @property
    def box(self) -> Box:
        """Where drafts go."""
        return propose.box(self.world)

    def answer(self, question: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """One answer. Raises CaskError for what cannot be read, CASK-I010 for what is not on record."""
        tables = {
            "what_may_i_call": self._tools,
            "why_was_i_denied": self._denied,
            "what_waits": self._waits,
            "policy": self._policy,
            "budgets_left": self._budgets,
            "how_to_propose": self._how,
        }
        return tables[question](arguments)

    def file(self, draft: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        """Take a draft, if drafts are taken here."""
        if not self.drafts:
            raise CaskError(
                "CASK-F001", "this server takes no drafts; the person who starts it can say `--drafts`", mend="cask inspect --drafts"
            )
        row = self.box.file(propose.judged(dict(draft), "draft"), by=by, at=self.world.clock.now())
        status = self.box.find(row.id).status
        return {
            "id": row.id,
            "status": status,
            "next": NEXT.get(status, "a person decided on this very draft before; another one is a new draft"),
        }

    # ------------------------------------------------------------ what may be called
    def _pack(self) -> AdmittedPack:
        """What the door lets through. Unlike `serve` it remembers nothing: this process writes no pin."""
        world = self.world
        files = offer.read(world.files, here.pack(world))
        pin, condition = here.pin(world, files.id), here.condition(world, self.trust_pin)
        return admit(files, pin=pin, condition=condition, environment=self.environment, at=world.clock.now())

    def _tools(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        pack = self._pack()
        wanted = arguments.get("tool")
        rows = [_tool(row) for name, row in pack.tools.items() if wanted in (None, name)]
        return {
            "toolpack": pack.toolpack,
            "tools": rows,
            "toolsets": {name: list(members) for name, members in sorted(pack.toolsets.items())},
        }

    def _policy(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        pack = self._pack()
        wanted = arguments.get("tool")
        if wanted is not None and wanted not in pack.tools:
            raise CaskError("CASK-R001", "no approved tool is called that", mend="cask gate status")
        rules = pack.policy.rules if wanted is None else pack.tools[wanted].rules
        return {"default": "deny", "rules": [row.plain() for row in rules]}

    # ------------------------------------------------------------ what was decided
    def _denied(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        if (decision := arguments.get("decision")) is not None:
            report = why.run(self.world, decision)
            return {"decision": dict(report.summary), "why": [dict(row) for row in report.tables["why"]]}
        wanted = arguments.get("tool")
        rows = [row for row in self._recent(RECENT) if row.fields.get("code") and wanted in (None, row.fields.get("tool"))]
        latest = [_decided(row) for row in rows[-int(arguments.get("latest", LATEST)) :]]
        return {"refused": latest, "more": "ask with `decision` for the rule, what it means and what mends it"}

    def _recent(self, minutes: float) -> list[Recorded]:
        now = datetime.fromisoformat(self.world.clock.now())
        since = (now - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return audit.find(self.world, audit.Asked(since=since))

    def _waits(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        look = gate.look(self.world)
        tools = [
            {"tool": row.name, "status": standing.status, "risk": row.tool.risk if row.tool else None, "mend": "cask gate allow"}
            for row, standing in look.survey.tools
            if standing.status != "approved"
        ]
        return {"toolpack": look.toolpack, "trust": look.trust, "tools": tools, "calls": list(self._challenges())}

    def _challenges(self) -> Iterator[Mapping[str, Any]]:
        """Calls that wait for a confirmation: what the record says was asked and not yet answered, and has not run out."""
        asked: dict[str, Recorded] = {}
        for row in self._recent(LIFE / 60):
            challenge = _extra(row).get("challenge")
            if isinstance(challenge, str):
                asked.pop(challenge, None)
                if row.fields.get("code") == "CASK-R005":
                    asked[challenge] = row
        for challenge, row in asked.items():
            yield {"challenge": challenge, **_decided(row), "command": f"cask confirm grant {challenge}"}

    def _budgets(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        pack = self._pack()
        rows = pack.policy.budgets
        longest = max((row.per_seconds for row in rows.values()), default=0)
        counted = list(_counted(self._recent(longest / 60))) if rows else []
        now = datetime.fromisoformat(self.world.clock.now())
        return {"budgets": [_budget(name, row.plain(), row.calls, row.per_seconds, counted, now) for name, row in sorted(rows.items())]}

    def _how(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        through = "call `propose` with the draft" if self.drafts else "a person can file it: cask propose file DRAFT.json"
        steps = [
            through,
            "a person reads it: cask propose show ID",
            "a person promotes it: cask propose promote ID",
            "a person signs it: cask gate allow",
        ]
        return {"taken_here": self.drafts, "steps": steps, "draft": schema()}


def _tool(row: AdmittedTool) -> dict[str, Any]:
    decision = decide(row)
    tool = row.tool
    said = {"name": tool.name, "title": tool.title, "risk": tool.risk, "effect": tool.effect, "scope": tool.scope}
    return {**said, "verdict": decision.verdict, "rule": decision.rule, "toolsets": list(row.toolsets)}


def _decided(row: Recorded) -> dict[str, Any]:
    return {"decision": row.id, **{name: row.fields.get(name) for name in ("at", "tool", "verdict", "step", "rule", "code")}}


def _extra(row: Recorded) -> Mapping[str, Any]:
    extra = row.fields.get("extra")
    return extra if isinstance(extra, Mapping) else {}


def _counted(rows: list[Recorded]) -> Iterator[Recorded]:
    """Each call that counted in a budget, once."""
    seen: set[str] = set()
    for row in rows:
        refused = bool(row.fields.get("code")) and row.fields.get("step") in UNCOUNTED
        if not refused and not _extra(row).get("dry_run") and row.id not in seen:
            seen.add(row.id)
            yield row


def _budget(name: str, plain: Mapping[str, Any], calls: int | None, seconds: int, rows: list[Recorded], now: datetime) -> dict[str, Any]:
    """One budget; what is left only where the record tells it: of a tool, and of all calls."""
    told = {"budget": name, **plain}
    if calls is None or ":" in name:
        return told
    start = (now - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    used = sum(str(row.fields.get("at")) > start and name in ("*", row.fields.get("tool")) for row in rows)
    return {**told, "used": used, "left": max(0, calls - used)}
