"""What a stage reads: references that cross to another process, and the `Inputs` that reads behind them.

A reference names content by its digest. What is read is checked against it, so that a stage never works on other bytes than its
action key says: a damaged blob raises `BlobLost`, a source that changed meanwhile raises CASK-C001.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.ports import Files
from caskmcp.store.blobs import Blobs

T = TypeVar("T")


class Ref(NamedTuple):
    """One input by reference; pickles."""

    kind: Literal["blob", "file", "bytes", "value"]
    """`blob`: in the cache. `file`: at `path`. `bytes`: in `data`. `value`: canonical JSON in `data`, a parameter in the action key."""
    digest: Digest
    path: str = ""
    data: bytes = b""
    stamp: tuple[int, ...] = ()
    """For a file: its stat key when the digest was taken."""


_COMMON: Final[dict[tuple[Digest, Callable[[Any], Any]], Any]] = {}
"""What `common` made last."""

Bound = Ref | Mapping[str, Ref]
"""What stands behind a role: one input, or a fan-in (also an output that is a map) by key."""


def of_value(value: Any) -> Ref:
    """A parameter: a plain JSON value."""
    data = canon.compact(value)
    return Ref("value", canon.digest_bytes(data), data=data)


def of_bytes(data: bytes) -> Ref:
    """An input that lies in memory."""
    return Ref("bytes", canon.digest_bytes(data), data=data)


def of_file(path: Path, digest: Digest, stamp: tuple[int, ...]) -> Ref:
    """An input that is a file of the user, with its stat key when the digest was taken."""
    return Ref("file", digest, path=str(path), stamp=stamp)


def of_blob(digest: Digest) -> Ref:
    """An output of another stage."""
    return Ref("blob", digest)


def plain(ref: Ref) -> Any:
    """The JSON value of a parameter."""
    return json.loads(ref.data)


class BoundInputs:
    """`compiler.pipeline.Inputs` over references."""

    def __init__(self, files: Files, blobs: Blobs, bound: Mapping[str, Bound]) -> None:
        self.files = files
        self.blobs = blobs
        self.bound = bound

    def value(self, role: str) -> Any:
        """The JSON value of one input; for a fan-in or a map, the values by key, sorted."""
        bound = self.bound[role]
        return self._value(bound) if isinstance(bound, Ref) else {key: self._value(bound[key]) for key in sorted(bound)}

    def common(self, role: str, of: Callable[[Any], T]) -> T:
        """What `of` makes of the JSON value of one input that many steps read, the same object for all of them."""
        ref = self._one(role)
        if (ref.digest, of) not in _COMMON:
            _COMMON.clear()  # the steps of one build share one; what an earlier build read is of no use
            _COMMON[ref.digest, of] = of(self._value(ref))
        made: T = _COMMON[ref.digest, of]
        return made

    def data(self, role: str) -> bytes:
        """The bytes of one input."""
        return b"".join(self.blocks(role))

    def blocks(self, role: str) -> Iterator[bytes]:
        """The bytes of one input in pieces."""
        return self._blocks(self._one(role))

    def size(self, role: str) -> int:
        """How many bytes one input has. Raises BlobLost for a blob that is damaged: whoever asks is about to read parts of it."""
        ref = self._one(role)
        if ref.kind == "file":
            return ref.stamp[2]
        if ref.kind == "blob":
            self.blobs.check(ref.digest)
            return self.files.stat_key(self.blobs.path(ref.digest))[2]
        return len(ref.data)

    def window(self, role: str, low: int, high: int) -> Iterator[bytes]:
        """The bytes from `low` up to `high` of one input, in pieces. A file is as it was when its digest was taken, or CASK-C001."""
        ref = self._one(role)
        if ref.kind in ("bytes", "value"):
            yield ref.data[low:high]
            return
        path = Path(ref.path) if ref.kind == "file" else self.blobs.path(ref.digest)
        yield from self.files.chunks(path, low=low, high=high)
        if ref.kind == "file" and self.files.stat_key(path) != ref.stamp:
            raise _changed(ref)

    def files_of(self, role: str) -> dict[str, bytes]:
        """The bytes of each file of an output that is a map, by name, sorted."""
        bound = self.bound[role]
        if isinstance(bound, Ref):
            raise TypeError(f"{role} is one input, not a map")
        return {key: b"".join(self._blocks(bound[key])) for key in sorted(bound)}

    def _one(self, role: str) -> Ref:
        bound = self.bound[role]
        if not isinstance(bound, Ref):
            raise TypeError(f"{role} is a fan-in: read it by value()")
        return bound

    def _value(self, ref: Ref) -> Any:
        return json.loads(b"".join(self._blocks(ref)))

    def _blocks(self, ref: Ref) -> Iterator[bytes]:
        if ref.kind == "blob":
            return self.blobs.chunks(ref.digest)
        if ref.kind == "file":
            return self._file(ref)
        return iter((ref.data,))

    def _file(self, ref: Ref) -> Iterator[bytes]:
        path = Path(ref.path)
        yield from self.files.chunks(path)
        # The digest was taken before; other content read now would put a receipt under a key that it does not belong to.
        if self.files.stat_key(path) != ref.stamp and canon.digest_stream(self.files.chunks(path)) != ref.digest:
            raise _changed(ref)


def _changed(ref: Ref) -> CaskError:
    return CaskError("CASK-C001", "it was changed while it was read", place=ref.path, mend="cask build")
