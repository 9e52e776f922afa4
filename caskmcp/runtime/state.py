"""The private state of calls in SQLite: challenges with their grants, and the calls that budgets counted.

Promises: a change of a challenge's state happens once, whoever else tries at the same time; a call is counted in all of its budgets or in
none; the file is 0600 and a commit survives a power cut (WAL, synchronous FULL). The database is not trusted: what a grant is worth is
decided by its signature, in `confirm`.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.model.policy import Budget
from caskmcp.runtime.commands import Binding

WAIT: Final = 5.0
"""Seconds to wait for another process that writes."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS challenges (
    id TEXT PRIMARY KEY, toolpack TEXT NOT NULL, tool TEXT NOT NULL, arguments TEXT NOT NULL, lock TEXT NOT NULL, caller TEXT NOT NULL,
    content TEXT NOT NULL, created TEXT NOT NULL, expires TEXT NOT NULL, state TEXT NOT NULL, answer TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS calls (toolpack TEXT NOT NULL, budget TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS calls_by_budget ON calls (toolpack, budget, at);
"""
_COLUMNS: Final = "id, toolpack, tool, arguments, lock, caller, content, created, expires, state, answer"


@dataclass(frozen=True)
class Challenge:
    """One question to a person."""

    id: str
    binding: Binding
    content: str
    """The arguments as canonical JSON; private."""
    created: str
    expires: str
    state: str = "open"
    """`open`, then `granted` or `denied`, then `spent`, `closed` or `void`."""
    answer: str = ""
    """The signed grant as JSON, if it was granted."""


class State:
    """`state/confirmations.db`. Thread-safe; opened on first use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def matching(self, binding: Binding, at: str) -> tuple[Challenge, ...]:
        """Challenges for exactly this call that wait or were answered and not used, oldest first."""
        where = "toolpack = ? AND tool = ? AND arguments = ? AND lock = ? AND caller = ?"
        values = (binding.toolpack, binding.tool, binding.arguments, binding.lock, binding.caller)
        return self._read(f"{where} AND expires > ? AND state IN ('open', 'granted', 'denied')", (*values, at))

    def waiting(self, at: str) -> tuple[Challenge, ...]:
        """Every challenge that waits for an answer, oldest first."""
        return self._read("state = 'open' AND expires > ?", (at,))

    def find(self, challenge: str) -> Challenge | None:
        """A challenge by id."""
        return next(iter(self._read("id = ?", (challenge,))), None)

    def add(self, row: Challenge) -> None:
        """Keep a new challenge, and drop those that expired."""
        b = row.binding
        values = (row.id, b.toolpack, b.tool, b.arguments, b.lock, b.caller, row.content, row.created, row.expires, row.state, row.answer)
        with self._writing() as connection:
            connection.execute("DELETE FROM challenges WHERE expires <= ?", (row.created,))
            connection.execute(f"INSERT INTO challenges ({_COLUMNS}) VALUES ({', '.join('?' * len(values))})", values)

    def settle(self, challenge: str, *, before: str, after: str, answer: str | None = None) -> bool:
        """Change a challenge's state if it is still `before`; says whether this call was the one that did."""
        sql = "UPDATE challenges SET state = ?, answer = coalesce(?, answer) WHERE id = ? AND state = ?"
        with self._writing() as connection:
            return connection.execute(sql, (after, answer, challenge, before)).rowcount == 1

    def take(self, toolpack: str, budgets: Mapping[str, Budget], at: str) -> str:
        """Count one call in each budget, or in none; returns the name of a budget that is spent, or nothing."""
        now = int(datetime.fromisoformat(at).timestamp())
        with self._writing() as connection:
            for name, row in sorted(budgets.items()):
                connection.execute(
                    "DELETE FROM calls WHERE toolpack = ? AND budget = ? AND at <= ?", (toolpack, name, now - row.per_seconds)
                )
                counted = connection.execute("SELECT count(*) FROM calls WHERE toolpack = ? AND budget = ?", (toolpack, name)).fetchone()
                if counted[0] >= row.calls:
                    return name
            connection.executemany("INSERT INTO calls VALUES (?, ?, ?)", [(toolpack, name, now) for name in sorted(budgets)])
        return ""

    def problem(self) -> str:
        """What SQLite finds wrong with the file; empty if nothing. Raises CASK-W001 for one that it cannot open at all."""
        with self._using() as connection:
            found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
        return "" if found == "ok" else found

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _read(self, where: str, values: tuple[str, ...]) -> tuple[Challenge, ...]:
        if self._connection is None and not os.path.lexists(self._path):
            return ()  # who only asks leaves nothing behind
        with self._using() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM challenges WHERE {where} ORDER BY created, id", values).fetchall()
        return tuple(Challenge(row[0], Binding(*row[1:6]), *row[6:]) for row in rows)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        """The connection, held by one thread at a time. Raises CASK-W001 where the database cannot be used: the call is then not made."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = _opened(self._path)
                yield self._connection
            except (sqlite3.Error, OSError) as cause:
                raise CaskError(
                    "CASK-W001", "the private state cannot be used", place=str(self._path), mend=f"ls -l {self._path}"
                ) from cause


def _opened(path: Path) -> sqlite3.Connection:
    os.makedirs(path.parent, mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_TABLES)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
