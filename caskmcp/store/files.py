"""The real file system behind `ports.Files`: whole-file writes that survive a crash, private modes, journals, globs that stay inside.

Promises: a file appears as a whole or not at all, with its folder synced; a private file is never readable by others, not even for a
moment; nothing outside `base` comes out of a glob; each refusal of the disk is a CaskError with path and mend. A killed writer can
leave one temporary file: below a root it lies in `cache/tmp` (which `sweep` empties), elsewhere beside its target, where the next
write of the same file removes it. What lies where under the root is `layout`'s; who may write when is the callers' lock.
"""

import errno
import fcntl
import os
import shlex
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.ports import Sink
from caskmcp.store import globs
from caskmcp.store.replacing import MARK, SUFFIX, TEMPORARY, Pieces, create, make_folders, remove_left, replacing

_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL})
_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LocalFiles:
    """`ports.Files` on the local disk."""

    def read(self, path: Path, limit: int | None = None) -> bytes:
        """All bytes of a file; CASK-C005 beyond `limit`."""
        with _reading(path), open(path, "rb", opener=_regular) as file:
            data = file.read() if limit is None else file.read(limit + 1)
        if limit is not None and len(data) > limit:
            raise CaskError("CASK-C005", f"larger than {limit} bytes", place=str(path), mend=f"ls -l {shlex.quote(str(path))}")
        return data

    def chunks(self, path: Path, size: int = 1 << 20, *, low: int = 0, high: int | None = None) -> Iterator[bytes]:
        """The bytes of a file, from `low` up to `high`, in pieces of at most `size`."""
        with _reading(path):
            file = open(path, "rb", buffering=0, opener=_regular)  # noqa: SIM115 - closed by the with below, after the errors of opening are told apart
        with file:
            if low:
                file.seek(low)
            left = sys.maxsize if high is None else high - low
            while left > 0 and (piece := _piece(file.fileno(), min(size, left), path)):
                left -= len(piece)
                yield piece

    def write(self, path: Path, data: bytes, *, private: bool = False, durable: bool = True) -> None:
        """Replace a file as a whole; its folders are made. `private`: file 0600, new folders 0700. `durable=False` skips the fsync."""
        with _replacing(path, private=private, durable=durable) as sink:
            sink.write(data)

    def stream(self, path: Path, *, private: bool = False) -> AbstractContextManager[Sink]:
        """Write a file in pieces; it appears as a whole when the context ends well, and not at all otherwise."""
        return _replacing(path, private=private, durable=True)

    def append(self, path: Path, line: bytes, *, private: bool = True, durable: bool = True) -> None:
        """Append one line to a journal; a torn last line of an earlier crash is cut first. A link is refused: it is somebody else's file."""
        with _writing(path):
            handle = _journal(path, private=private)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)  # released when the handle closes, and by the kernel after a kill
                _append(handle, line.rstrip(b"\n") + b"\n")
                if durable:
                    os.fsync(handle)
            finally:
                os.close(handle)

    def sync(self, path: Path) -> None:
        """Bring what was appended to a journal to the disk, whoever appended it."""
        with _writing(path):
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def remove(self, path: Path) -> None:
        """Remove a file; absent is well."""
        with _writing(path), suppress(FileNotFoundError):  # absent is well
            os.unlink(path)

    def remove_tree(self, path: Path) -> None:
        """Remove a folder with all that is in it; absent is well. Links are removed, never followed."""
        with _writing(path), suppress(FileNotFoundError):  # absent is well
            _remove_tree(path)

    def exists(self, path: Path) -> bool:
        """Whether something is there."""
        return os.path.exists(path)

    def is_folder(self, path: Path) -> bool:
        """Whether a folder is there."""
        return os.path.isdir(path)

    def listing(self, path: Path) -> tuple[str, ...]:
        """Sorted names in a folder; empty if there is none."""
        with _writing(path):  # a folder that may not be read is the disk's refusal, an absent one is empty
            try:
                return tuple(sorted(os.listdir(path)))
            except (FileNotFoundError, NotADirectoryError):
                return ()

    def glob(self, base: Path, pattern: str) -> tuple[Path, ...]:
        """Sorted files below `base` that match; `**` is allowed. Nothing outside `base` is returned.

        As in a shell, `*` and `**` pass over names that begin with a dot. CASK-I005 for an absolute pattern or one with `..`.
        """
        with _writing(base):  # a folder that may not be read is the disk's refusal
            return globs.files_below(base, pattern)

    def mode(self, path: Path) -> tuple[int, int]:
        """(permission bits, owner's user id)."""
        with _reading(path):
            status = os.stat(path)
        return stat.S_IMODE(status.st_mode), status.st_uid

    def stat_key(self, path: Path) -> tuple[int, int, int, int, int]:
        """(device, inode, size, mtime_ns, ctime_ns), for a git-like index."""
        with _reading(path):
            status = os.stat(path)
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

    def stat_keys(self, paths: Iterable[Path]) -> tuple[tuple[int, int, int, int, int] | str, ...]:
        """The key of each, in order; where there is none, the name of the reason."""
        return tuple(_key(path) for path in paths)

    def lock(self, path: Path, timeout: float) -> AbstractContextManager[None]:
        """Hold an exclusive lock between processes; CASK-B003 after `timeout` seconds."""
        with _writing(path):
            make_folders(path.parent, private=True)
        return load("store.locks:hold")(path, timeout)  # type: ignore[no-any-return]


def _key(path: Path) -> tuple[int, int, int, int, int] | str:
    try:
        status = os.stat(path)
    except (OSError, ValueError) as gone:
        return type(gone).__name__
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def prepare(root: Path) -> None:
    """Make the folder for temporary files below a root, so that a kill leaves none beside an artifact."""
    with _writing(root):
        make_folders(root.joinpath(*TEMPORARY), private=True)
        mark = root / TEMPORARY[0] / MARK
        if not mark.exists():
            LocalFiles().write(mark, b"Signature: 8a477f597d28d172789f06886806bc55\n# Made by CaskMCP; safe to delete.\n", private=True)


def refuse_links_out(root: Path, folders: Iterable[Path]) -> None:
    """Raise CASK-I005 if a folder below a root is a link that leads out of it: a checkout must not say where else files are written."""
    inside = os.path.realpath(root)
    for folder in folders:
        if not globs.within(str(folder), inside):
            raise CaskError(
                "CASK-I005",
                "a folder under the root is a link that leads out of it",
                place=str(folder),
                mend=f"rm {shlex.quote(str(folder))}",
            )


def sweep(root: Path) -> None:
    """Remove what killed writers left in the folder for temporary files; call it under the lock of the root."""
    folder = root.joinpath(*TEMPORARY)
    for name in LocalFiles().listing(folder):
        if name.endswith(SUFFIX):
            with _writing(folder / name):
                remove_left(folder / name)


@contextmanager
def spooled(folder: Path) -> Iterator[tuple[Sink, Callable[[Path], None]]]:
    """A private file in the making whose name is known only at its end: (where pieces go, what gives it its name). Not synced."""
    with _writing(folder):
        make_folders(folder, private=True)
        temporary, handle = create(folder, "", 0o600)
        try:
            yield Pieces(handle), lambda path: _name(temporary, path)
        finally:
            os.close(handle)
            with suppress(FileNotFoundError):  # it has its name: nothing is left
                os.unlink(temporary)


def _name(temporary: str, path: Path) -> None:
    make_folders(path.parent, private=True)
    os.replace(temporary, path)


@contextmanager
def _replacing(path: Path, *, private: bool, durable: bool) -> Iterator[Sink]:
    with _writing(path), replacing(path, private=private, durable=durable) as sink:
        yield sink


# ---------------------------------------------------------------- journals
def _journal(path: Path, *, private: bool) -> int:
    """Open a journal. Its folders are there for every line but the first, so they are made where the file cannot be."""
    how, mode = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600 if private else 0o666
    try:
        return os.open(path, how, mode)
    except FileNotFoundError:
        make_folders(path.parent, private=private)
        return os.open(path, how, mode)


def _append(handle: int, line: bytes) -> None:
    end = _whole_lines(handle)
    if end != os.fstat(handle).st_size:
        os.ftruncate(handle, end)
    try:
        os.lseek(handle, end, os.SEEK_SET)
        Pieces(handle).write(line)
    except OSError:
        os.ftruncate(handle, end)
        raise


def _whole_lines(handle: int) -> int:
    """Size of the file up to its last line end."""
    end = os.fstat(handle).st_size
    while end:
        start = max(0, end - 4096)
        if (cut := os.pread(handle, end - start, start).rfind(b"\n")) >= 0:
            return start + cut + 1
        end = start
    return 0


def _remove_tree(path: Path) -> None:
    if os.path.islink(path) or not os.path.isdir(path):
        os.unlink(path)
        return
    with os.scandir(path) as entries:
        names = [entry.name for entry in entries]
    for name in names:
        _remove_tree(path / name)
    os.rmdir(path)


# ---------------------------------------------------------------- errors
def _regular(path: str, flags: int) -> int:
    """Open a file to read it. A pipe or device is refused, not waited for: nobody may ever write to it. Folders are refused by `open`."""
    handle = os.open(path, flags | os.O_NONBLOCK)
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return handle
    os.close(handle)
    raise CaskError("CASK-I002", "this is no regular file", place=str(path), mend=f"ls -l {shlex.quote(str(path))}")


def _piece(handle: int, size: int, path: Path) -> bytes:
    with _reading(path):
        return os.read(handle, size)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except IsADirectoryError as cause:
        mend = f"ls -ld {shlex.quote(str(path))}"
        raise CaskError("CASK-I002", "this is a folder, a file is needed", place=str(path), mend=mend) from cause
    except OSError as cause:
        if cause.errno in _ABSENT:
            mend = f"ls {shlex.quote(str(path.parent))}"
            raise CaskError("CASK-I002", "there is no such file", place=str(path), mend=mend) from cause
        raise _refusal(cause, path) from cause
    except ValueError as cause:  # a NUL in the path
        raise CaskError("CASK-I002", f"this is no path: {cause}", place=repr(str(path)), mend="write the path without it") from cause


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        raise _refusal(cause, path) from cause
    except ValueError as cause:  # a NUL in the path
        raise CaskError("CASK-I002", f"this is no path: {cause}", place=repr(str(path)), mend="write the path without it") from cause


def _refusal(cause: OSError, path: Path) -> CaskError:
    """What the disk says, as an error whose mend shows the reason."""
    nearest = next((each for each in (path, *path.parents) if os.path.lexists(each)), path)
    shown = shlex.quote(str(nearest))
    mend = f"df -h {shown}" if cause.errno in _SPACE else f"ls -ld {shown}"
    return CaskError("CASK-W001", (cause.strerror or str(cause)).lower(), place=str(path), mend=mend)
