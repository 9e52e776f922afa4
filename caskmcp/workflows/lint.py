"""`cask lint`: hygiene of a compiled surface, with what people accepted taken out. Reads; changes and approves nothing.

Works on any toolpack, also one that was handed over alone; the manifest's budget and `lint.yaml` count where they are here.
"""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from caskmcp.analyze.lint.clients import BY_KEY, CLIENTS
from caskmcp.analyze.lint.surface import Surface
from caskmcp.analyze.lint.verdicts import FILE, known, lint, scores
from caskmcp.errors import CaskError
from caskmcp.govern import admit, offer
from caskmcp.govern.admit import Survey
from caskmcp.model.finding import Report
from caskmcp.model.lint import LintFile
from caskmcp.model.project import Budget
from caskmcp.model.tool import Tool
from caskmcp.ports import World
from caskmcp.store import project
from caskmcp.store.layout import Pack
from caskmcp.text import parse_yaml
from caskmcp.workflows import accepted, here, places

LIMIT = 1 << 20
"""Bytes of `lint.yaml`."""
NOTHING = LintFile(version=1)


@dataclass(frozen=True)
class Said:
    """What people here say about a toolpack."""

    file: LintFile
    budget: Budget | None


def run(world: World, clients: tuple[str, ...] = ()) -> Report:
    """Lint the chosen toolpack. clients: keys of `CLIENTS`, several in one word parted by commas; else those of `lint.yaml`.

    Raises CASK-I010 for a client or rule that does not exist, CASK-I004 for a suppression without a reason, CASK-I005 for a `lint.yaml` that
    leads out of the project, CASK-L002 for artifacts that cannot be read.
    """
    asked = chosen(clients)
    pack = here.pack(world)
    report, surface = _linted(world, pack, asked)
    wanting = tuple(row for row in scores(surface) if row["score"] < 100)
    return accepted.settled(world, pack, report.model_copy(update={"tables": {"scores": wanting, **report.tables}}))


def of_pack(
    world: World, pack: Pack, artifacts: Mapping[str, bytes], approved: frozenset[str], known: tuple[Tool, ...] | None = None
) -> Report:
    """What `cask check` asks: the same rules, for the clients that `lint.yaml` names, on artifacts that were read already.

    known: the records of `tools.json`, where somebody parsed these very bytes already.
    """
    return _asked(world, pack, _said(world, pack), artifacts, approved, (), known)[0]


def approved(survey: Survey) -> frozenset[str]:
    """Tools whose present content a person approved."""
    return frozenset(row.tool.name for row, standing in survey.tools if row.tool is not None and standing.status == "approved")


def _linted(world: World, pack: Pack, clients: tuple[str, ...]) -> tuple[Report, Surface]:
    said = _said(world, pack)
    artifacts = {name: world.files.read(pack.artifact(name)) for name in world.files.listing(pack.artifacts)}
    return _asked(world, pack, said, artifacts, _approved(world, pack), clients)


def _asked(
    world: World,
    pack: Pack,
    said: Said,
    artifacts: Mapping[str, bytes],
    approved: frozenset[str],
    clients: tuple[str, ...],
    tools: tuple[Tool, ...] | None = None,
) -> tuple[Report, Surface]:
    known(said.file.suppress)
    surface = Surface(artifacts=artifacts, approved=approved, budget=said.budget, clients=clients or said.file.clients, known=tools)
    try:
        return lint(surface, said.file.suppress, at=places.shown(world, pack.artifacts)), surface
    except CaskError as cause:
        raise cause.mended("cask build") from cause


def chosen(words: tuple[str, ...]) -> tuple[str, ...]:
    """The clients that were named, in the order of the table. Raises CASK-I010."""
    named = {name.strip() for word in words for name in word.split(",")} - {""}
    for name in sorted(named - BY_KEY.keys()):
        raise CaskError("CASK-I010", f"there is no client `{name}`; there is {', '.join(BY_KEY)}", mend="cask lint --help")
    return tuple(row.key for row in CLIENTS if row.key in named)


def _said(world: World, pack: Pack) -> Said:
    """The manifest's budget and the file beside it, if the manifest is this toolpack's."""
    if project.find_manifest(world.files, world.cwd) is None:
        return Said(NOTHING, None)
    loaded = project.load_project(world.files, world.cwd)
    if loaded.project.id != pack.path.name:
        return Said(NOTHING, None)
    path = loaded.folder / FILE
    if not project.lies_in(loaded.folder, path):
        raise CaskError("CASK-I005", f"`{FILE}` is a link that leads out of the project", place=FILE, mend=f"rm {FILE}")
    file = _file(world, path) if world.files.exists(path) else NOTHING
    return Said(file, loaded.project.tools.budget)


def _file(world: World, path: Path) -> LintFile:
    name = os.path.relpath(path, world.cwd)
    try:
        return LintFile.of(parse_yaml(world.files.read(path, LIMIT), name))
    except CaskError as cause:
        raise cause.mended(f"edit {shlex.quote(name)}") from cause


def _approved(world: World, pack: Pack) -> frozenset[str]:
    """Tools whose present content a person approved; none where nobody can tell: then what they would excuse stays a finding."""
    try:
        files = offer.read(world.files, pack)
        survey, _, _ = admit.anchored_survey(files, pin=here.pin(world, files.id), condition=here.condition(world), at=world.clock.now())
    except CaskError:
        return frozenset()  # `check` and `gate status` say why
    return approved(survey)
