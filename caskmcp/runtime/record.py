"""The line of the record that each decision leaves: who asked for what, what was decided and by which rule; digests, never arguments."""

from pathlib import Path
from typing import Any, Final

from caskmcp import canon
from caskmcp.model.decision import Decision, Entry
from caskmcp.ports import Files

NAME: Final = "decisions.jsonl"


class Journal:
    """`state/audit/decisions.jsonl`: appended to, never rewritten."""

    def __init__(self, files: Files, folder: Path) -> None:
        self._files = files
        self._path = folder / NAME

    def append(self, entry: Entry, *, durable: bool) -> None:
        """Put one line on record. Raises CASK-W001: a call whose record cannot be written is not made."""
        self._files.append(self._path, canon.compact(entry.model_dump(mode="json")), private=True, durable=durable)


def digest_of(arguments: Any) -> str:
    """Digest of the canonical arguments. Raises CASK-I003 for what has no canonical form."""
    return str(canon.digest(arguments))


def entry(
    decision: Decision, *, at: str, toolpack: str, lock: str, tool: str, caller: str, arguments: str, status: int = 0, extra: dict[str, Any]
) -> Entry:
    """One line. tool: as asked for, cut; an agent chooses it."""
    return Entry(
        at=at,
        toolpack=toolpack,
        lock=lock,
        tool=tool[:64],
        caller=caller,
        arguments=arguments,
        verdict=decision.verdict,
        step=decision.step,
        rule=decision.rule,
        code=decision.code,
        status=status,
        extra=extra,
    )
