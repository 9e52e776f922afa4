"""The stage `emit`: contracts, the classified surface and the manifest's sections in, the artifacts out, one row of `EMITTERS` a file."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from caskmcp.compiler.emit.files import (
    auth,
    baseline,
    cli,
    client,
    container,
    contracts,
    coverage,
    environments,
    openapi,
    policy,
    scopes,
    skill,
    tools,
    toolsets,
)
from caskmcp.compiler.emit.surface import Compiled
from caskmcp.compiler.infer.relate import completed, whole
from caskmcp.compiler.pipeline import Inputs, Outputs
from caskmcp.model.artifact import Auth, Coverage, Environments
from caskmcp.model.policy import Additions
from caskmcp.model.project import EMITTERS as DEFAULT
from caskmcp.model.project import Project
from caskmcp.model.record import Record
from caskmcp.model.scope import OwnScopes
from caskmcp.model.shared import Table
from caskmcp.model.surface import Surface
from caskmcp.text import Document

R = TypeVar("R", bound=Record)


class Emitter(NamedTuple):
    """One artifact."""

    file: str
    wanted: str
    """The entry of `emit:` that asks for it; empty for what is always written, since it is served or explains what is."""
    emit: Callable[[Compiled], bytes]


# fmt: off
EMITTERS: Final = (
    #       file                     wanted       emit
    Emitter("tools.json",            "",          tools.emit),
    Emitter("toolsets.yaml",         "",          toolsets.emit),
    Emitter("policy.yaml",           "",          policy.emit),
    Emitter("environments.yaml",     "",          environments.emit),
    Emitter("auth.yaml",             "",          auth.emit),
    Emitter("coverage.json",         "",          coverage.emit),
    Emitter("contracts.yaml",        "contracts", contracts.emit),
    Emitter("baseline.json",         "baseline",  baseline.emit),
    Emitter("scopes.suggested.yaml", "scopes",    scopes.emit),
    Emitter("openapi.json",          "openapi",   openapi.emit),
    Emitter("Dockerfile",            "container", container.dockerfile),
    Emitter("entrypoint.sh",         "container", container.entrypoint),
    Emitter("caskmcp.run",           "container", container.run),
    Emitter("compose.yaml",          "container", container.compose),
    Emitter("requirements.lock",     "container", container.lock),
    Emitter("SKILL.md",              "skill",     skill.emit),
    Emitter("client.py",             "client",    client.emit),
    Emitter("cli.py",                "cli",       cli.emit),
)
# fmt: on


def run(inputs: Inputs) -> Outputs:
    """The roles of the row `emit` -> `files`: name -> bytes."""
    asked = inputs.value("project.emit")
    wanted = DEFAULT if asked is None else asked
    surface = compiled(inputs)
    return {"files": {row.file: row.emit(surface) for row in EMITTERS if not row.wanted or row.wanted in wanted}}


def compiled(inputs: Inputs) -> Compiled:
    """Everything that the emitters read, checked. Raises CASK-I004 for a section that is none."""
    sections = {name: inputs.value(f"project.{name}") or {} for name in ("tools", "toolsets", "auth", "environments")}
    head = {"version": 1, "hosts": ["manifest.invalid"]}
    project = _record(Project, {**head, **sections}, "cask.yaml")
    additions = inputs.value("project.policy")
    return Compiled(
        id=inputs.value("project.id"),
        contracts=tuple(sorted(whole(inputs, completed(inputs)), key=lambda row: row.id)),
        surface=_record(Surface, inputs.value("classify.surface"), "surface"),
        rules=project.tools,
        toolsets=project.toolsets,
        auth=Auth(hosts=dict(sorted(project.auth.items()))),
        environments=Environments(environments={name: dict(sorted(row.items())) for name, row in sorted(project.environments.items())}),
        additions=None if additions is None else _record(Additions, additions, "policy.yaml"),
        coverage=_record(Coverage, inputs.value("merge.coverage"), "coverage"),
        own_scopes=_record(OwnScopes, inputs.value("project.scopes") or {"version": 1}, "scopes.yaml").scopes,
        groups=inputs.value("merge.groups"),
        definitions=inputs.common("merge.definitions", Table).rows,
    ).as_stated()


def _record(model: type[R], value: Any, name: str) -> R:
    return model.of(Document(name, value, {}))
