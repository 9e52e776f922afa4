"""What came of one call, as every mode looks at it. Lives in memory alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

NOTHING: Final = object()
"""The body of an answer that holds no JSON."""


@dataclass(frozen=True)
class Answered:
    """One call through the gateway."""

    tool: str
    arguments: Mapping[str, Any]
    status: int
    """Of the upstream; 0 where nothing was sent or nobody answered."""
    body: Any = NOTHING
    """As JSON."""
    error: str = ""
    """Our code, where the call was refused or failed."""
    differs: tuple[str, ...] = field(default=())
    """Places where the answer is not what was approved, as the runtime found them."""

    @property
    def sent(self) -> bool:
        """Whether an upstream answered."""
        return self.status > 0

    @property
    def good(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 300
