"""The plan: which steps there are, which of them are stale, and why. It knows keys, receipts, reasons and targets, nothing of doit.

Keys are settled as soon as a step's inputs are known: at once down to the first stale step, below it when its inputs are there. Equal
outputs cut a rebuild off early. The main thread alone touches the plan; workers write files and their own step's outputs (`keep`, `lay`).
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.compiler.pipeline import Stage
from caskmcp.engine import inputs
from caskmcp.engine.inputs import Bound, Ref
from caskmcp.engine.keys import Content, Facts, action_key, reason
from caskmcp.engine.targets import Laid, Targets
from caskmcp.errors import CaskError
from caskmcp.store.blobs import BlobLost, Blobs
from caskmcp.store.receipts import Outs, Receipts

PATIENCE: Final = 5.0
"""Seconds to wait for steps under way after an interrupt."""


class State(StrEnum):
    """What is to be done for a step."""

    FRESH = "up to date"
    RESTORE = "restore"
    WAIT = "wait"
    RUN = "run"


class Unit(NamedTuple):
    """One source, as the plan sees it."""

    key: str
    """Hexadecimal digest of kind and content: its name does not count."""
    label: str
    """What people know it by."""
    roles: Mapping[str, Ref]
    """`source`, `source.kind`."""


@dataclass
class Step:
    """One run of one stage: what it reads, what it gave, what is to be done."""

    name: str
    """`<stage>` or `<stage>:<hexadecimal>`; never a file name, since doit reads `*` and `=` in names."""
    row: Stage
    unit: str = ""
    """The source's or the group's key."""
    label: str = ""
    after: tuple[str, ...] = ()
    state: State = State.WAIT
    why: str = ""
    facts: Facts | None = None
    key: Digest | None = None
    bound: Mapping[str, Bound] = field(default_factory=dict)
    outs: Outs | None = None
    did: str = ""
    """`ran`, `restored` or `up to date`, once it is settled."""

    @property
    def title(self) -> str:
        """The stage, and what it works on."""
        return f"{self.row.name} {self.label}".rstrip()


class Site(NamedTuple):
    """What a plan is made of beside the rows."""

    toolchain: Digest
    shared: Mapping[str, Ref]
    """Roles that are the same for all steps: sections of the manifest, secrets, committed parts."""
    units: tuple[Unit, ...]
    blobs: Blobs
    receipts: Receipts
    targets: Targets
    on_disk: Callable[[Path], Digest | None]
    """Digest of a file as it lies there, or None."""
    last: Mapping[str, Any]
    """Title of a step -> its facts at the last build, as plain JSON."""
    reserved: frozenset[Path] = frozenset()
    """Folders that hold sources: nothing is laid there."""


class Plan:
    """All steps in the order of the table, each with its state and reason."""

    def __init__(self, rows: Iterable[Stage], site: Site) -> None:
        self.rows = tuple(rows)
        self.site = site
        self.by_name = {row.name: row for row in self.rows}
        self.units = {unit.key: unit for unit in site.units}
        self.steps: dict[str, Step] = {}
        self.claims: dict[Path, str] = {}
        self.open_rows: list[Stage] = []
        self.listener: Callable[[Step], None] = lambda _: None
        self._idle = threading.Condition()
        self._laying = threading.RLock()
        self._busy = 0
        self._stopped = False
        for row in self.rows:
            self._open(row)

    # ------------------------------------------------------------ making steps
    def _open(self, row: Stage) -> None:
        keys = self._units_of(row)
        if keys is None:
            self.open_rows.append(row)
            return
        for unit, label in keys:
            step = Step(_name(row, unit), row, unit, label, after=tuple(self._after(row, unit)))
            self.steps[step.name] = step
            self.decide(step)

    def _units_of(self, row: Stage) -> list[tuple[str, str]] | None:
        if row.per is None:
            return [("", "")]
        if row.per == "source":
            return [(unit.key, unit.label) for unit in self.site.units]
        groups = self.groups
        return None if groups is None else [(group, group) for group in sorted(groups)]

    @property
    def groups(self) -> Mapping[str, Digest] | None:
        """Group -> digest of its part, once the row that splits is settled."""
        for row in self.rows:
            if row.splits:
                outs = self.steps[row.name].outs if row.name in self.steps else None
                found = outs[row.splits] if outs is not None else None
                return found if isinstance(found, Mapping) else None
        return {}

    def reopen(self) -> list[Step]:
        """Make the steps of rows whose groups were not known; called once, after the row that splits."""
        before, rows, self.open_rows = set(self.steps), self.open_rows, []
        for row in rows:
            self._open(row)
        order = {row.name: place for place, row in enumerate(self.rows)}
        self.steps = dict(sorted(self.steps.items(), key=lambda item: order[item[1].row.name]))
        return [step for name, step in self.steps.items() if name not in before]

    def _after(self, row: Stage, unit: str) -> Iterator[str]:
        for role in row.inputs:
            if (producer := self._producer(role)) is not None:
                yield _name(producer, unit) if producer.per == row.per else producer.name

    def _producer(self, role: str) -> Stage | None:
        return self.by_name.get(role.partition(".")[0]) if "." in role else None

    # ------------------------------------------------------------ deciding
    def decide(self, step: Step) -> State:
        """Settle a step's key and state, or say what it waits for."""
        bound: dict[str, Bound] = {}
        for role in step.row.inputs:
            found = self._bind(step, role)
            if isinstance(found, str):
                step.state, step.why = State.WAIT, f"waits for {found}"
                return step.state
            bound[role] = found
        step.bound = bound
        step.facts = Facts(step.row.name, self.site.toolchain, _params(bound), _contents(bound))
        step.key = action_key(step.facts)
        step.state, step.why = self._judge(step, reason(self.site.last.get(step.title), step.facts))
        return step.state

    def _judge(self, step: Step, why: str) -> tuple[State, str]:
        assert step.key is not None
        outs = self.site.receipts.get(step.key)
        if outs is None or set(outs) != set(step.row.outputs):
            return State.RUN, why
        changed = step.facts is not None and self.site.last.get(step.title) != step.facts.plain()
        try:
            edited = next(self._edited(step, outs), "")
        except BlobLost:
            return State.RUN, "a blob was lost"
        if any(not self.site.blobs.has(digest) for digest in _digests(outs)) and not self._refill(step, outs):
            return State.RUN, "a blob was lost"
        step.outs = outs
        known = f"{why} (known result)" if changed else "nothing changed"
        return (State.RESTORE, edited) if edited else (State.FRESH, known)

    def _edited(self, step: Step, outs: Outs) -> Iterator[str]:
        for laid in self._claimed(step, outs):
            found = self.site.on_disk(laid.path)
            if found != laid.digest:
                yield f"{laid.path.name} is missing" if found is None else f"{laid.path.name} was changed"

    def _refill(self, step: Step, outs: Outs) -> bool:
        """Put lost blobs back from targets that still have their digest."""
        there = {
            laid.digest: laid.path for laid in self.site.targets.of(step.row.name, outs) if self.site.on_disk(laid.path) == laid.digest
        }
        lost = [digest for digest in _digests(outs) if not self.site.blobs.has(digest)]
        if any(digest not in there for digest in lost):
            return False
        return all(self.site.blobs.put(self.site.blobs.files.chunks(there[digest])) == digest for digest in lost)

    def _bind(self, step: Step, role: str) -> Bound | str:
        """What stands behind a role, or the title of what has to be settled first."""
        unit = self.units.get(step.unit)
        if unit is not None and role in unit.roles:
            return unit.roles[role]
        producer = self._producer(role)
        if producer is None:
            return self.site.shared[role]
        output = role.partition(".")[2]
        if producer.per is None:
            return self._single(self.steps[producer.name], output, step)
        if producer.per == step.row.per:
            return self._single(self.steps[_name(producer, step.unit)], output, step)
        return self._fan_in(producer, output)

    def _single(self, source: Step, output: str, step: Step) -> Bound | str:
        if source.outs is None:
            return source.title
        content = source.outs[output]
        if isinstance(content, str):
            return inputs.of_blob(content)
        if step.row.per == "group" and output == source.row.splits:
            return inputs.of_blob(content[step.unit])
        return {key: inputs.of_blob(digest) for key, digest in content.items()}

    def _fan_in(self, producer: Stage, output: str) -> Bound | str:
        if producer in self.open_rows:
            return producer.name
        found: dict[str, Ref] = {}
        for source in (step for step in self.steps.values() if step.row is producer):
            if source.outs is None:
                return source.title
            content = source.outs[output]
            if not isinstance(content, str):
                raise TypeError(f"{producer.name}.{output} is a map and is fanned in")
            found[_fan_key(source)] = inputs.of_blob(content)
        return {key: found[key] for key in sorted(found)}

    # ------------------------------------------------------------ asking
    def stale(self) -> list[Step]:
        """Steps that something has to be done for, or that wait."""
        return [step for step in self.steps.values() if step.state is not State.FRESH]

    def of(self, stage: str) -> list[Step]:
        """The steps of one row, in order."""
        return [step for step in self.steps.values() if step.row.name == stage]

    def commit(self, name: str) -> None:
        """Note, in the main thread, that a step is done."""
        self.listener(self.steps[name])

    # ------------------------------------------------------------ writing (in workers)
    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count a step in and out; raises KeyboardInterrupt once stopped."""
        with self._idle:
            self.going()
            self._busy += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def going(self) -> None:
        """Raises KeyboardInterrupt once stopped: no write after that."""
        if self._stopped:
            raise KeyboardInterrupt

    def stop(self) -> None:
        """Let nothing start or write any more, and wait for those under way."""
        with self._idle:
            self._stopped = True
            self._idle.wait_for(lambda: self._busy == 0, PATIENCE)

    def lay(self, step: Step) -> bool:
        """Write a step's targets from blobs. False if a blob is lost or damaged."""
        assert step.outs is not None
        try:
            self._lay(step, step.outs)
        except BlobLost as lost:
            self.site.blobs.remove(lost.digest)
            return False
        step.did = "restored"
        return True

    def keep(self, step: Step, outs: Outs) -> None:
        """Take the outputs of a run whose blobs are there: targets first, the receipt last. Raises CASK-B002 for other bytes than before."""
        assert step.key is not None
        self.going()
        before = step.outs or self.site.receipts.get(step.key)
        if before is not None and before != outs:
            raise CaskError("CASK-B002", f"{step.title} gave other bytes than before for the same inputs", mend="cask build")
        self._lay(step, outs)
        self.site.receipts.put(step.key, outs)
        step.outs, step.did = outs, "ran"

    def _lay(self, step: Step, outs: Outs) -> None:
        with self._laying:
            for laid in self._claimed(step, outs):
                self.going()
                if self.site.on_disk(laid.path) != laid.digest:
                    _copy(self.site.blobs, laid)

    def _claimed(self, step: Step, outs: Outs) -> list[Laid]:
        """The step's targets, without those of folders with sources, and without those that another step with a smaller label gives."""
        with self._laying:
            mine = [laid for laid in self.site.targets.of(step.row.name, outs) if laid.path.parent not in self.site.reserved]
            for laid in mine:
                self.claims[laid.path] = min(self.claims.get(laid.path, step.title), step.title)
            return [laid for laid in mine if self.claims[laid.path] == step.title]


def _fan_key(source: Step) -> str:
    """A group stands under its id, a source under what it gave: neither its name nor its number nor white space in it reaches a stage."""
    return source.unit if source.row.per == "group" else canon.hexadecimal(canon.digest(source.outs))


def _name(row: Stage, unit: str) -> str:
    return f"{row.name}:{canon.hexadecimal(canon.digest_bytes(unit.encode()))}" if row.per else row.name


def _params(bound: Mapping[str, Bound]) -> dict[str, Any]:
    return {role: inputs.plain(ref) for role, ref in bound.items() if isinstance(ref, Ref) and ref.kind == "value"}


def _contents(bound: Mapping[str, Bound]) -> dict[str, Content]:
    return {role: _content(each) for role, each in bound.items() if not (isinstance(each, Ref) and each.kind == "value")}


def _content(bound: Bound) -> Content:
    return bound.digest if isinstance(bound, Ref) else {key: ref.digest for key, ref in bound.items()}


def _digests(outs: Outs) -> Iterator[Digest]:
    for content in outs.values():
        yield from content.values() if isinstance(content, Mapping) else (content,)


def _copy(blobs: Blobs, laid: Laid) -> None:
    pieces = blobs.chunks(laid.digest)
    with blobs.files.stream(laid.path, private=laid.private) as sink:
        for piece in pieces:
            sink.write(piece)
