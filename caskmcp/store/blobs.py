"""Bytes by their digest, below `cache/blobs`, private. Safe to delete, and not trusted: each read is checked against the name.

Writing needs no sync: a blob that a power cut tore does not have the digest that its name says, and counts as lost.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from caskmcp.canon import Digest, digest_bytes, digest_stream, hexadecimal
from caskmcp.errors import CaskError
from caskmcp.ports import Files, Sink
from caskmcp.store.files import spooled


class BlobLost(Exception):
    """A blob is missing, or does not have the content that its name says. The build makes it again."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(digest)
        self.digest = digest


class Blobs:
    """A folder of blobs. `temporary` is a folder on the same file system for what has no digest yet."""

    def __init__(self, files: Files, folder: Path, temporary: Path) -> None:
        self.files = files
        self.folder = folder
        self.temporary = temporary

    def path(self, digest: Digest) -> Path:
        """Where a blob lies."""
        name = hexadecimal(digest)
        return self.folder / name[:2] / name[2:]

    def has(self, digest: Digest) -> bool:
        """Whether a blob is there; its content is checked when it is read."""
        return self.files.exists(self.path(digest))

    def put(self, data: bytes | Iterable[bytes]) -> Digest:
        """Store bytes, or pieces of bytes as they come. Written even if it is there: that mends a damaged one."""
        if isinstance(data, bytes):
            digest = digest_bytes(data)
            self.files.write(self.path(digest), data, private=True, durable=False)
            return digest
        with spooled(self.temporary) as (sink, move):
            digest = digest_stream(_through(data, sink))
            move(self.path(digest))
        return digest

    def get(self, digest: Digest) -> bytes:
        """All bytes of a blob. Raises BlobLost."""
        return b"".join(self.chunks(digest))

    def chunks(self, digest: Digest) -> Iterator[bytes]:
        """The bytes of a blob in pieces, after all of them were checked. Raises BlobLost before the first piece."""
        self.check(digest)
        return self.files.chunks(self.path(digest))

    def check(self, digest: Digest) -> None:
        """Raises BlobLost if the blob is missing or has another content than its name says."""
        try:
            found = digest_stream(self.files.chunks(self.path(digest)))
        except CaskError as cause:
            if cause.code != "CASK-I002":
                raise
            raise BlobLost(digest) from cause
        if found != digest:
            raise BlobLost(digest)

    def remove(self, digest: Digest) -> None:
        """Drop a blob that is damaged."""
        self.files.remove(self.path(digest))


def _through(pieces: Iterable[bytes], sink: Sink) -> Iterator[bytes]:
    for piece in pieces:
        sink.write(piece)
        yield piece
