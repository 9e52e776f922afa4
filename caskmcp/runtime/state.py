"""The private state of calls in SQLite (a `keeper.Keeper`): challenges with their grants, the calls that budgets counted, hosts that rest.

Promises: a change of a challenge's state happens once, whoever else tries at the same time; a call is counted in all of its budgets or in
none; the file is 0600; what was said of a challenge or a host survives a power cut (WAL, synchronous FULL), a count of calls whatever ends the
process, and a power cut if one of the others came after it. The database is not trusted: what a grant is worth is
decided by its signature, in `confirm`.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Final

from caskmcp.errors import CaskError
from caskmcp.runtime.budgets import Charge, Spent, full, latest, refusal
from caskmcp.runtime.commands import Binding
from caskmcp.runtime.keeper import COLUMNS, FAILURES, FRESH, REST, Challenge, seconds

WAIT: Final = 5.0
"""Seconds to wait for another process that writes."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS challenges (
    id TEXT PRIMARY KEY, toolpack TEXT NOT NULL, tool TEXT NOT NULL, arguments TEXT NOT NULL, lock TEXT NOT NULL, caller TEXT NOT NULL,
    content TEXT NOT NULL, created TEXT NOT NULL, expires TEXT NOT NULL, state TEXT NOT NULL, answer TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS calls (toolpack TEXT NOT NULL, budget TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS calls_by_budget ON calls (toolpack, budget, at);
CREATE TABLE IF NOT EXISTS hosts (host TEXT PRIMARY KEY, failures INTEGER NOT NULL, last INTEGER NOT NULL, until INTEGER NOT NULL) STRICT;
"""
_LATER: Final = {"call": "TEXT NOT NULL DEFAULT ''", "tokens": "INTEGER NOT NULL DEFAULT 0"}
"""Columns of `calls` that a database of an earlier version has not got."""
_NAMES: Final = ", ".join(COLUMNS)


class State:
    """`state/confirmations.db`. Thread-safe; opened on first use."""

    shared: ClassVar = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._durable = True
        """Whether the connection waits for the disk now."""

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
        values = row.row()
        with self._writing() as connection:
            connection.execute("DELETE FROM challenges WHERE expires <= ?", (row.created,))
            connection.execute(f"INSERT INTO challenges ({_NAMES}) VALUES ({', '.join('?' * len(values))})", values)

    def settle(self, challenge: str, *, before: str, after: str, answer: str | None = None) -> bool:
        """Change a challenge's state if it is still `before`; says whether this call was the one that did."""
        sql = "UPDATE challenges SET state = ?, answer = coalesce(?, answer) WHERE id = ? AND state = ?"
        with self._writing() as connection:
            return connection.execute(sql, (after, answer, challenge, before)).rowcount == 1

    def take(self, toolpack: str, call: str, charges: Sequence[Charge], at: str) -> Spent | None:
        """Count one call in each budget, or in none; returns the budget that is spent, if one is."""
        now = seconds(at)
        with self._writing(durable=False) as connection:
            for row in charges:
                connection.execute(
                    "DELETE FROM calls WHERE toolpack = ? AND budget = ? AND at <= ?", (toolpack, row.key, now - row.longest)
                )
            spent = latest(each for row in charges for each in _refused(connection, toolpack, row, now))
            if spent is None:
                rows = [(toolpack, row.key, now, call, row.tokens) for row in charges]
                connection.executemany("INSERT INTO calls (toolpack, budget, at, call, tokens) VALUES (?, ?, ?, ?, ?)", rows)
        return spent

    def took(self, toolpack: str, call: str, tokens: int) -> None:
        """Put what an answer took in place of what was set aside for it."""
        with self._writing(durable=False) as connection:
            connection.execute("UPDATE calls SET tokens = ? WHERE toolpack = ? AND call = ?", (tokens, toolpack, call))

    def resting(self, host: str, at: str) -> int | None:
        """Seconds that a host still rests; None: it did not fail. Over: one caller is told so, whoever else asks at the same time."""
        if self._connection is None and not os.path.lexists(self._path):
            return None
        now = seconds(at)
        with self._using() as connection:
            row = connection.execute("SELECT failures, until FROM hosts WHERE host = ?", (host,)).fetchone()
        if row is None:
            return None
        if row[0] < FAILURES:
            return 0
        if row[1] > now:
            return int(row[1] - now)
        with self._writing() as connection:
            sql = "UPDATE hosts SET until = ?, last = ? WHERE host = ? AND until = ?"
            return 0 if connection.execute(sql, (now + REST, now, host, row[1])).rowcount == 1 else REST

    def failed(self, host: str, at: str) -> None:
        """Note that a host failed once more; failures of long ago do not count."""
        now = seconds(at)
        with self._writing() as connection:
            connection.execute("DELETE FROM hosts WHERE last <= ?", (now - FRESH,))
            connection.execute(
                "INSERT INTO hosts VALUES (?, 1, ?, ?) ON CONFLICT (host) DO UPDATE SET failures = failures + 1, last = ?, until = ?",
                (host, now, now + REST, now, now + REST),
            )

    def mended(self, host: str) -> None:
        """Forget a host's failures."""
        with self._writing() as connection:
            connection.execute("DELETE FROM hosts WHERE host = ?", (host,))

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
            rows = connection.execute(f"SELECT {_NAMES} FROM challenges WHERE {where} ORDER BY created, id", values).fetchall()
        return tuple(map(Challenge.of, rows))

    @contextmanager
    def _writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """One change. durable: whether it waits for the disk."""
        with self._using() as connection:
            if durable != self._durable:
                connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._durable = durable
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
                    self._connection, self._durable = _opened(self._path), True
                yield self._connection
            except (sqlite3.Error, OSError) as cause:
                raise CaskError(
                    "CASK-W001", "the private state cannot be used", place=str(self._path), mend=f"ls -l {self._path}"
                ) from cause


def _refused(connection: sqlite3.Connection, toolpack: str, charge: Charge, now: int) -> Iterator[Spent]:
    """Each window of a budget that has no room."""
    for window in charge.windows:
        of = "FROM calls WHERE toolpack = ? AND budget = ? AND at > ?"
        within = (toolpack, charge.key, now - window.per_seconds)
        took = "0" if window.tokens is None else "coalesce(sum(tokens), 0)"  # a sum reads each row, a count the index alone
        calls, spent = connection.execute(f"SELECT count(*), {took} {of}", within).fetchone()
        if full(window, calls, spent, charge.tokens):
            yield refusal(charge, window, connection.execute(f"SELECT at, tokens {of} ORDER BY at", within).fetchall(), now)


def _made(connection: sqlite3.Connection) -> None:
    """The tables, as this version has them."""
    connection.executescript(_TABLES)
    connection.execute("BEGIN IMMEDIATE")  # of two servers that find an earlier version's, one adds
    there = {row[1] for row in connection.execute("PRAGMA table_info(calls)")}
    for name, kind in _LATER.items():
        if name not in there:
            connection.execute(f"ALTER TABLE calls ADD COLUMN {name} {kind}")
    connection.execute("CREATE INDEX IF NOT EXISTS calls_by_call ON calls (call)")
    connection.execute("COMMIT")


def _opened(path: Path) -> sqlite3.Connection:
    os.makedirs(path.parent, mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _made(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
