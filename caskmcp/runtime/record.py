"""The record: the line that each decision leaves, and the chain that the lines stand in.

A line says who asked for what, what was decided and by which rule; digests, never arguments. Promises: each server writes segments of its own,
so chains never interleave; a line names the digest of the one before; a segment is closed with a seal; an opening names whatever else has
grown, so that a segment which is gone, or was cut after it was named, shows. Who checks that is `analyze.audit`.
"""

import base64
import threading
from pathlib import Path
from typing import Any, Final

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.model.audit import SUFFIX, Before, Opening, Seal, Sealed
from caskmcp.model.decision import Decision, Entry
from caskmcp.ports import Entropy, Files, Sealer
from caskmcp.store import segments
from caskmcp.text import MAX_DEPTH, is_deeper

LARGEST: Final = 4 << 20
"""Bytes of a segment; then it is sealed and the next one is opened."""
GROUP: Final = 64
"""Lines of reads that a power cut may take: then the disk is made to take them."""
LOCK: Final = "lock"
WAIT: Final = 10.0
"""Seconds to wait for another server that opens a segment."""


class Journal:
    """The record under `state/audit/`, as one server writes it. Thread-safe; nothing is there before the first line."""

    def __init__(self, files: Files, folder: Path, entropy: Entropy, sealer: Sealer) -> None:
        self._files = files
        self._folder = folder
        self._entropy = entropy
        self._sealer = sealer
        self._lock = threading.Lock()
        self._series = ""
        self._number = 0
        self._path: Path | None = None
        self._first = self._sequence = self._size = self._waiting = 0
        self._last = ""
        self._toolpacks: set[str] = set()

    @property
    def due(self) -> bool:
        """Whether the next line takes the disk's time: it brings those that wait with it, or it begins a segment."""
        return self._waiting >= GROUP or self._path is None or self._size >= LARGEST

    def append(self, entry: Entry, *, durable: bool) -> None:
        """Put one line on record; durable: it survives a power cut, and so does every line before it.

        Raises CASK-W001: a call whose record cannot be written is not made. CASK-K001, K002 for a key that cannot seal.
        """
        with self._lock:
            path = self._room(entry.at)
            self._put(path, entry.model_dump(mode="json"))
            self._toolpacks.add(entry.toolpack)
            self._waiting += 1
        if durable:  # outside of the lock: others write while the disk is at it
            self._waiting = 0
            self._files.sync(path)

    def close(self) -> None:
        """Seal what is open. A line after this begins a new segment."""
        with self._lock:
            if self._path is not None:
                self._seal(self._path)

    def _room(self, at: str) -> Path:
        """The open segment; a full one is sealed first."""
        if self._path is not None and self._size >= LARGEST:
            self._seal(self._path)
        if self._path is None:
            self._path = self._opened(at)
        return self._path

    def _opened(self, at: str) -> Path:
        with self._files.lock(self._folder / LOCK, WAIT):
            self._sealer.key  # noqa: B018 - made or read now: that nothing can be sealed is said before the first line
            name = self._name()
            opening = Opening(segment=name, at=at, sequence=self._sequence + 1, prev=self._last, before=grown(self._files, self._folder))
            line = canon.compact(opening.model_dump(mode="json", by_alias=True))
            self._files.write(self._folder / name, line + b"\n", private=True)
        self._number += 1
        self._first = opening.sequence
        self._toolpacks = set()
        self._size = 0
        self._count(line)
        return self._folder / name

    def _name(self) -> str:
        """Of the next segment: in no case one that is there."""
        while True:
            self._series = self._series or self._entropy.token(8).hex()
            name = f"{self._series}-{self._number + 1:04d}{SUFFIX}"
            if self._number or not self._files.exists(self._folder / name):
                return name
            self._series = ""

    def _put(self, path: Path, fields: dict[str, Any], *, durable: bool = False) -> None:
        line = canon.compact({**fields, "sequence": self._sequence + 1, "prev": self._last})
        self._files.append(path, line, private=True, durable=durable)
        self._count(line)

    def _count(self, line: bytes) -> None:
        self._sequence += 1
        self._last = canon.digest_bytes(line)
        self._size += len(line) + 1

    def _seal(self, path: Path) -> None:
        toolpacks = tuple(sorted(self._toolpacks))
        seal = Seal(segment=path.name, toolpacks=toolpacks, first=self._first, last=self._sequence, digest=self._last)
        signature = self._sealer.seal(canon.dump(seal.payload()))
        row = Sealed(sequence=self._sequence + 1, prev=self._last, seal=seal, key=self._sealer.key, signature=encoded(signature))
        self._put(path, row.model_dump(mode="json", by_alias=True), durable=True)
        self._path = None
        self._waiting = 0


def encoded(signature: bytes) -> str:
    """Canonical base64."""
    return base64.b64encode(signature).decode("ascii")


def grown(files: Files, folder: Path) -> tuple[Before, ...]:
    """Each segment of the folder that has another size than the last opening that names it says."""
    names = segments.names(files, folder)
    known: dict[str, set[int]] = {}
    for name in names:
        for row in _before(segments.first_line(files, folder / name)):
            known.setdefault(row.segment, set()).add(row.size)
    return tuple(_as_it_stands(files, folder / name) for name in names if segments.size(files, folder / name) not in known.get(name, ()))


def _before(line: bytes) -> tuple[Before, ...]:
    """What an opening names; nothing where the line is none: that is for who verifies to say."""
    try:
        return Opening.from_json(line, "opening").before
    except CaskError:
        return ()


def _as_it_stands(files: Files, path: Path) -> Before:
    segment = segments.read(files, path)
    digest = canon.digest_bytes(segment.lines[-1] if segment.lines else b"")
    return Before(segment=segment.name, lines=len(segment.lines), digest=digest, size=segment.size, torn=bool(segment.torn))


def digest_of(arguments: Any) -> str:
    """Digest of the canonical arguments. Raises CASK-I003 for what has no canonical form, and for what nests deeper than any document of ours."""
    if is_deeper(arguments, MAX_DEPTH):
        raise CaskError("CASK-I003", "nested too deep")
    try:
        return str(canon.digest(arguments))
    except ValueError as cause:  # an integer of thousands of digits
        raise CaskError("CASK-I003", "the value has no canonical form") from cause


def entry(
    decision: Decision, *, at: str, toolpack: str, lock: str, tool: str, caller: str, arguments: str, status: int = 0, extra: dict[str, Any]
) -> Entry:
    """One line. tool: as asked for, cut; an agent chooses it."""
    return Entry(
        at=at,
        toolpack=toolpack,
        lock=lock,
        tool=tool[:64],
        caller=caller,
        arguments=arguments,
        verdict=decision.verdict,
        step=decision.step,
        rule=decision.rule,
        code=decision.code,
        status=status,
        extra=extra,
    )
