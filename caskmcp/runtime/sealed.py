"""The seal on a process that only reads: after it is engaged, whatever tries to change a file, to reach another machine or to start a program in
this process gets a PermissionError, wherever the call comes from.

It is the interpreter's own audit hook: it cannot be taken off, and it sees Python's calls alone. It is a second wall behind code that has no such
call in it, not a sandbox: what a library does in C without telling the interpreter passes.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES: Final = (
    *("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.utime"),
    *("os.setxattr", "os.removexattr", "os.mkfifo", "os.mknod"),
)
"""Events of the interpreter for what changes a folder or a file; each argument that is a text is a path."""
REACHES: Final = frozenset({
    "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
    "subprocess.Popen", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn", "sqlite3.connect",
})  # fmt: skip
"""Events for what leaves the process, whatever their arguments."""


def refusal(event: str, arguments: tuple[Any, ...], allowed: str | None) -> str:
    """Why an event may not happen; empty if it may. allowed: the one folder in which files may be made."""
    if event in REACHES:
        return f"{event} is not for a process that only reads"
    if event == "open":
        path, _, flags = (*arguments, 0, 0, 0)[:3]
        writes = isinstance(flags, int) and bool(flags & WRITING)
        return (
            "" if not writes or isinstance(path, int) or _inside(path, allowed) else "open for writing is not for a process that only reads"
        )
    if event == "os.truncate" and isinstance(arguments[0], int):
        return ""  # by a handle, which takes one that was opened for writing
    if event in CHANGES:
        paths = [path for path in arguments if isinstance(path, str | bytes | os.PathLike)]
        return "" if paths and all(_inside(path, allowed) for path in paths) else f"{event} is not for a process that only reads"
    return ""


def _inside(path: Any, allowed: str | None) -> bool:
    if path is None or isinstance(path, int):
        return False
    at = os.path.normpath(os.fsdecode(path))
    return at == os.devnull or (allowed is not None and (at == allowed or at.startswith(allowed + os.sep)))


def engage(allowed: str | None = None, add: Callable[[Callable[[str, tuple[Any, ...]], None]], None] = sys.addaudithook) -> None:
    """Seal this process for the rest of its life. allowed: absolute path of a folder that is there already."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in WATCHED and (why := refusal(event, arguments, allowed)):
            raise PermissionError(why)

    add(hook)


WATCHED: Final[Mapping[str, None]] = dict.fromkeys(("open", *CHANGES, *REACHES))
