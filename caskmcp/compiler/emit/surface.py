"""Everything that the emitters read, made once: tools with their names, what the manifest says, what was left out and why."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from caskmcp.compiler.classify import scopes, stated
from caskmcp.compiler.emit import composites
from caskmcp.compiler.emit.budget import Choice, choose, whole
from caskmcp.compiler.emit.cover import Used
from caskmcp.compiler.emit.hints import Sources
from caskmcp.compiler.emit.holding import content
from caskmcp.compiler.emit.kept import chosen
from caskmcp.compiler.emit.names import NAME, assigned
from caskmcp.compiler.emit.request import refusal
from caskmcp.compiler.emit.tools import Made, made
from caskmcp.compiler.infer.evidence import successes
from caskmcp.errors import CaskError
from caskmcp.model.artifact import Auth, Coverage, Environments
from caskmcp.model.contract import Contract
from caskmcp.model.policy import Additions
from caskmcp.model.project import Answers, ToolsetRule
from caskmcp.model.project import Tools as ToolRules
from caskmcp.model.scope import Boundary
from caskmcp.model.surface import Classified, Surface
from caskmcp.model.tool import Tool


@dataclass(frozen=True)
class Compiled:
    """The whole surface, ready to be written out."""

    id: str
    """The toolpack's id."""
    contracts: tuple[Contract, ...]
    """All of them, sorted by id."""
    surface: Surface
    rules: ToolRules
    toolsets: Mapping[str, ToolsetRule]
    auth: Auth
    environments: Environments
    additions: Additions | None
    coverage: Coverage
    own_scopes: Mapping[str, Boundary] = field(default_factory=dict)
    """The user's scopes."""
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Contract id -> the group that it was inferred from, as plain JSON, packed."""
    definitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the groups share (`model.shared`)."""

    @cached_property
    def classified(self) -> Mapping[str, Classified]:
        """By contract id."""
        return {row.id: row for row in self.surface.operations}

    @cached_property
    def own_names(self) -> Mapping[str, str]:
        """Operation id -> name as compiled; of all operations, so that leaving one out renames none."""
        return assigned(self.contracts)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Operation id -> name, renamed as the manifest says. Raises CASK-N003, CASK-I009, CASK-I010."""
        return renamed(self.own_names, self.rules.rename)

    @cached_property
    def left_out(self) -> Mapping[str, str]:
        """Operation id -> why it is no tool."""
        rows = ((row.id, refusal(row) or self._excluded(row)) for row in self.contracts)
        return {operation: reason for operation, reason in rows if reason}

    @cached_property
    def made(self) -> Mapping[str, Made]:
        """Operation id -> tool with notes."""
        kept = {row.id: row for row in self.contracts if row.id not in self.left_out}
        sources = Sources(kept, self.classified, self.names)
        rows = {name: made(row, self.classified[name], self.names[name], self.auth.hosts, sources) for name, row in kept.items()}
        said = self._answers()
        rows = {name: _with_answers(row, kept[name], said.get(name)) for name, row in rows.items()}
        homes = stated.homes(self.own_scopes)
        return {name: _at_home(row, homes, self.own_scopes) for name, row in rows.items()}

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        """With the composites; sorted by name."""
        return tuple(sorted((*(row.tool for row in self.made.values()), *self.composites), key=lambda tool: tool.name))

    @cached_property
    def composites(self) -> tuple[Tool, ...]:
        """The tools of other tools' calls that the manifest declares, sorted by name. Raises CASK-N003, CASK-N005."""
        declared = self.rules.composites
        taken = {**dict.fromkeys(self.names.values(), ""), **dict.fromkeys(declared, composites.RULE)}
        if clash := sorted(set(declared) & set(self.names.values())):
            what = f"`{clash[0]}` would be the name of a composite and of a tool"
            raise CaskError("CASK-N003", what, place=f"cask.yaml#tools/composites/{clash[0]}", mend="edit `tools.composites` in cask.yaml")
        known = {
            row.tool.name: composites.Called(row.tool, contract, content(row.tool, self.additions, self.toolsets))
            for contract in (self.contracts if declared else ())
            if (row := self.made.get(contract.id)) is not None
        }
        return tuple(composites.composed(name, said, known, taken) for name, said in sorted(declared.items()))

    @cached_property
    def choice(self) -> Choice:
        """What the toolset `default` holds. Raises CASK-N004."""
        kept = [row for row in self.contracts if row.id in self.made]
        used = {self.names[row.id]: successes(row.statuses) for row in kept}
        sessions = (
            Used(frozenset(self.names[each] for each in row.operations if each in self.made), row.count) for row in self.coverage.sessions
        )
        return whole(choose(self.tools, used, tuple(sessions), self.rules.budget), self.composites)

    def as_stated(self) -> "Compiled":
        """The same with what a person states: risks (`tools.risk`) and scopes.

        Raises CASK-I010 for a tool that does not exist, CASK-N003 for one in two scopes or two risks: a statement that reaches nothing would say nothing.
        """
        operations = {name: row for row, name in (*self.own_names.items(), *self.names.items())}
        _refuse_unknown("`tools.risk`", self.rules.risk, operations)
        _refuse_unknown("a scope", stated.homes(self.own_scopes), operations)
        if several := stated.twice(self.own_scopes):
            raise CaskError("CASK-N003", f"two scopes hold the tool `{several[0]}`", place="scopes.yaml", mend="edit scopes.yaml")
        said = {operations[name]: row for name, row in self.rules.risk.items()}
        if len(said) < len(self.rules.risk):  # by the compiled and by the wanted name: which one counts, nobody could tell
            given = [operations[name] for name in self.rules.risk]
            twice = next(name for name in sorted(self.rules.risk) if given.count(operations[name]) > 1)
            raise CaskError("CASK-N003", f"`tools.risk` names the tool of `{twice}` twice", place="cask.yaml", mend="edit cask.yaml")
        contracts = {row.id: row for row in self.contracts}
        rows = tuple(stated.restated(row, said[row.id], contracts[row.id]) if row.id in said else row for row in self.surface.operations)
        return replace(self, surface=Surface(operations=rows, scopes=scopes.suggested(rows))) if said else self

    def _answers(self) -> Mapping[str, Answers]:
        """Operation id -> what is said of its answers. Raises CASK-I010 for a tool that does not exist, CASK-N003 for one named twice."""
        operations = {name: row for row, name in (*self.own_names.items(), *self.names.items())}
        _refuse_unknown("`tools.answers`", self.rules.answers, operations)
        said = {operations[name]: row for name, row in self.rules.answers.items()}
        if len(said) < len(self.rules.answers):
            raise CaskError("CASK-N003", "`tools.answers` names a tool twice", place="cask.yaml", mend="edit `tools.answers` in cask.yaml")
        return said

    def _excluded(self, contract: Contract) -> str:
        names = {self.names[contract.id], self.own_names[contract.id]}
        hit = any(_fits(pattern, contract, names) for pattern in self.rules.exclude)
        return "excluded by `tools.exclude`" if hit else ""


def _with_answers(row: Made, contract: Contract, said: Answers | None) -> Made:
    return row if said is None else replace(row, tool=chosen(row.tool, contract, said))


def _at_home(row: Made, homes: Mapping[str, str], scopes: Mapping[str, Boundary]) -> Made:
    """The tool in the user's scope that holds it, if one does, with the digest of that."""
    scope = homes.get(row.tool.name)
    if scope is None:
        return row
    return replace(row, tool=row.tool.model_copy(update={"scope": scope, "boundary": stated.digest(scope, scopes[scope])}))


def _refuse_unknown(who: str, named: Iterable[str], known: Mapping[str, str]) -> None:
    if unknown := sorted(name for name in named if name not in known):
        raise CaskError("CASK-I010", f"{who} names the tool `{unknown[0]}`, which does not exist", place="cask.yaml", mend="cask gate list")


def renamed(names: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Names with the manifest's renames. Raises CASK-I010 for a name that is none, CASK-I009 for one not allowed, CASK-N003 for one taken twice."""
    known = {name: operation for operation, name in names.items()}
    for old, new in sorted(wanted.items()):
        if old not in known:
            raise CaskError(
                "CASK-I010", f"`tools.rename` names the tool `{old}`, which does not exist", place="cask.yaml", mend="cask build"
            )
        if not NAME.fullmatch(new):
            raise CaskError("CASK-I009", f"`{new}` is no name for a tool: a letter, then up to 35 of a-z, 0-9 and _", place="cask.yaml")
    out = {operation: wanted.get(name, name) for operation, name in names.items()}
    owners: dict[str, str] = {}
    for operation, name in sorted(out.items()):
        if name in owners:
            what = f"`{name}` would be the name of {owners[name]} and of {operation}"
            raise CaskError("CASK-N003", what, place="cask.yaml", mend="give one of them another name under `tools.rename`")
        owners[name] = operation
    return out


def _fits(pattern: str, contract: Contract, names: set[str]) -> bool:
    """Whether an entry of `tools.exclude` means a contract: a tool's name or shell pattern, or `METHOD /template` whatever its parameters are called; `#name`
    behind it means one call of a shared endpoint alone."""
    if "/" not in pattern:
        return any(fnmatchcase(name, pattern) for name in names)
    method, _, template = pattern.strip().partition(" ")
    template, _, call = template.strip().partition("#")
    named = not call or (contract.call is not None and fnmatchcase(contract.call.name, call))
    return method.upper() in (contract.method.upper(), "*") and named and fnmatchcase(_anonymous(contract.template), _anonymous(template))


def _anonymous(template: str) -> str:
    return re.sub(r"\{[^{}]*\}", "{}", template)
