"""The real file system behind `ports.Files`: whole-file writes that survive a crash, private modes, journals, globs that stay inside.

Promises: a file appears as a whole or not at all, with its folder synced; a private file is never readable by others, not even for a
moment; nothing outside `base` comes out of a glob; each refusal of the disk is a CaskError with path and mend. A killed writer can
leave one temporary file: below a root it lies in `cache/tmp` (which `sweep` empties), elsewhere beside its target, where the next
write of the same file removes it. What lies where under the root is `layout`'s; who may write when is the callers' lock.
"""

import errno
import fcntl
import itertools
import os
import shlex
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.ports import Sink
from caskmcp.store import globs, stats

TEMPORARY: Final = ("cache", "tmp")
"""Folder below a root that takes temporary files."""
MARK: Final = "CACHEDIR.TAG"
"""File in `cache/` that tells our cache from a stranger's folder of that name (bford.info/cachedir)."""
SUFFIX: Final = ".cask-tmp"

_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL})
_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_COUNTER: Final = itertools.count()


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
            _make_folders(path.parent, private=private)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600 if private else 0o666)
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
            return stats.key(path)

    stat_keys = staticmethod(stats.keys)

    def lock(self, path: Path, timeout: float) -> AbstractContextManager[None]:
        """Hold an exclusive lock between processes; CASK-B003 after `timeout` seconds."""
        with _writing(path):
            _make_folders(path.parent, private=True)
        return load("store.locks:hold")(path, timeout)  # type: ignore[no-any-return]


def prepare(root: Path) -> None:
    """Make the folder for temporary files below a root, so that a kill leaves none beside an artifact."""
    with _writing(root):
        _make_folders(root.joinpath(*TEMPORARY), private=True)
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
                _remove_left(folder / name)


@contextmanager
def spooled(folder: Path) -> Iterator[tuple[Sink, Callable[[Path], None]]]:
    """A private file in the making whose name is known only at its end: (where pieces go, what gives it its name). Not synced."""
    with _writing(folder):
        _make_folders(folder, private=True)
        temporary, handle = _create(folder, "", 0o600)
        try:
            yield _Pieces(handle), lambda path: _name(temporary, path)
        finally:
            os.close(handle)
            with suppress(FileNotFoundError):  # it has its name: nothing is left
                os.unlink(temporary)


def _name(temporary: str, path: Path) -> None:
    _make_folders(path.parent, private=True)
    os.replace(temporary, path)


# ---------------------------------------------------------------- whole files
class _Pieces:
    """A sink on an open handle."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def write(self, data: bytes, /) -> int:
        """Take a piece, all of it."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.handle, rest) :]
        return len(data)


@contextmanager
def _replacing(path: Path, *, private: bool, durable: bool) -> Iterator[Sink]:
    with _writing(path):
        made = _make_folders(path.parent, private=private)
        temporary, handle = _created(path, 0o600 if private else 0o666)
        try:
            try:
                if private:
                    os.fchmod(handle, 0o600)  # whatever the umask says
                yield _Pieces(handle)
                if durable:
                    os.fsync(handle)
                os.replace(temporary, path)
            finally:
                os.close(handle)
        except BaseException:
            with suppress(OSError):  # the first error is the one to tell; a rest is swept later
                os.unlink(temporary)
            raise
        if durable:
            _sync_folders(path.parent, made)


def _created(path: Path, mode: int) -> tuple[str, int]:
    """A new temporary file for a target, on the target's file system: in the root's own folder if the target lies below a root, else beside
    the target (then what a killed writer of that file left there is removed)."""
    for _ in range(2):
        try:
            return _create(_of_root(str(path.parent)), "", mode)
        except FileNotFoundError:
            _of_root.cache_clear()  # the folder went away
        except LookupError:
            break
    return _create(path.parent, _swept(path), mode)


@lru_cache(maxsize=4096)
def _of_root(folder: str) -> Path:
    """The folder for temporary files of the root that a folder lies below, looked for once. Raises LookupError, each time anew, if there is none."""
    device = os.stat(folder).st_dev
    for above in (Path(folder), *Path(folder).parents):
        place = above.joinpath(*TEMPORARY)
        if os.path.exists(above / TEMPORARY[0] / MARK) and os.path.isdir(place) and os.stat(place).st_dev == device:
            return place
    raise LookupError(folder)


def _swept(path: Path) -> str:
    """The beginning of the names of temporary files beside a target, once those are removed whose writers died."""
    prefix = f".{path.name}."
    for left in (name for name in os.listdir(path.parent) if name.startswith(prefix) and name.endswith(SUFFIX)):
        _remove_left(path.parent / left)
    return prefix


def _create(folder: Path, prefix: str, mode: int) -> tuple[str, int]:
    """A new temporary file, locked as long as it is open: that is how others know that its writer lives."""
    while True:
        path = str(folder / f"{prefix}{os.getpid()}-{next(_COUNTER)}{SUFFIX}")
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        except FileExistsError:
            continue  # of a killed process that had our number; it is swept later
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(path):
            return path, handle
        os.close(handle)  # swept in the moment before it was locked


def _remove_left(path: Path) -> None:
    """Remove a temporary file unless its writer lives. Process numbers would not do: they come again, and the dead can stay listed."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return  # gone meanwhile, or not ours to touch
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    except (BlockingIOError, FileNotFoundError):
        return  # its writer lives, or is done
    finally:
        os.close(handle)


def _make_folders(folder: Path, *, private: bool) -> list[Path]:
    """Make the folders that are missing; returns them, outermost first."""
    if os.path.isdir(folder):
        return []
    missing = list(itertools.takewhile(lambda each: not os.path.isdir(each), (folder, *folder.parents)))[::-1]
    for each in missing:
        with suppress(FileExistsError):  # another thread or process was faster
            os.mkdir(each, 0o700 if private else 0o777)
            if private:
                os.chmod(each, 0o700)
    return missing


def _sync_folders(folder: Path, made: list[Path]) -> None:
    """Make the new names durable: in the file's folder, and of each new folder in its parent."""
    for each in (folder, *(new.parent for new in made)):
        handle = os.open(each, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        except OSError as cause:
            if cause.errno != errno.EINVAL:  # some file systems cannot sync a folder
                raise
        finally:
            os.close(handle)


def _append(handle: int, line: bytes) -> None:
    end = stats.whole_lines(handle)
    os.ftruncate(handle, end)
    try:
        os.lseek(handle, end, os.SEEK_SET)
        _Pieces(handle).write(line)
    except OSError:
        os.ftruncate(handle, end)
        raise


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
