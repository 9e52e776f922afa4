"""How many tokens a text costs a model, estimated from above: no tokenizer is at hand offline, and each model has its own.

Promises: an estimate, always called one. Costs by kind of run were set against the encodings o200k and cl100k (orders as JSON, prose, digits,
base64, hexadecimal, CJK, Cyrillic, emoji): none of those texts costs more than is said here, JSON of records about a quarter less.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

_RUNS: Final = re.compile(
    r"(?P<run>[A-Za-z0-9+/_=-]{24,})|(?P<word>[A-Z]?[a-z]+|[A-Z]+)|(?P<number>[0-9]+)|(?P<letters>[\u0080-\u058f]+)"
    r"|(?P<signs>[\u0590-\uffff]+)|(?P<others>[\U00010000-\U0010ffff]+)|(?P<space>\s+)|(?P<marks>[^\w\s]+|_+)"
)
# fmt: off
_COSTS: Final[Mapping[str, Callable[[int], int]]] = {
    "run":     lambda length: -(-length * 3 // 4),
    "word":    lambda length: 1 if length <= 6 else 2 if length <= 9 else -(-length * 11 // 20),
    "number":  lambda length: -(-length // 3),
    "letters": lambda length: -(-length * 2 // 3),
    "signs":   lambda length: -(-length * 5 // 2),
    "others":  lambda length: 3 * length,
    "space":   lambda length: length // 2,
    "marks":   lambda length: -(-length * 3 // 5),
}
# fmt: on
"""Kind of run -> its tokens by its characters."""


def tokens(text: str) -> int:
    """The estimate."""
    return sum(_COSTS[found.lastgroup or "marks"](found.end() - found.start()) for found in _RUNS.finditer(text))
