"""How long a test waits before it says that something hangs: long enough for any machine under any load, and told by the processor's own time.

What must cost little is counted where it can be. Where the work is a library's (a pattern, a parser), the input is so large that a cost that grows
with its square takes many minutes: then a minute of the processor tells the two apart, whatever else the machine does.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

HANGS: Final = 60.0
"""Seconds after which something that should end at once is said to hang."""


@contextmanager
def soon() -> Iterator[None]:
    """Fails if what is done in it takes a minute of this process's own time."""
    began = time.process_time()
    yield
    assert time.process_time() - began < HANGS, "it takes minutes"
