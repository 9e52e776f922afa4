"""Action keys, and the difference between two of them in words. What a stage means is the table's; what is on disk is the plan's."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.canon import Digest

Content = Digest | Mapping[str, Digest]
"""The content behind one role: a digest, or the digests of a fan-in by key."""

NEVER: Final = "never built"
FORGOTTEN: Final = "the cache was emptied"
_SHOWN: Final = 2


class Facts(NamedTuple):
    """Everything that can change the outputs of one run of a stage."""

    stage: str
    toolchain: Digest
    params: Mapping[str, Any]
    """Sections of the manifest and other plain values, by role."""
    inputs: Mapping[str, Content]
    """Digests of contents, by role."""

    def plain(self) -> dict[str, Any]:
        """As JSON, for the record of the last build."""
        return {"stage": self.stage, "toolchain": self.toolchain, "params": dict(self.params), "inputs": dict(self.inputs)}


def action_key(facts: Facts) -> Digest:
    """Digest of everything that can change the outputs of one run of a stage.

    Inputs count by role and content; folder, time, user and job count stay out, so that two clones get the same key.
    The toolchain is in, so that an edited stage or another library never serves yesterday's answer.
    """
    return canon.digest(facts.plain())


def reason(before: Any, now: Facts) -> str:
    """Why a step's key is another one than at the last build. before: what `Facts.plain` gave then, or None."""
    if not isinstance(before, dict):
        return NEVER
    return "; ".join(_differences(before, now)) or FORGOTTEN


def _differences(before: dict[str, Any], now: Facts) -> Iterator[str]:
    if before.get("toolchain") != now.toolchain:
        yield "the toolchain changed"
    was = before.get("params", {})
    yield from (_parameter(role, was.get(role), value) for role, value in now.params.items() if was.get(role) != value)
    was = before.get("inputs", {})
    yield from (_input(role, was.get(role), value) for role, value in now.inputs.items() if was.get(role) != value)


def _parameter(role: str, before: Any, now: Any) -> str:
    short = canon.compact(before).decode(), canon.compact(now).decode()
    return f"parameter {role}: {short[0]} -> {short[1]}" if max(map(len, short)) <= 40 else f"parameter {role} changed"


def _input(role: str, before: Any, now: Content) -> str:
    if not isinstance(before, dict) or isinstance(now, str):
        return f"input {role} changed"
    changed = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    # Where a key is the digest of its content, a list of keys says nothing to a reader.
    named = [key for key in changed if not canon.is_digest(key)]
    rest = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return f"input {role} changed" + (f" ({', '.join(named[:_SHOWN])}{rest})" if named else "")
