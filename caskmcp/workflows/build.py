"""`cask build`: gather, plan, run what is stale, hand off. And `derive`: the same from nothing, for `check` and `gate allow`.

The order of a build: lock the root, sweep what a kill left, gather, plan, run (blob, target, receipt), write `toolpack.yaml`, remove what
is gone, note what was seen. A kill between any two of these leaves a state from which the next build comes to the same bytes.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from caskmcp import canon
from caskmcp.compiler.pipeline import STAGES, Stage
from caskmcp.engine.faults import lost_blob, worded
from caskmcp.engine.plan import Plan, Site, State, Step
from caskmcp.engine.targets import Target, Targets
from caskmcp.engine.toolchain import toolchain as toolchain_of
from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.model.artifact import Toolchain, Toolpack
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.ports import Files, World
from caskmcp.report.formats import FORMATS
from caskmcp.store import project, scratch
from caskmcp.store.blobs import BlobLost, Blobs
from caskmcp.store.files import prepare, refuse_links_out, sweep
from caskmcp.store.index import Index
from caskmcp.store.layout import Pack, Root
from caskmcp.store.project import LoadedProject
from caskmcp.store.receipts import Receipts
from caskmcp.store.secret import keep_redaction_key, redaction_key
from caskmcp.workflows import fresh, handoff, here, told, work
from caskmcp.workflows.gather import Gathered, Parts, gather, watched
from caskmcp.workflows.given import Ledger
from caskmcp.workflows.outputs import TARGETS

PATIENCE: Final = 300.0
"""Seconds to wait for another build of the same root."""
HEAD: Final = ("capture", "head")
PART: Final = ("normalize", "part")
RECEIPT: Final = ("cuts", "profile", "exceptions")
"""Fields of a capture's head that say what redaction did."""
Basis = Literal["traffic", "observations", "spec"]


@dataclass(frozen=True)
class Kit:
    """What the story is told with: the rows, where outputs go, and how a row's function is found. Tests bring their own."""

    stages: tuple[Stage, ...] = STAGES
    targets: tuple[Target, ...] = TARGETS
    resolve: Callable[[str], Any] = load


@dataclass(frozen=True)
class Derived:
    """What the inputs give, derived from nothing."""

    files: Mapping[str, bytes]
    """Artifacts by file name, `observations.json` among them."""
    pending: bytes
    """The pending lock."""
    basis: Basis
    """`traffic`: sources here gave the committed observations again. `observations`: traffic that is not here stands behind some of them,
    or they are others. `spec`: documents alone."""
    same_toolchain: bool
    """Whether the toolpack was compiled by this toolchain; False if there is none yet."""
    toolpack: Toolpack
    """The handoff that a build would write."""
    receipts: str = ""
    """Digest of what redaction cut from the captures here; the same for any redaction key."""


# ---------------------------------------------------------------- build
def run(
    world: World,
    *,
    locked: bool = False,
    explain: bool = False,
    jobs: int = 1,
    out: str | None = None,
    engine: str = work.PROCESSES,
    kit: Kit | None = None,
) -> Report:
    """Compile what is stale and nothing else. locked: change nothing, and name what would change. jobs: processes, 0 for as many as pay. engine: as `work.run` takes it. out: a folder for a copy of the toolpack.

    Raises what gathering and the stages raise: CASK-I…, CASK-C…, CASK-N…; CASK-B001 for a bug of ours, CASK-B003 for a lock that stays held.
    """
    kit = kit or Kit()
    if not explain and out is None and (seen := fresh.look(world)) is not None:
        return Report.model_validate_json(canon.compact(seen.report))
    loaded = project.load_project(world.files, world.cwd)
    root = Root(project.find_root(world.files, world.cwd, world.root))
    folder = None if out is None else here.export(world, out)
    if not world.files.exists(root.path):
        for error in project.unmatched(world.files, loaded, root.path):
            raise error  # a first build without its sources makes no root
    if locked:
        return _locked(world, loaded, root, kit)
    pack = root.pack(loaded.project.id)
    refuse_links_out(
        root.path, (root.cache, root.blobs, root.state, root.captures, root.toolpacks, pack.path, pack.artifacts, pack.pending.parent)
    )
    with world.files.lock(root.lock, PATIENCE):
        prepare(root.path)
        sweep(root.path)
        report = _Build(world, loaded, root, kit, engine).run(jobs, explain=explain)
        if folder is not None:
            _export(world.files, pack, folder)
    return report


class _Build:
    """One build of one manifest, under the lock."""

    def __init__(self, world: World, loaded: LoadedProject, root: Root, kit: Kit, engine: str) -> None:
        self.engine = engine
        self.world, self.files, self.loaded, self.root, self.kit = world, world.files, loaded, root, kit
        self.pack = root.pack(loaded.project.id)
        self.blobs = _blobs(world.files, root)
        self.ledger = Ledger(world.files, root)
        self.index = fresh.index_of(world, root, loaded.path)
        self.facts = self.index.path.with_suffix(".steps")

    def run(self, jobs: int, *, explain: bool) -> Report:
        """Build; once more for each blob that turns out to be lost or damaged on the way, since its step then runs."""
        while True:
            try:
                return self._run(jobs, explain=explain)
            except BlobLost as lost:
                self.blobs.remove(lost.digest)

    def _run(self, jobs: int, *, explain: bool) -> Report:
        before = self._before()
        toolchain = toolchain_of(self.files, self.index)
        for path in watched(self.files, self.loaded, self.root):
            self.index.watch(path)
        gathered = gather(self.files, self.loaded, self.root, self.index, secret=_secret(self.world, self.root), before=before)
        plan = self._plan(gathered, toolchain)
        _raise_first(work.run(plan, jobs, self.kit.resolve, self.engine), self.loaded)
        self._hand_off(plan, toolchain)
        for capture in self.ledger.replaced("captures"):
            if self.root.capture(capture) not in gathered.reserved:
                self.files.remove_tree(self.root.capture(capture))
        report = _report(plan, gathered, self.pack, self.files, explain=explain)
        self._remember(plan, gathered, report)
        return report

    def _before(self) -> Parts | None:
        """The committed parts that the last build took from elsewhere: for the case that `observations.json` was damaged since."""
        digest = self.index.header.get("foreign", "")
        try:
            return json.loads(self.blobs.get(digest)) if digest else None
        except BlobLost:
            return None  # then damaged observations cannot be mended from here, and are an error

    def _plan(self, gathered: Gathered, toolchain: Toolchain) -> Plan:
        targets = Targets(self.kit.targets, self.root.path, self.loaded.project.id, self.blobs)
        site = Site(
            canon.Digest(toolchain.digest), gathered.shared, gathered.units, self.blobs, Receipts(self.files, self.root.receipts), targets,
            self.index.digest, self._last(), gathered.reserved,
        )  # fmt: skip
        plan = Plan(self.kit.stages, site)
        self._note(plan, gathered)
        plan.listener = lambda step: self._note(plan, gathered) if step.row.name == PART[0] else None
        return plan

    def _last(self) -> Mapping[str, Any]:
        try:
            found = json.loads(self.files.read(self.facts))
        except (CaskError, ValueError):
            return {}  # nothing is known of the last build, so every reason is "never built"
        return found if isinstance(found, dict) else {}

    def _note(self, plan: Plan, gathered: Gathered) -> None:
        """Write down, before they are merged, which captures and parts the sources give; once all of them are known."""
        parts, heads = plan.of(PART[0]), {step.unit: step for step in plan.of(HEAD[0])}
        if all(step.outs is not None for step in (*parts, *heads.values())):
            rows = {name: self._row(name, part, heads[part.unit]) for part in parts for name in gathered.sources[part.unit]}
            self.ledger.note(rows, lambda kind, each: each in gathered.committed or self.files.exists(self.root.capture(each)))

    def _row(self, source: str, part: Step, head: Step) -> dict[str, str]:
        blob = _digest(part, PART[1])
        known = self.ledger.present(source, "parts") if self.ledger.present(source, "blobs") == blob else ""
        return {
            "captures": json.loads(self.blobs.get(_digest(head, HEAD[1])))["id"],
            "parts": known or load("compiler.normalize.merge:part_id")(json.loads(self.blobs.get(blob))),
            "units": part.unit,
            "blobs": blob,
        }

    def _hand_off(self, plan: Plan, toolchain: Toolchain) -> None:
        artifacts = _artifacts(plan, self.pack, self.blobs)
        wanted = handoff.record(self.pack.path.name, toolchain, artifacts)
        found = handoff.read(self.files.read(self.pack.toolpack)) if self.files.exists(self.pack.toolpack) else None
        for name in _gone(self.files, self.pack, found, artifacts):
            self.files.remove(self.pack.artifact(name))
        if not handoff.stands(found, wanted):
            self.files.write(self.pack.toolpack, handoff.render(wanted))

    def _remember(self, plan: Plan, gathered: Gathered, report: Report) -> None:
        facts = {step.title: step.facts.plain() for step in plan.steps.values() if step.facts is not None}
        if facts != self._last():
            self.files.write(self.facts, canon.compact(facts), private=True, durable=False)
        for path in (*plan.claims, self.pack.toolpack, self.root.redaction_key):
            self.index.digest(path)
        quiet = report.model_copy(
            update={"tables": {}, "summary": {**report.summary, "ran": 0, "restored": 0, "up_to_date": len(plan.steps)}}
        )
        header = {
            "place": fresh.place(self.root, self.loaded.path),
            "foreign": self.blobs.put(canon.compact(gathered.foreign)),
            "report": quiet.model_dump(mode="json"),
            "shown": {how: load(FORMATS[how])(quiet) for how in ("text", "json")},
        }
        self.index.save(header)


def _digest(step: Step, output: str) -> canon.Digest:
    assert step.outs is not None
    return canon.Digest(str(step.outs[output]))


def _raise_first(failures: list[tuple[Step, BaseException]], loaded: LoadedProject) -> None:
    if (lost := next((digest for _, cause in failures if (digest := lost_blob(cause)) is not None), None)) is not None:
        raise BlobLost(lost)
    for step, cause in failures:
        if not isinstance(cause, Exception):
            raise cause
        raise project.placed(loaded, worded(cause, step.row.name, step.label if step.row.per == "source" else "")) from cause


# ---------------------------------------------------------------- derive
def derive(world: World, loaded: LoadedProject | None = None, basis: Basis | None = None, *, kit: Kit | None = None) -> Derived:
    """Derive everything again in a scratch folder: no receipt, blob or remembered digest is used, and nothing under the root is written.

    basis: `observations` leaves the sources here out, as a clone would. Raises as `run` does.
    """
    kit = kit or Kit()
    loaded = loaded or project.load_project(world.files, world.cwd)
    root = Root(project.find_root(world.files, world.cwd, world.root))
    with scratch.folder() as folder:
        return _derived(world, loaded, root, Root(folder), kit, traffic=basis != "observations")


def _derived(world: World, loaded: LoadedProject, root: Root, bench: Root, kit: Kit, *, traffic: bool) -> Derived:
    files, pack = world.files, root.pack(loaded.project.id)
    index, blobs = Index(files, bench.index), _blobs(files, bench)
    toolchain = toolchain_of(files, index)
    gathered = gather(files, loaded, root, index, secret=redaction_key(files, root, world.entropy), traffic=traffic)
    nowhere = Targets((), bench.path, loaded.project.id, blobs)
    receipts = Receipts(files, bench.receipts)
    plan = Plan(
        kit.stages, Site(canon.Digest(toolchain.digest), gathered.shared, gathered.units, blobs, receipts, nowhere, index.digest, {})
    )
    _raise_first(work.run(plan, 1, kit.resolve), loaded)
    outputs = dict(_outputs(plan, Targets(kit.targets, root.path, loaded.project.id, blobs), blobs))
    artifacts = {path.name: data for path, data in outputs.items() if path.parent == pack.artifacts}
    found = handoff.read(files.read(pack.toolpack)) if files.exists(pack.toolpack) else None
    return Derived(
        files=artifacts,
        pending=outputs.get(pack.pending, b""),
        basis=_basis(gathered, artifacts.get(pack.observations.name, b""), pack, files),
        receipts=_receipts([blobs.get(_digest(step, HEAD[1])) for step in plan.of(HEAD[0])], root, files),
        same_toolchain=found is not None and found.toolchain.digest == toolchain.digest,
        toolpack=handoff.record(loaded.project.id, toolchain, artifacts),
    )


def _receipts(heads: list[bytes], root: Root, files: Files) -> str:
    """Digest of what was cut from the captures, by id. One that was imported was cut at its import, and the receipt lies beside it."""
    read = {str(json.loads(head)["id"]): head for head in heads}
    kept = {name: files.read(root.redaction(name)) if files.exists(root.redaction(name)) else head for name, head in read.items()}
    cut = {name: {field: json.loads(head).get(field, []) for field in RECEIPT} for name, head in kept.items()}
    return str(canon.digest(cut)) if any(row["cuts"] for row in cut.values()) else ""


def _basis(gathered: Gathered, observations: bytes, pack: Pack, files: Files) -> Basis:
    parts = json.loads(observations)["parts"] if observations else {}
    kinds = {part["kind"] for part in parts.values()}
    if any(item.get("compiled") for part in parts.values() for item in part.get("declared", ())):
        return "observations"  # what we compiled ourselves is no evidence of its own
    if kinds <= {"spec"}:
        return "spec"
    if "traffic" not in kinds:
        return "observations"  # a collection says what was meant, and nobody saw it answered
    again = files.exists(pack.observations) and files.read(pack.observations) == observations
    return "traffic" if again and all(part["kind"] == "spec" for part in gathered.foreign.values()) else "observations"


# ---------------------------------------------------------------- --locked
def _locked(world: World, loaded: LoadedProject, root: Root, kit: Kit) -> Report:
    """What a build would change in the toolpack, without changing anything."""
    derived, pack = derive(world, loaded, kit=kit), root.pack(loaded.project.id)
    there = handoff.read(world.files.read(pack.toolpack)) if world.files.exists(pack.toolpack) else None
    wanted = {pack.artifact(name): data for name, data in derived.files.items()} | {pack.pending: derived.pending}
    stale = [path for path, data in wanted.items() if not world.files.exists(path) or world.files.read(path) != data]
    stale += [pack.artifact(name) for name in _gone(world.files, pack, there, derived.files)]
    stale += [] if handoff.stands(there, derived.toolpack) else [pack.toolpack]
    findings = tuple(_stale(world.files, pack, path) for path in sorted(stale))
    lines = () if findings else (f"{loaded.project.id} is up to date",)
    return Report(report="build", summary={"stale": len(findings), "tools": _tools(derived.files)}, findings=findings, lines=lines)


def _stale(files: Files, pack: Pack, path: Path) -> Finding:
    name = path.relative_to(pack.path).as_posix()
    what = "differs from what the inputs give" if files.exists(path) else "is missing"
    return Finding(
        code="CASK-B004",
        severity=Severity.REVIEW,
        subject=path.name,
        message=f"{path.name} {what}, but --locked was given",
        place=name,
        mend="cask build",
    )


# ---------------------------------------------------------------- outputs and report
def _blobs(files: Files, root: Root) -> Blobs:
    return Blobs(files, root.blobs, root.cache / "tmp")


def _secret(world: World, root: Root) -> bytes:
    """The root's redaction key, made on the first build."""
    key = redaction_key(world.files, root, world.entropy)
    keep_redaction_key(world.files, root, key)
    return key


def _outputs(plan: Plan, targets: Targets, blobs: Blobs) -> Iterator[tuple[Path, bytes]]:
    """Every file that the steps' outputs mean and that is not private, with its bytes."""
    for step in plan.steps.values():
        assert step.outs is not None
        yield from ((laid.path, blobs.get(laid.digest)) for laid in targets.of(step.row.name, step.outs) if not laid.private)


def _artifacts(plan: Plan, pack: Pack, blobs: Blobs) -> dict[str, bytes]:
    return {path.name: data for path, data in _outputs(plan, plan.site.targets, blobs) if path.parent == pack.artifacts}


def _gone(files: Files, pack: Pack, found: Toolpack | None, artifacts: Mapping[str, bytes]) -> list[str]:
    """Artifacts that an earlier build wrote and that this one does not give."""
    listed = found.artifacts if found is not None else {}
    return [name for name in files.listing(pack.artifacts) if name in listed and name not in artifacts]


def _export(files: Files, pack: Pack, folder: Path) -> None:
    """Copy a toolpack, lock and trust chain included."""
    for path in files.glob(pack.path, "**"):
        files.write(folder / path.relative_to(pack.path), files.read(path))


def _report(plan: Plan, gathered: Gathered, pack: Pack, files: Files, *, explain: bool) -> Report:
    did = [step.did or str(State.FRESH) for step in plan.steps.values()]
    counts = {"ran": did.count("ran"), "restored": did.count("restored"), "up_to_date": did.count(str(State.FRESH))}
    tools = _tools({"tools.json": files.read(pack.artifact("tools.json"))} if files.exists(pack.artifact("tools.json")) else {})
    rows = tuple({"step": step.title, "why": step.why, "did": done} for step, done in zip(plan.steps.values(), did, strict=True))
    covered = told.coverage(files, pack)
    lines = (
        f"{pack.path.name}: {tools} tools",
        *(f"{error.what}; its committed part stands" for error in gathered.missing),
        *told.lines(covered),
    )
    summary = {**counts, "tools": tools, "toolpack": pack.path.name, **told.summary(covered)}
    return Report(report="build", summary=summary, tables={"steps": rows} if explain else {}, lines=lines)


def _tools(artifacts: Mapping[str, bytes]) -> int:
    return len(json.loads(artifacts["tools.json"])["tools"]) if "tools.json" in artifacts else 0
