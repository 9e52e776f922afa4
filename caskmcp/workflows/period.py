"""Periods as people type them: `12h`, `90d`, `4w`; and the time at which one ends."""

import re
from datetime import datetime, timedelta
from typing import Final

from caskmcp.errors import AGAIN, CaskError

_PERIOD: Final = re.compile(r"([1-9][0-9]{0,3})([hdw])", re.ASCII)
_HOURS: Final = {"h": 1, "d": 24, "w": 168}


def ends(at: str, period: str | None) -> str | None:
    """When what begins now ends, in RFC 3339, UTC; None without a period. Raises CASK-I001 for another form."""
    if period is None:
        return None
    found = _PERIOD.fullmatch(period)
    if not found:
        raise CaskError("CASK-I001", f"`--expires {period}` is no period: expected a number and h, d or w", mend=f"{AGAIN} --expires 90d")
    end = datetime.fromisoformat(at) + timedelta(hours=int(found[1]) * _HOURS[found[2]])
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")
