"""One file on its way in: which kind it is, what the compiler's stage `capture` makes of it, and how to tell a person. Writes nothing."""

import gc
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.compiler.capture.sources.kinds import HEAD, KINDS, is_document, kind_of
from caskmcp.compiler.capture.stage import Item, redacted
from caskmcp.compiler.pipeline import STAGES
from caskmcp.engine import inputs
from caskmcp.engine.faults import worded
from caskmcp.engine.inputs import Bound, BoundInputs
from caskmcp.errors import AGAIN, CaskError
from caskmcp.load import load
from caskmcp.model.project import Project
from caskmcp.ports import Files, World
from caskmcp.store import pipes
from caskmcp.store.blobs import Blobs
from caskmcp.store.layout import Root
from caskmcp.store.spool import Spool
from caskmcp.workflows import brunofolder, nearby, specfiles
from caskmcp.workflows.nearby import Seen

SELDOM: Final = (200_000, 50, 50)
"""How seldom the collector looks: decoded bodies are freed by their counts, and looking at all of them costs a fifth of an import."""
LONG: Final = 16 << 20
"""Bytes of a file from which progress is told."""
PIPED: Final = frozenset(row.kind for row in KINDS if row.role == "recording")
"""Kinds that may come through a pipe."""
NAMED: Final = 3
"""Broken entries that are named; the receipt beside the capture names more."""


class Named(NamedTuple):
    """A file that was given."""

    label: str
    """As it was given."""
    kind: str
    """A key of `SOURCES`."""
    path: Path
    digest: Digest
    """Of its content."""
    packed: bytes | None = None
    """The document with the files that it refers to; None for one file."""


@dataclass(frozen=True)
class Taken:
    """What the stage made of a file, or of what a recorder gave."""

    label: str
    """The file as it was given, or what a recorder calls itself."""
    kind: str
    file: Named | None
    """None for a recorder."""
    head: Mapping[str, Any]
    """As `CaptureHead`."""
    head_data: bytes
    exchanges: Spool
    """Redacted, as they are kept."""


def name(world: World, given: str, kind: str | None = None) -> Named:
    """Look at a file (or a folder of Bruno, or a pipe) that was given. kind: what it is, if that is said.

    Raises CASK-I002 for a missing one, CASK-C001 for one of no known kind, and what `pipes.read` raises.
    """
    path = pipes.path_of(given, world.cwd)
    if (data := pipes.read(path)) is not None:
        return _piped(given, kind, path, data)
    if world.files.is_folder(path) and kind in (None, brunofolder.KIND):
        folder = brunofolder.content(world.files, path, given)
        return Named(given, brunofolder.KIND, path, canon.digest_bytes(folder), folder)
    kind = kind or nearby.kind_of(world.files, path)
    if kind is None:
        raise _unknown(given)
    packed = specfiles.content(world.files, kind, path)
    digest = canon.digest_stream(world.files.chunks(path)) if packed is None else canon.digest_bytes(packed)
    return Named(given, kind, path, digest, packed)


def _unknown(given: str) -> CaskError:
    what = f"this is of no kind that is known here ({', '.join(row.kind for row in KINDS)})"
    return CaskError("CASK-C001", what, place=given, mend="cask capture import --help")


def _piped(given: str, kind: str | None, path: Path, data: bytes) -> Named:
    """What came through a pipe: a recording, known by its first bytes, since it has no name. A document has to lie where a build finds it."""
    kind = kind or kind_of("", data[:HEAD])
    if kind is None:
        raise _unknown(given)
    if kind not in PIPED:
        what = f"`{kind}` is taken from a file; through a pipe comes a recording ({', '.join(sorted(PIPED))})"
        raise CaskError("CASK-C001", what, place=given, mend="cask capture import FILE")
    return Named(given, kind, path, canon.digest_bytes(data), data)


def read(files: Files, root: Root, project: Project, named: Named, key: bytes, tell: Callable[[str], None] | None = None) -> Taken:
    """Run the stage on one file. Raises what it raises, with the file's name. tell: takes lines of progress, the last one empty."""
    row = next(row for row in STAGES if row.name == "capture")
    sections = project.model_dump(mode="json", by_alias=True)
    content = (
        inputs.of_file(named.path, named.digest, files.stat_key(named.path)) if named.packed is None else inputs.of_bytes(named.packed)
    )
    bound = {
        "source": content,
        "source.kind": inputs.of_value(named.kind),
        "project.hosts": inputs.of_value(sections["hosts"]),
        "project.keep": inputs.of_value(sections["keep"]),
        "project.redact": inputs.of_value(sections["redact"]),
        "secret.redaction": inputs.of_bytes(key),
    }
    blobs = Blobs(files, root.blobs, root.cache / "tmp")
    size = files.stat_key(named.path)[2]
    given = BoundInputs(files, blobs, bound) if tell is None or size < LONG else _Watched(files, blobs, bound, named.label, size, tell)
    return _taken(lambda: load(row.run)(given), named.label, named.kind, named)


class _Watched(BoundInputs):
    """Inputs that tell how much of the source was read, once for each hundredth of it."""

    def __init__(self, files: Files, blobs: Blobs, bound: Mapping[str, Bound], label: str, size: int, tell: Callable[[str], None]) -> None:
        super().__init__(files, blobs, bound)
        self._label, self._size, self._tell = label, size, tell

    def blocks(self, role: str) -> Iterator[bytes]:
        """As `BoundInputs.blocks`. The line goes when the source ends, however it does."""
        if role != "source":
            yield from super().blocks(role)
            return
        read, told = 0, -1
        try:
            for block in super().blocks(role):
                read += len(block)
                if (share := 100 * read // self._size) != told:
                    told = share
                    self._tell(f"{self._label}: {share} % of {self._size >> 20} MiB")
                yield block
        finally:
            self._tell("")


def record(project: Project, items: Iterable[Item], key: bytes, *, kind: str, label: str, named: Named | None = None) -> Taken:
    """Run the stage on what a recorder or a conversion gives, as it comes. Raises what both raise, with the label.

    named: the file that is converted.
    """
    sections = project.model_dump(mode="json", by_alias=True)
    return _taken(
        lambda: redacted(items, kind=kind, hosts=sections["hosts"], redact=sections["redact"], key=key, keep=sections["keep"]),
        label,
        kind,
        named,
    )


def _taken(run: Callable[[], Mapping[str, Any]], label: str, kind: str, named: Named | None) -> Taken:
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        outputs = run()
        exchanges, head = Spool(_pieces(outputs["exchanges"])), b"".join(_pieces(outputs["head"]))
    except CaskError as cause:
        raise _mended(worded(cause, "capture", label), named) from cause
    finally:
        gc.set_threshold(*before)
    return Taken(label, kind, named, json.loads(head), head, exchanges)


def _pieces(output: bytes | Iterable[bytes]) -> Iterable[bytes]:
    return [output] if isinstance(output, bytes) else output


def _mended(error: CaskError, named: Named | None) -> CaskError:
    """The stage does not know the command. Where another host is the mend, the mend is this command with that host."""
    other = re.search(r"hosts seen: ([^,;]+)", error.what)
    if error.code != "CASK-C003" or other is None:
        return error
    command = AGAIN if named is None else f"cask capture import {shlex.quote(named.label)}"
    return CaskError(error.code, error.what, place=error.place, mend=f"{command} -a {shlex.quote(other[1])}")


def seen(taken: Iterable[Taken]) -> Seen:
    """Host -> how its requests authenticated."""
    pairs = {(host, way) for each in taken for host, way, _ in each.head.get("auth", ())}
    return {host: tuple(sorted(word for other, word in pairs if other == host)) for host in sorted({host for host, _ in pairs})}


def told(taken: Taken) -> Iterator[str]:
    """What was kept, what was left out with the reason, and what the recording does not hold."""
    kept, what = taken.head["kept"], _unit(taken)
    left = ", ".join(f"{count} {reason}" for reason, count in taken.head.get("skipped", ()))
    yield f"{taken.label}: {kept} {what}{'' if kept == 1 else 's'}" + (f"; left out: {left}" if left else "")
    yield from (f"  {place}: {problem}" for place, problem in taken.head.get("broken", ())[:NAMED])
    if hosts := taken.head.get("hosts", ()):
        yield f"  hosts that are not yours: {', '.join(f'{host} ({count})' for host, count in hosts)}"
    if compiled := taken.head.get("compiled", 0):
        yield f"  {compiled} of them come from a document that was compiled here: they add no evidence, and lower no risk"
    yield from _left(taken.head)
    yield from _authenticated(taken.head)
    if bare := taken.head.get("no_body", 0):
        yield f"  {bare} entries had no body: schemas inferred from {kept - bare}"
    if restored := taken.head.get("restored", ()):
        yield f"  kept as you asked: {', '.join(f'{count} {reason}' for reason, count in restored)}"


def _unit(taken: Taken) -> str:
    """What is counted."""
    if taken.head.get("proposed"):
        return "proposal"
    return "operation" if is_document(taken.kind) else "exchange"


def _left(head: Mapping[str, Any]) -> Iterator[str]:
    """Requests of first parties that were left out, by reason."""
    left = head.get("left", ())
    for reason in sorted({reason for reason, _, _ in left}):
        rows = sorted(((count, label) for other, label, count in left if other == reason), key=lambda row: (-row[0], row[1]))[:NAMED]
        yield f"  {reason}: {', '.join(f'{label} ({count})' for count, label in rows)}; kept with --keep {shlex.quote(reason)}"


def _authenticated(head: Mapping[str, Any]) -> Iterator[str]:
    """How each host's requests authenticated: the scheme and the name, never a value. More than one way is flagged."""
    rows = head.get("auth", ())
    for host in sorted({host for host, _, _ in rows}):
        ways = [f"{way} ({count})" for other, way, count in rows if other == host]
        yield f"  {host} authenticates by {', '.join(ways)}" + ("; mixed: more than one way" if len(ways) > 1 else "")
