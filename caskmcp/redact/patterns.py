"""Patterns of the user's own, `redact.patterns` in cask.yaml: checked before anything is read, and bounded, so that none can stall a build."""

from typing import Final

import re2

LONGEST: Final = 500
"""Characters of a pattern."""
_MEMORY: Final = 1 << 20
"""Bytes that a compiled pattern may need: a bound on what repeats are written out to."""


def problem(pattern: str) -> str:
    """What is wrong with a pattern (RE2 syntax), or an empty text."""
    if not pattern or len(pattern) > LONGEST:
        return f"expected 1 to {LONGEST} characters"
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        found = re2.compile(pattern, options)
    except re2.error as cause:
        said = cause.args[0] if cause.args else ""
        return f"not a pattern in RE2's syntax: {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    return "a pattern that fits an empty text fits everywhere" if found.search("") else ""
