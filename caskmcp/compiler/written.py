"""Big artifacts for people: the bytes of `canon.pretty`, from the compiled encoder.

The standard library indents in Python, at a tenth of the speed; a property test holds both to the same bytes. What is small, or written where
the compiler is not loaded, takes `canon.pretty` itself.
"""

from typing import Any

import msgspec

from caskmcp import canon


def pretty(value: Any) -> bytes:
    """JSON with sorted keys, two spaces, UTF-8 and a final newline. Raises ValueError for NaN and infinities."""
    return msgspec.json.format(canon.compact(value), indent=2) + b"\n"
