"""The state of calls on a Redis or Valkey server that replicas share (a `keeper.Keeper`; extra `redis`).

Promises: what has to happen at once is one script, so the server runs it alone; nothing is asked twice, since the first answer may have been lost
after it counted; no message holds the URL. The server has to keep what it was told (`appendonly yes`) and drop nothing (`noeviction`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from caskmcp.errors import CaskError
from caskmcp.runtime.budgets import Charge, Spent, latest, refusal
from caskmcp.runtime.commands import Binding
from caskmcp.runtime.keeper import COLUMNS, FAILURES, FRESH, REST, Challenge, seconds

try:
    import redis  # type: ignore[import-not-found, unused-ignore]
    from redis.backoff import NoBackoff  # type: ignore[import-not-found, unused-ignore]
    from redis.retry import Retry  # type: ignore[import-not-found, unused-ignore]
except ModuleNotFoundError:
    # The extra is not installed; who opens it is told.
    redis = None  # type: ignore[assignment, unused-ignore]

WAIT: Final = 3.0
"""Seconds for a connection and for an answer."""
OPEN: Final = "cask:challenges"
"""Ids of challenges by expiry."""
KEEP: Final = 60
"""Seconds that a challenge stays beyond its expiry."""

_TAKE: Final = """
local now, call, at = tonumber(ARGV[1]), ARGV[2], 3
local full = {}
for index, key in ipairs(KEYS) do
  local longest, aside, windows = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  at = at + 3
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - longest)
  for window = 1, windows do
    local calls, tokens, within = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    at = at + 3
    local over = calls >= 0 and redis.call('ZCOUNT', key, '(' .. (now - within), '+inf') >= calls
    if not over and tokens >= 0 then
      local spent = 0
      for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. (now - within), '+inf')) do
        spent = spent + tonumber(redis.call('HGET', 'cask:call:' .. member, 'tokens') or 0)
      end
      over = spent + aside > tokens
    end
    if over then table.insert(full, {index - 1, window - 1}) end
  end
end
if #full > 0 then return full end
at = 3
for _, key in ipairs(KEYS) do
  local longest, aside = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  redis.call('ZADD', key, now, call)
  redis.call('EXPIRE', key, longest + 60)
  redis.call('HSET', 'cask:call:' .. call, 'tokens', aside)
  if redis.call('TTL', 'cask:call:' .. call) < longest + 60 then redis.call('EXPIRE', 'cask:call:' .. call, longest + 60) end
  at = at + 3 + 3 * tonumber(ARGV[at + 2])
end
return {}
"""
_TOOK: Final = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'tokens', ARGV[1]) end return 1"
_SETTLE: Final = """
if redis.call('HGET', KEYS[1], 'state') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2])
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], 'answer', ARGV[4]) end
return 1
"""
_RESTING: Final = """
local failures, till, now = tonumber(redis.call('HGET', KEYS[1], 'failures') or 0), tonumber(redis.call('HGET', KEYS[1], 'until') or 0), tonumber(ARGV[1])
if failures == 0 then return false end
if failures < tonumber(ARGV[2]) then return 0 end
if till > now then return till - now end
redis.call('HSET', KEYS[1], 'until', now + tonumber(ARGV[3]))
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 0
"""
_FAILED: Final = """
redis.call('HINCRBY', KEYS[1], 'failures', 1)
redis.call('HSET', KEYS[1], 'until', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""


class RedisState:
    """Over one URL: `redis://`, `rediss://` or `unix://`."""

    shared: ClassVar = True

    def __init__(self, url: str, place: str) -> None:
        if redis is None:
            raise CaskError("CASK-W002", "a state on Redis needs the extra `redis`", mend='pip install "caskmcp[redis]"')
        self._place = place
        with self._asking():
            self._client: Any = redis.Redis.from_url(
                url, decode_responses=True, socket_timeout=WAIT, socket_connect_timeout=WAIT, retry=Retry(NoBackoff(), 0)
            )
        self._scripts = {name: self._client.register_script(code) for name, code in _SCRIPTS.items()}

    def matching(self, binding: Binding, at: str) -> tuple[Challenge, ...]:
        """Challenges for exactly this call that wait or were answered and not used, oldest first."""
        return self._rows(at, lambda row: row.binding == binding and row.state in ("open", "granted", "denied"))

    def waiting(self, at: str) -> tuple[Challenge, ...]:
        """Every challenge that waits for an answer, oldest first."""
        return self._rows(at, lambda row: row.state == "open")

    def find(self, challenge: str) -> Challenge | None:
        """A challenge by id."""
        with self._asking():
            row = self._client.hmget(_challenge(challenge), COLUMNS)
        return Challenge.of(row) if None not in row else None

    def add(self, row: Challenge) -> None:
        """Keep a new challenge; those that expired go."""
        key, ends = _challenge(row.id), seconds(row.expires)
        with self._asking(), self._client.pipeline(transaction=True) as at_once:
            at_once.hset(key, mapping=dict(zip(COLUMNS, row.row(), strict=True)))
            at_once.expire(key, ends - seconds(row.created) + KEEP)
            at_once.zremrangebyscore(OPEN, "-inf", seconds(row.created))
            at_once.zadd(OPEN, {row.id: ends})
            at_once.execute()

    def settle(self, challenge: str, *, before: str, after: str, answer: str | None = None) -> bool:
        """Change a challenge's state if it is still `before`; says whether this call was the one that did."""
        words = [before, after, "0" if answer is None else "1", answer or ""]
        return bool(self._run("settle", [_challenge(challenge)], words))

    def take(self, toolpack: str, call: str, charges: Sequence[Charge], at: str) -> Spent | None:
        """Count one call in each budget, or in none; returns the budget that is spent, if one is."""
        now, member = seconds(at), f"{toolpack}:{call}"
        found = self._run("take", [_budget(toolpack, row) for row in charges], [now, member, *_numbers(charges)])
        return latest(self._refusal(toolpack, charges[row], window, now) for row, window in found)

    def took(self, toolpack: str, call: str, tokens: int) -> None:
        """Put what an answer took in place of what was set aside for it."""
        self._run("took", [f"cask:call:{toolpack}:{call}"], [tokens])

    def resting(self, host: str, at: str) -> int | None:
        """Seconds that a host still rests; None: it did not fail. Over: one caller is told so, whoever else asks at the same time."""
        rest = self._run("resting", [_host(host)], [seconds(at), FAILURES, REST, FRESH])
        return None if rest is None else int(rest)

    def failed(self, host: str, at: str) -> None:
        """Note that a host failed once more; failures of long ago do not count."""
        self._run("failed", [_host(host)], [seconds(at) + REST, FRESH])

    def mended(self, host: str) -> None:
        """Forget a host's failures."""
        with self._asking():
            self._client.delete(_host(host))

    def close(self) -> None:
        """Close the connections."""
        with self._asking():
            self._client.close()

    def _refusal(self, toolpack: str, charge: Charge, window: int, now: int) -> Spent:
        """Why a window has no room: as it stands now, which may be a moment later."""
        of = charge.windows[window]
        with self._asking():
            rows = self._client.zrangebyscore(_budget(toolpack, charge), f"({now - of.per_seconds}", "+inf", withscores=True)
            took = [self._client.hget(f"cask:call:{member}", "tokens") for member, _ in rows] if of.tokens is not None else [0] * len(rows)
        return refusal(charge, of, [(int(score), int(tokens or 0)) for (_, score), tokens in zip(rows, took, strict=True)], now)

    def _rows(self, at: str, wanted: Callable[[Challenge], bool]) -> tuple[Challenge, ...]:
        with self._asking():
            ids = self._client.zrangebyscore(OPEN, f"({seconds(at)}", "+inf")
            with self._client.pipeline(transaction=False) as at_once:
                for name in ids:
                    at_once.hmget(_challenge(name), COLUMNS)
                rows = at_once.execute()
        found = [row for row in (Challenge.of(each) for each in rows if None not in each) if row.expires > at and wanted(row)]
        return tuple(sorted(found, key=lambda row: (row.created, row.id)))

    def _run(self, name: str, keys: list[str], words: Sequence[Any]) -> Any:
        with self._asking():
            return self._scripts[name](keys=keys, args=words)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Raises CASK-R020 where the server cannot be asked. Its own words are left out: they may quote the URL."""
        try:
            yield
        except (redis.RedisError, OSError, ValueError) as cause:
            raise CaskError("CASK-R020", f"the shared state cannot be asked: {type(cause).__name__}", place=self._place) from None


_SCRIPTS: Final = {"take": _TAKE, "took": _TOOK, "settle": _SETTLE, "resting": _RESTING, "failed": _FAILED}


def _numbers(charges: Sequence[Charge]) -> Iterator[int]:
    """What the script reads of each budget; -1 stands for no bound."""
    for row in charges:
        yield from (row.longest, row.tokens, len(row.windows))
        for window in row.windows:
            yield from (-1 if window.calls is None else window.calls, -1 if window.tokens is None else window.tokens, window.per_seconds)


def _challenge(name: str) -> str:
    return f"cask:challenge:{name}"


def _budget(toolpack: str, charge: Charge) -> str:
    return f"cask:budget:{toolpack}:{charge.key}"


def _host(host: str) -> str:
    return f"cask:host:{host}"
