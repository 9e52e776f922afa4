"""Protocols for the world. Everything that is not a function of its arguments comes in through one of these.

Adapters lie in the room of their library (files, clock, entropy: `store/`; console: `report/`; HTTP: `runtime/`; sealer: `govern/`) and are
built lazily by `cli/main.py`. A function takes the one port that it needs, not the `World`; better, it takes the value.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol


class Clock(Protocol):
    """The time of day. Read once a run or call, and used for every expiry in it."""

    def now(self) -> str:
        """RFC 3339 in UTC with seconds, e.g. `2026-11-21T10:00:00Z`; compares as text."""


class Entropy(Protocol):
    """Randomness, for keys and challenges alone; nothing of it reaches an artifact."""

    def token(self, size: int) -> bytes:
        """`size` unpredictable bytes."""


class Files(Protocol):
    """The file system. Every write is atomic (temporary file, fsync, replace) unless it says otherwise.

    Raises CaskError CASK-I002 for a missing file and CASK-W001 when the disk refuses.
    """

    def read(self, path: Path, limit: int | None = None) -> bytes:
        """All bytes of a file; CASK-C005 beyond `limit`."""

    def chunks(self, path: Path, size: int = 1 << 20, *, low: int = 0, high: int | None = None) -> Iterator[bytes]:
        """The bytes of a file, from `low` up to `high`, in pieces of at most `size`."""

    def write(self, path: Path, data: bytes, *, private: bool = False, durable: bool = True) -> None:
        """Replace a file as a whole; its folders are made. `private`: file 0600, new folders 0700. `durable=False` skips the fsync."""

    def stream(self, path: Path, *, private: bool = False) -> AbstractContextManager["Sink"]:
        """Write a file in pieces; it appears as a whole when the context ends well, and not at all otherwise."""

    def append(self, path: Path, line: bytes, *, private: bool = True, durable: bool = True) -> None:
        """Append one line to a journal; a torn last line of an earlier crash is cut first."""

    def sync(self, path: Path) -> None:
        """Bring what was appended to a journal to the disk."""

    def remove(self, path: Path) -> None:
        """Remove a file; absent is well."""

    def remove_tree(self, path: Path) -> None:
        """Remove a folder with all that is in it; absent is well. Links are removed, never followed."""

    def exists(self, path: Path) -> bool:
        """Whether something is there."""

    def is_folder(self, path: Path) -> bool:
        """Whether a folder is there."""

    def listing(self, path: Path) -> tuple[str, ...]:
        """Sorted names in a folder; empty if there is none."""

    def glob(self, base: Path, pattern: str) -> tuple[Path, ...]:
        """Sorted files below `base` that match; `**` is allowed. Nothing outside `base` is returned."""

    def mode(self, path: Path) -> tuple[int, int]:
        """(permission bits, owner's user id)."""

    def stat_key(self, path: Path) -> tuple[int, int, int, int, int]:
        """(device, inode, size, mtime_ns, ctime_ns), for a git-like index."""

    def stat_keys(self, paths: Iterable[Path]) -> "tuple[tuple[int, int, int, int, int] | str, ...]":
        """The key of each, in order; where there is none, the name of the reason. Costs little: it is asked before each served call."""

    def lock(self, path: Path, timeout: float) -> AbstractContextManager[None]:
        """Hold an exclusive lock between processes; CASK-B003 after `timeout` seconds."""


class Sink(Protocol):
    """Where pieces of a file go."""

    def write(self, data: bytes, /) -> Any:
        """Take a piece."""


class Console(Protocol):
    """The person, or the pipe, at the other end. Machine output goes to stdout alone, everything else to stderr."""

    @property
    def interactive(self) -> bool:
        """Whether stdin and stdout both are terminals."""

    def out(self, text: str) -> None:
        """Print a result (stdout)."""

    def note(self, text: str) -> None:
        """Print prose or progress (stderr)."""

    def progress(self, text: str) -> None:
        """Show how far something is in one line that the next one replaces; an empty text takes it away. Shown on a terminal's stderr alone."""

    def ask(self, prompt: str) -> str:
        """Ask for a line on the terminal; CASK-A001 without one."""

    def ask_secret(self, prompt: str) -> str:
        """Ask for a line without echo; CASK-A001 without a terminal."""

    def screen(self, board: "Board") -> bool:
        """Show a review on the whole screen until the person leaves it; False, and nothing shown, where this console has none."""


class Sheet(Protocol):
    """What a person reads of one subject under review. Its texts may hold anything: whoever shows them makes them inert."""

    @property
    def subject(self) -> str:
        """What is decided on."""

    @property
    def name(self) -> str:
        """As people type it."""

    @property
    def risk(self) -> str:
        """Its tier; empty for a shared subject."""

    @property
    def status(self) -> str:
        """What the lock says of it."""

    @property
    def why(self) -> str:
        """Why it waits."""

    @property
    def needs_reason(self) -> bool:
        """Whether an approval of it does."""

    @property
    def barred(self) -> str:
        """Why it cannot be allowed here; empty if it can."""

    @property
    def sections(self) -> "Sequence[tuple[str, Sequence[str]]]":
        """Titles with their lines, in the order in which they are read."""


class Board(Protocol):
    """A review that a screen shows and changes. What an answer means, and what comes of it, is decided behind it."""

    @property
    def sheets(self) -> "Sequence[Sheet]":
        """What waits."""

    def said(self, subject: str) -> tuple[str, str]:
        """The verdict on a subject and the reason; two empty texts where nothing was said."""

    def decide(self, subject: str, verdict: Literal["allow", "block", "skip"], reason: str) -> None:
        """Say something of a subject. Raises CaskError where that cannot be said; then nothing changed."""

    def end(self, *, keep: bool) -> None:
        """End the review. keep: what was decided counts."""


class Credentials(Protocol):
    """Secrets by reference (`env:NAME`, `keyring:NAME`, `config:NAME`); never written, logged or returned to an agent."""

    def resolve(self, reference: str, refused: str = "") -> str:
        """The secret behind a reference; CASK-R009 if there is none. refused: what it led to and was not taken, so that it is read anew."""


class Sealer(Protocol):
    """Signs records of the runtime, and nothing else; its key can approve nothing."""

    @property
    def key(self) -> str:
        """The id of its key. Raises CASK-K001, CASK-K002 for a key that cannot be used."""

    def seal(self, payload: bytes) -> bytes:
        """A signature over the canonical payload of a seal (`model.audit.Seal`)."""


@dataclass(frozen=True)
class World:
    """The injected world, built once in `cli/main.py`; tests build it from `tests/support`."""

    clock: Clock
    entropy: Entropy
    files: Files
    console: Console
    credentials: Credentials
    cwd: Path
    """Absolute working directory."""
    config: Path
    """The user's configuration folder (`$XDG_CONFIG_HOME/caskmcp` or the platform's)."""
    data: Path
    """The user's data folder: programs that were installed for `cask` alone."""
    state: Path
    """The user's state folder: what recorders keep from one run to the next."""
    system: Path
    """Where this machine's administrator says what holds for its users (`/etc/caskmcp`). No option and no variable names another place."""
    uid: int
    """The user's id; -1 where users have none."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """The environment variables that `cask` reads, by name."""
    root: str | None = None
    """`--root` as it was given."""
    toolpack: str | None = None
    """`--toolpack` as it was given: a path or an id."""


Lines = Iterable[bytes]
