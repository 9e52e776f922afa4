"""`cask drift`: a capture, a document, a probe or the newest build, measured from the approved baseline; or one capture from another.

The baseline side needs no traffic: its counts are committed. Nothing is written but the evidence of a probe, and nothing is ever approved: a
change ends as a report, and a person imports, builds, approves and snapshots.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from caskmcp import canon
from caskmcp.analyze.drift import View, drift, not_run
from caskmcp.compiler.capture.sources.kinds import is_converted, is_known
from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.model.artifact import Baseline
from caskmcp.model.finding import Finding, Report
from caskmcp.model.observation import Group
from caskmcp.model.project import Project
from caskmcp.ports import Files, World
from caskmcp.store import project, secret
from caskmcp.store.layout import Pack, Root
from caskmcp.store.places import find_manifest
from caskmcp.text import Document
from caskmcp.workflows import accepted, here, intake, places, recapture
from caskmcp.workflows import capture as captures
from caskmcp.workflows.baseline import SNAPSHOT, candidate, raw
from caskmcp.workflows.capture import Place
from caskmcp.workflows.intake import Named

BUILT: Final = "the newest build"
KEPT: Final = "capture"
"""The kind of what lies redacted under the root."""
PAGES: Final = "page"
"""An operation that answers with a page now is news: pages are kept here, and count as operations only where the baseline knows them."""
CALLS: Final = 30
"""Calls of a probe, unless a person says otherwise."""
_TOOL: Final = re.compile(r'    "([a-z0-9_-]+)": \{')


@dataclass(frozen=True)
class Probe:
    """How a person wants the service called. The runtime is imported only then."""

    environment: str | None = None
    arguments: str | None = None
    """A file: tool -> its arguments, or a list of them."""
    calls: int = CALLS
    trust_pin: str | None = None


def run(
    world: World,
    *,
    baseline: str | None = None,
    capture: str | None = None,
    against: str | None = None,
    live: Probe | None = None,
) -> Report:
    """Compare. baseline: a file, instead of the approved one. capture, against: the id of a capture or a file; without any, the newest build.

    Raises CASK-I001 for options that exclude each other, CASK-I002, CASK-I003, CASK-I004, CASK-I008 for a baseline that cannot be read or is
    another toolpack's, what reading a recording raises, and what the door raises before a probe.
    """
    _refuse_together(baseline, capture, against, live)
    if against is not None and capture is not None:
        old = View(against, _captured(world, against, _built_groups(world)))
        return drift(old, View(capture, _captured(world, capture, old.operations)), mend=_import(capture))
    pack = here.pack(world)
    path = here.root(world).baseline(pack.path.name) if baseline is None else world.cwd / baseline
    if baseline is None and not world.files.exists(path):
        return not_run("there is no approved baseline yet: drift has nothing to measure from", SNAPSHOT)
    return accepted.settled(world, pack, _measured(world, pack, approved(world, pack, path), capture, live))


def _measured(world: World, pack: Pack, old: View, capture: str | None, live: Probe | None) -> Report:
    """What was asked for, against the baseline."""
    if live is not None:
        report: Report = load("workflows.probe:run")(world, pack, old, live, project_of(world, old.operations))
        return report
    if capture is not None:
        return drift(old, View(capture, _captured(world, capture, old.operations)), mend=_import(capture))
    return drift(old, built(world, pack), mend=SNAPSHOT)


def of_build(world: World, pack: Pack) -> tuple[Finding, ...]:
    """What the newest build shows that the approved baseline does not, for `check`. Raises as `run` does."""
    return drift(approved(world, pack, here.root(world).baseline(pack.path.name)), built(world, pack), mend=SNAPSHOT).findings


def _refuse_together(baseline: str | None, capture: str | None, against: str | None, live: Probe | None) -> None:
    given = {"--baseline": baseline, "--capture": capture, "--against": against, "--live": live}
    if against is not None and capture is None:
        raise CaskError(
            "CASK-I001", "`--against` says what a capture is measured from: name the capture", mend="cask drift --capture C --against C"
        )
    for one, other in (("--against", "--baseline"), ("--against", "--live"), ("--capture", "--live")):
        if given[one] is not None and given[other] is not None:
            raise CaskError("CASK-I001", f"`{one}` and `{other}` exclude each other", mend="cask drift --help")


# ---------------------------------------------------------------- the two sides
def approved(world: World, pack: Pack, path: Path) -> View:
    """A baseline file as one side, with the place of each tool in it."""
    shown = places.shown(world, path)
    read = _baseline(world.files, path, shown)
    if read.toolpack and read.toolpack != pack.path.name:
        what = f"this is the baseline of `{read.toolpack}`, and the toolpack is `{pack.path.name}`"
        raise CaskError("CASK-I004", what, place=shown, mend=SNAPSHOT)
    if read.tools and not read.operations:
        raise CaskError("CASK-I008", "this baseline is older than the counts that drift compares", place=shown, mend=SNAPSHOT)
    lines = world.files.read(path).decode("utf-8").split("\n")
    at = {found[1]: f"{shown}:{number}" for number, line in enumerate(lines, 1) if (found := _TOOL.fullmatch(line))}
    return replace(_view(shown, read), places=at)


def built(world: World, pack: Pack) -> View:
    """What was built last: the candidate among the artifacts."""
    path = candidate(world, pack)
    return _view(BUILT, _baseline(world.files, path, places.shown(world, path)))


def _view(name: str, read: Baseline) -> View:
    return View(name, read.operations, {row.operation: tool for tool, row in read.tools.items()}, read.others)


def _baseline(files: Files, path: Path, shown: str) -> Baseline:
    value = raw(files, path, shown)
    try:
        return Baseline.of(Document(shown, value, {}))
    except CaskError as cause:
        raise CaskError(cause.code, cause.what, place=cause.place or shown, mend=SNAPSHOT) from cause


def _built_groups(world: World) -> Mapping[str, Group]:
    """The operations of the newest build, whose templates both captures are read by; none where nothing was built."""
    try:
        return built(world, here.pack(world)).operations
    except CaskError:
        return {}  # then each capture says itself what its paths are


# ---------------------------------------------------------------- captures
def _captured(world: World, given: str, known: Mapping[str, Group]) -> Mapping[str, Group]:
    """The operations that a capture or a file shows, in memory."""
    root, project_ = here.root(world), project_of(world, known)
    named = capture_or_file(world, root, given)
    key = secret.redaction_key(world.files, root, world.entropy)
    if named.kind != KEPT and (is_converted(named.kind) or not is_known(named.kind)):
        place = Place(world.cwd, root, "", is_fresh=False, known={})
        taken = intake.record(project_, captures.items(world, place, project_, named), key, kind=named.kind, label=named.label, named=named)
    else:
        taken = intake.read(world.files, root, project_, named, key, world.console.progress)
    return recapture.groups(taken, known.values(), project_.paths)


def capture_or_file(world: World, root: Root, given: str) -> Named:
    """A capture under the root by the beginning of its id, else a file."""
    kept = [each for each in world.files.listing(root.captures) if world.files.exists(root.exchanges(each))]
    fitting = [each for each in kept if len(given) >= captures.SHORTEST and each.startswith(given.lower())]
    if len(fitting) > 1:
        raise CaskError("CASK-I010", f"`{given}` fits {len(fitting)} captures", mend="cask capture list")
    if not fitting:
        return intake.name(world, given)
    path = root.exchanges(fitting[0])
    return Named(given, KEPT, path, canon.digest_stream(world.files.chunks(path)))


def project_of(world: World, known: Mapping[str, Group]) -> Project:
    """The manifest, or where there is none the hosts of the operations that are known. Pages are kept."""
    if find_manifest(world.files, world.cwd) is not None:
        loaded = project.load_project(world.files, world.cwd).project
        return loaded.model_copy(update={"keep": tuple(dict.fromkeys((*loaded.keep, PAGES)))})
    hosts = tuple(sorted({f"{group.host}:{group.port}" if group.port else group.host for group in known.values()}))
    if not hosts:
        raise CaskError("CASK-I006", "no cask.yaml says which hosts are yours", mend="cask init")
    return Project(version=1, hosts=hosts, keep=(PAGES,))


def _import(given: str) -> str:
    return f"cask capture import {shlex.quote(given)}" if "." in given or "/" in given else "cask build"
