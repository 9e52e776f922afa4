"""A small pipeline of pure stages with names of its own, and a bench that builds it: what the tests of `engine` run.

A source is a text file of lines `GROUP WORD`. White space at line ends does not count, so that an edit can come to the same outputs.
`calls` counts the runs of each stage in this process.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.compiler.pipeline import Inputs, Outputs, Stage
from caskmcp.engine import inputs as refs
from caskmcp.engine.perform import Pool
from caskmcp.engine.plan import Plan, Site, Step, Unit
from caskmcp.engine.runner import run
from caskmcp.engine.targets import Target, Targets
from caskmcp.errors import CaskError
from caskmcp.store.blobs import Blobs
from caskmcp.store.files import LocalFiles, prepare
from caskmcp.store.index import Index
from caskmcp.store.layout import Root
from caskmcp.store.receipts import Receipts

# fmt: off
ROWS: Final = (
    Stage("read",  "source", ("source", "source.kind"),          ("lines", "head"),  "read"),
    Stage("count", "source", ("read.lines", "project.case"),     ("tally",),         "count"),
    Stage("join",  None,     ("count.tally", "committed.parts"), ("all", "groups"),  "join", "groups"),
    Stage("look",  "group",  ("join.groups",),                   ("view",),          "look"),
    Stage("mark",  "group",  ("look.view", "project.marks"),     ("note",),          "mark"),
    Stage("write", None,     ("mark.note", "look.view"),         ("files",),         "write"),
    Stage("seal",  None,     ("write.files",),                   ("lock",),          "seal"),
)
TARGETS: Final = (
    Target("read.lines",  "captures/{id}/lines.txt", private=True, named_by="head"),
    Target("join.all",    "packs/{pack}/all.json"),
    Target("write.files", "packs/{pack}/files/{file}"),
    Target("seal.lock",   "packs/{pack}/lock.txt"),
)
# fmt: on

calls: Counter[str] = Counter()


def read(inputs: Inputs) -> Outputs:
    text = b"".join(inputs.blocks("source")).decode()
    if "BAD" in text:
        raise CaskError("CASK-C001", "a word is bad", place=f"line {text.split(chr(10)).index('BAD') + 1}")
    if "BUG" in text:
        raise KeyError("entries")
    if "NAP" in text:
        time.sleep(0.3)
    lines = sorted(line.strip() for line in text.splitlines() if line.strip())
    data = "\n".join(lines).encode()
    return {"lines": iter([data[:3], data[3:]]), "head": canon.compact({"id": hashlib.sha256(data).hexdigest()})}


def count(inputs: Inputs) -> Outputs:
    tally: Counter[str] = Counter(filter(None, inputs.data("read.lines").decode().split("\n")))
    folded = {key.upper() if inputs.value("project.case") == "upper" else key: number for key, number in tally.items()}
    return {"tally": canon.compact(folded)}


def join(inputs: Inputs) -> Outputs:
    total: Counter[str] = Counter()
    for tally in (*inputs.value("count.tally").values(), *inputs.value("committed.parts").values()):
        total.update(tally)
    groups: dict[str, dict[str, int]] = {}
    for line, number in sorted(total.items()):
        group, _, word = line.partition(" ")
        groups.setdefault(group, {})[word] = number
    return {"all": canon.pretty(groups), "groups": {name: canon.compact(words) for name, words in groups.items()}}


def look(inputs: Inputs) -> Outputs:
    return {"view": canon.compact(sorted(inputs.value("join.groups")))}


def mark(inputs: Inputs) -> Outputs:
    return {"note": canon.compact([word + inputs.value("project.marks") for word in inputs.value("look.view")])}


def write(inputs: Inputs) -> Outputs:
    views, notes = inputs.value("look.view"), inputs.value("mark.note")
    return {"files": {f"{name}.json": canon.pretty([views[name], notes[name]]) for name in sorted(views)}}


def seal(inputs: Inputs) -> Outputs:
    return {"lock": json.dumps(sorted(inputs.value("write.files"))).encode()}


_STAGES: Final[Mapping[str, Any]] = {
    "read": read,
    "count": count,
    "join": join,
    "look": look,
    "mark": mark,
    "write": write,
    "seal": seal,
}


def resolve(name: str) -> Any:
    """The stage of a row; each run is counted."""

    def counted(inputs: Inputs) -> Outputs:
        calls[name] += 1
        outputs: Outputs = _STAGES[name](inputs)
        return outputs

    return counted


class Bench:
    """A root with sources, and a build of the toy pipeline over it."""

    def __init__(self, folder: Path) -> None:
        self.files = LocalFiles()
        self.sources = folder / "sources"
        self.root = Root(folder / "root")
        self.params: dict[str, Any] = {"case": "as is", "marks": "!"}
        self.committed: dict[str, Any] = {}
        self.toolchain = "sha256:" + "0" * 64
        self.last: dict[str, Any] = {}
        self.rows = ROWS
        self.resolve = resolve
        self.sources.mkdir()
        prepare(self.root.path)

    def source(self, name: str, text: str) -> Path:
        """Write a source."""
        path = self.sources / name
        path.write_text(text)
        return path

    def plan(self) -> Plan:
        """The plan as things are."""
        index = Index(self.files, self.root.index / "toy")
        blobs = Blobs(self.files, self.root.blobs, self.root.cache / "tmp")
        units = {unit.key: unit for unit in (self._unit(path, index) for path in sorted(self.sources.iterdir(), reverse=True))}
        shared = {f"project.{name}": refs.of_value(value) for name, value in self.params.items()}
        shared["committed.parts"] = refs.of_bytes(canon.compact(self.committed))
        targets = Targets(TARGETS, self.root.path, "toy", blobs)
        receipts = Receipts(self.files, self.root.receipts)
        site = Site(Digest(self.toolchain), shared, tuple(units.values()), blobs, receipts, targets, index.digest, self.last)
        return Plan(self.rows, site)

    def _unit(self, path: Path, index: Index) -> Unit:
        digest = index.digest(path)
        stat = index.now[str(path)].stat
        assert digest is not None
        assert stat is not None
        return Unit(canon.hexadecimal(digest), path.name, {"source": refs.of_file(path, digest, stat), "source.kind": refs.of_value("toy")})

    def build(self, *, jobs: int = 1, pool: Pool | None = None) -> Plan:
        """Build; raises the first failure."""
        plan = self.plan()
        if plan.stale() or plan.open_rows:
            for _, cause in run(plan, jobs=jobs, pool=pool, resolve=self.resolve):
                raise cause
        self.last = {step.title: step.facts.plain() for step in plan.steps.values() if step.facts is not None}
        return plan

    def tree(self) -> dict[str, bytes]:
        """Everything that was laid, by path."""
        places = (self.root.path / "packs", self.root.captures)
        return {
            path.relative_to(self.root.path).as_posix(): path.read_bytes()
            for place in places
            for path in sorted(place.rglob("*"))
            if path.is_file()
        }


def done(plan: Plan) -> dict[str, str]:
    """What was done, by title of the step."""
    return {step.title: step.did or str(step.state) for step in plan.steps.values()}


def worked(plan: Plan) -> list[str]:
    """Titles of the steps that ran or were restored, sorted."""
    return sorted(title for title, did in done(plan).items() if did != "up to date")


def step(plan: Plan, title: str) -> Step:
    """A step by its title."""
    return next(step for step in plan.steps.values() if step.title == title)
