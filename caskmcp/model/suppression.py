"""`suppress:` of `cask.yaml`: findings that a person accepts, each by its fingerprint, with a reason and the day until which that holds.

No stage reads it: an opinion recompiles nothing. What may be accepted at all is `analyze/suppressions.py`'s to say.
"""

import datetime
import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from caskmcp.model.record import Record

DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _reason(value: str) -> str:
    if len(value.split()) < 2:
        raise ValueError("say in a few words why the finding is accepted")
    return value


def _day(value: str) -> str:
    try:
        return datetime.date.fromisoformat(value if DAY.fullmatch(value) else "").isoformat()
    except ValueError as cause:
        raise ValueError("expected a day, e.g. 2027-01-31") from cause


Reason = Annotated[str, AfterValidator(_reason)]
"""Why something is accepted: two words or more."""
Day = Annotated[str, AfterValidator(_day)]
"""`YYYY-MM-DD`; compares as text."""


class SuppressedFinding(Record):
    """One accepted finding."""

    finding: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    """Its fingerprint, as `--format json` shows it: of exactly one finding of `check`, `diff`, `drift` or `lint`."""
    reason: Reason
    until: Day
    """The last day (UTC) on which it is accepted."""
