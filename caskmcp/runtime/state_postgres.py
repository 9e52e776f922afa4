"""The state of calls in a PostgreSQL database that replicas share (a `keeper.Keeper`; extra `postgres`).

Promises: what has to happen at once is one transaction, and what several replicas may do at the same time is done under a lock of that transaction;
nothing is asked twice, since the first answer may have been lost after it counted; a lock and a statement wait for seconds at most; no message
holds the URL.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final, TypeVar

from caskmcp.errors import CaskError
from caskmcp.runtime.budgets import Charge, Spent, full, latest, refusal
from caskmcp.runtime.commands import Binding
from caskmcp.runtime.keeper import COLUMNS, FAILURES, FRESH, REST, Challenge, seconds

try:
    import psycopg  # type: ignore[import-not-found, unused-ignore]
except ModuleNotFoundError:
    # The extra is not installed; who opens it is told.
    psycopg = None  # type: ignore[assignment, unused-ignore]

T = TypeVar("T")
WAIT: Final = 3
"""Seconds for a connection, and for bytes that nobody acknowledges."""
OPTIONS: Final = "-c statement_timeout=5000 -c lock_timeout=5000 -c synchronous_commit=on -c default_transaction_isolation=read\\ committed"
"""Who waited for a lock has to see what was done under it, whatever the database's own default is."""
MOST: Final = 8
"""Connections of one server of ours: the database has a hundred for all."""
TURN: Final = 10.0
"""Seconds that a call waits for one."""
_NAMES: Final = ", ".join(f'"{name}"' for name in COLUMNS)
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_TABLES: Final = f"""
CREATE TABLE IF NOT EXISTS cask_challenges ({", ".join(f'"{name}" text NOT NULL' for name in COLUMNS)}, PRIMARY KEY (id));
CREATE TABLE IF NOT EXISTS cask_calls (
    toolpack text NOT NULL, budget text NOT NULL, at bigint NOT NULL, call text NOT NULL, tokens bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS cask_calls_by_budget ON cask_calls (toolpack, budget, at);
CREATE INDEX IF NOT EXISTS cask_calls_by_call ON cask_calls (call);
CREATE TABLE IF NOT EXISTS cask_hosts (host text PRIMARY KEY, failures integer NOT NULL, last bigint NOT NULL, until bigint NOT NULL);
"""


class PostgresState:
    """Over one URL: `postgresql://` or `postgres://`."""

    shared: ClassVar = True

    def __init__(self, url: str, place: str) -> None:
        if psycopg is None:
            raise CaskError("CASK-W002", "a state in PostgreSQL needs the extra `postgres`", mend='pip install "caskmcp[postgres]"')
        self._url = url
        self._place = place
        self._guard = threading.Lock()
        self._turns = threading.BoundedSemaphore(MOST)
        self._idle: list[Any] = []
        self._made = False

    def matching(self, binding: Binding, at: str) -> tuple[Challenge, ...]:
        """Challenges for exactly this call that wait or were answered and not used, oldest first."""
        where = "toolpack = %s AND tool = %s AND arguments = %s AND lock = %s AND caller = %s AND expires > %s"
        values = (binding.toolpack, binding.tool, binding.arguments, binding.lock, binding.caller, at)
        return self._read(f"{where} AND state IN ('open', 'granted', 'denied')", values)

    def waiting(self, at: str) -> tuple[Challenge, ...]:
        """Every challenge that waits for an answer, oldest first."""
        return self._read("state = 'open' AND expires > %s", (at,))

    def find(self, challenge: str) -> Challenge | None:
        """A challenge by id."""
        return next(iter(self._read("id = %s", (challenge,))), None)

    def add(self, row: Challenge) -> None:
        """Keep a new challenge, and drop those that expired."""
        holes = ", ".join(["%s"] * len(COLUMNS))

        def work(cursor: Any) -> None:
            cursor.execute("DELETE FROM cask_challenges WHERE expires <= %s", (row.created,))
            cursor.execute(f"INSERT INTO cask_challenges ({_NAMES}) VALUES ({holes})", row.row())

        self._at_once(work)

    def settle(self, challenge: str, *, before: str, after: str, answer: str | None = None) -> bool:
        """Change a challenge's state if it is still `before`; says whether this call was the one that did."""
        sql = "UPDATE cask_challenges SET state = %s, answer = coalesce(%s::text, answer) WHERE id = %s AND state = %s"
        return self._changed(sql, (after, answer, challenge, before)) == 1

    def take(self, toolpack: str, call: str, charges: Sequence[Charge], at: str) -> Spent | None:
        """Count one call in each budget, or in none; returns the budget that is spent, if one is."""
        now = seconds(at)

        def work(cursor: Any) -> Spent | None:
            cursor.execute(_LOCK, (f"cask:{toolpack}",))
            for row in charges:
                cursor.execute(
                    "DELETE FROM cask_calls WHERE toolpack = %s AND budget = %s AND at <= %s", (toolpack, row.key, now - row.longest)
                )
            spent = latest(each for row in charges for each in _refused(cursor, toolpack, row, now))
            if spent is None:
                rows = [(toolpack, row.key, now, call, row.tokens) for row in charges]
                cursor.executemany("INSERT INTO cask_calls VALUES (%s, %s, %s, %s, %s)", rows)
            return spent

        return self._at_once(work)

    def took(self, toolpack: str, call: str, tokens: int) -> None:
        """Put what an answer took in place of what was set aside for it."""
        self._changed("UPDATE cask_calls SET tokens = %s WHERE toolpack = %s AND call = %s", (tokens, toolpack, call))

    def resting(self, host: str, at: str) -> int | None:
        """Seconds that a host still rests; None: it did not fail. Over: one caller is told so, whoever else asks at the same time."""
        now = seconds(at)

        def work(cursor: Any) -> int | None:
            row = cursor.execute("SELECT failures, until FROM cask_hosts WHERE host = %s FOR UPDATE", (host,)).fetchone()
            if row is None:
                return None
            if row[0] < FAILURES:
                return 0
            if row[1] > now:
                return int(row[1] - now)
            cursor.execute("UPDATE cask_hosts SET until = %s, last = %s WHERE host = %s", (now + REST, now, host))
            return 0

        return self._at_once(work)

    def failed(self, host: str, at: str) -> None:
        """Note that a host failed once more; failures of long ago do not count."""
        now = seconds(at)
        sql = """INSERT INTO cask_hosts AS here VALUES (%s, 1, %s, %s) ON CONFLICT (host) DO UPDATE SET
            failures = CASE WHEN here.last <= %s THEN 1 ELSE here.failures + 1 END, last = excluded.last, until = excluded.until"""
        self._changed(sql, (host, now, now + REST, now - FRESH))

    def mended(self, host: str) -> None:
        """Forget a host's failures."""
        self._changed("DELETE FROM cask_hosts WHERE host = %s", (host,))

    def close(self) -> None:
        """Close the connections."""
        with self._guard:
            while self._idle:
                self._idle.pop().close()

    def _read(self, where: str, values: tuple[Any, ...]) -> tuple[Challenge, ...]:
        sql = f"SELECT {_NAMES} FROM cask_challenges WHERE {where} ORDER BY created, id"
        return tuple(map(Challenge.of, self._at_once(lambda cursor: cursor.execute(sql, values).fetchall())))

    def _changed(self, sql: str, values: tuple[Any, ...]) -> int:
        return self._at_once(lambda cursor: int(cursor.execute(sql, values).rowcount))

    def _at_once(self, work: Callable[[Any], T]) -> T:
        """One transaction on a connection that nobody else has."""
        with self._asking():
            connection = self._connection()
            try:
                with connection.transaction(), connection.cursor() as cursor:
                    done = work(cursor)
            except BaseException:
                connection.close()  # it may be half dead; the next call makes another
                raise
            with self._guard:
                self._idle.append(connection)
            return done

    def _connection(self) -> Any:
        with self._guard:
            while self._idle:
                connection = self._idle.pop()
                if not connection.closed:
                    return connection
        connection = psycopg.connect(
            self._url, autocommit=True, connect_timeout=WAIT, options=OPTIONS, tcp_user_timeout=WAIT * 1000, application_name="cask"
        )
        if not self._made:
            with connection.transaction():
                connection.execute(_LOCK, ("cask:tables",))
                connection.execute(_TABLES)
            self._made = True
        return connection

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """One of the connections' turns. Raises CASK-R020 where the server cannot be asked. Its own words are left out: they may quote the URL."""
        if not self._turns.acquire(timeout=TURN):
            raise CaskError("CASK-R020", "the shared state is asked too much at once", place=self._place)
        try:
            yield
        except (psycopg.Error, OSError) as cause:
            raise CaskError("CASK-R020", f"the shared state cannot be asked: {type(cause).__name__}", place=self._place) from None
        finally:
            self._turns.release()


def _refused(cursor: Any, toolpack: str, charge: Charge, now: int) -> Iterator[Spent]:
    """Each window of a budget that has no room."""
    for window in charge.windows:
        of = "FROM cask_calls WHERE toolpack = %s AND budget = %s AND at > %s"
        within = (toolpack, charge.key, now - window.per_seconds)
        took = "0" if window.tokens is None else "coalesce(sum(tokens), 0)"  # a sum reads each row, a count the index alone
        calls, spent = cursor.execute(f"SELECT count(*), {took} {of}", within).fetchone()
        if full(window, int(calls), int(spent), charge.tokens):
            yield refusal(charge, window, cursor.execute(f"SELECT at, tokens {of} ORDER BY at", within).fetchall(), now)
