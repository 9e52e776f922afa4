"""The real clock."""

from datetime import UTC, datetime


class SystemClock:
    """`ports.Clock` on the machine's time of day."""

    def now(self) -> str:
        """RFC 3339 in UTC with seconds."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
