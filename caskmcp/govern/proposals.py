"""The box of drafts (`ports.DraftBox`): one file a draft, which is never changed; what a person decided is a line of a journal beside them.

Promises: a draft that is too many or too large changes nothing and says so; the same draft filed twice is one; nothing here reaches an artifact,
a lock or a key. What a draft's texts may hold, and what promotion does, is `workflows/propose.py`'s.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.model.proposal import DRAFT, LARGEST, Draft, Filed, Settled
from caskmcp.ports import Files

MOST: Final = 100
"""Drafts that wait at a time; whoever can file must not be able to fill a disk, or a person's day."""
KEPT: Final = 1_000
"""Drafts in all, with those that were decided."""
JOURNAL: Final = "decided.ndjson"
_NAME: Final = re.compile(r"d-[0-9a-f]{12}\.json", re.ASCII)


@dataclass(frozen=True)
class Standing:
    """A draft with what was decided on it."""

    filed: Filed
    settled: Settled | None

    @property
    def status(self) -> str:
        """`open`, `promoted` or `rejected`."""
        return self.settled.verdict if self.settled else "open"


class Box:
    """`ports.DraftBox` in a folder."""

    def __init__(self, files: Files, folder: Path) -> None:
        self._files = files
        self._folder = folder

    def file(self, draft: Draft, *, by: str, at: str) -> Filed:
        """Keep a draft. Raises CASK-F002 where too many wait already."""
        found = Filed(format=DRAFT, id=_id(draft), by=by, at=at, draft=draft)
        place = self._folder / f"{found.id}.json"
        if (kept := self._read(place)) is not None:
            return kept
        names, decided = self._names(), self._decided()
        if len(names) >= KEPT or sum(name.removesuffix(".json") not in decided for name in names) >= MOST:
            raise CaskError(
                "CASK-F002", f"{MOST} drafts wait already, or {KEPT} are kept; this one was not taken", mend="cask propose list"
            )
        # Appended, not replaced: a process that is sealed but for the box makes no temporary file elsewhere.
        self._files.append(place, canon.dump(found.model_dump(mode="json", by_alias=True)))
        return found

    def all(self) -> tuple[Standing, ...]:
        """Every draft, the earliest first. Raises CASK-I004 for a file that is none of ours."""
        decided = self._decided()
        read = (self._read(self._folder / name) for name in self._names())
        rows = [Standing(row, decided.get(row.id)) for row in read if row is not None]
        return tuple(sorted(rows, key=lambda row: (row.filed.at, row.filed.id)))

    def find(self, name: str) -> Standing:
        """One draft. Raises CASK-I010 for a name that no draft has."""
        place = self._folder / f"{name}.json"
        row = self._read(place) if _NAME.fullmatch(place.name) else None
        if row is None:
            raise CaskError("CASK-I010", f"no draft is called `{name}`", mend="cask propose list")
        return Standing(row, self._decided().get(name))

    def settle(self, row: Filed, verdict: Literal["promoted", "rejected"], *, at: str, reason: str = "") -> None:
        """Note what a person decided."""
        line = canon.dump(Settled(id=row.id, verdict=verdict, at=at, reason=reason).plain())
        self._files.append(self._folder / JOURNAL, line)

    def _names(self) -> list[str]:
        return [name for name in self._files.listing(self._folder) if _NAME.fullmatch(name)]

    def _read(self, place: Path) -> Filed | None:
        """A draft's file; None where there is none, or one whose writer was ended in the middle. Raises CASK-I004 for one of somebody else's."""
        data = self._files.read(place, 4 * LARGEST) if self._files.exists(place) else b""
        if not data.endswith(b"\n"):
            return None
        mend = f"rm {shlex.quote(str(place))}"
        try:
            row = Filed.from_json(data, str(place))
        except CaskError as no:
            raise CaskError(no.code, no.what, place=no.place, mend=mend) from no
        if place.stem != row.id or _id(row.draft) != row.id:
            raise CaskError("CASK-I004", "the draft is not the one that was filed under this name", place=str(place), mend=mend)
        return row

    def _decided(self) -> dict[str, Settled]:
        place = self._folder / JOURNAL
        data = self._files.read(place) if self._files.exists(place) else b""
        rows = data[: data.rfind(b"\n") + 1].splitlines()  # a torn last line is none: what its writer decided, it did not tell either
        return {row.id: row for row in _lines(rows, str(place))}


def _lines(rows: list[bytes], name: str) -> Iterator[Settled]:
    for row in rows:
        yield Settled.from_json(row, name)


def _id(draft: Draft) -> str:
    return f"d-{canon.hexadecimal(canon.digest({'schema': DRAFT, **draft.model_dump(mode='json')}))[:12]}"
