"""Ctrl-C and SIGTERM end a recording and not the program: they reach the recorder while it waits, never the redaction or the write after it."""

import signal
import threading
from collections.abc import Generator, Iterable, Iterator
from types import FrameType
from typing import Any, Final, TypeVar

T = TypeVar("T")
ENDERS: Final = (signal.SIGINT, signal.SIGTERM)


class _Ender:
    """Whether the end was asked for, and whether the recorder is the one to hear it now."""

    def __init__(self) -> None:
        self.asked = False
        self.waiting = False

    def ask(self, _: int, __: FrameType | None) -> None:
        """The signal's handler."""
        if self.waiting:
            raise KeyboardInterrupt
        self.asked = True

    def following(self, items: Iterator[T]) -> T:
        """The recorder's next item. Raises StopIteration, or KeyboardInterrupt, at its end."""
        self.waiting = True
        try:
            if self.asked:
                self.asked = False
                return _told(items)
            return next(items)
        finally:
            self.waiting = False


def until_interrupted(items: Iterable[T]) -> Iterator[T]:
    """What `items` gives, until it ends, or until it was told of a Ctrl-C (as KeyboardInterrupt) and has given what it still had.

    A second Ctrl-C while it does so ends it at once. Outside of the main thread, where no signal arrives, it is `items` as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield from items
        return
    ender, iterator = _Ender(), iter(items)
    before: dict[signal.Signals, Any] = {number: signal.signal(number, ender.ask) for number in ENDERS}
    try:
        while True:
            try:
                item = ender.following(iterator)
            except (StopIteration, KeyboardInterrupt):
                return  # a recorder that does not catch its Ctrl-C has nothing more to give
            yield item
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if isinstance(iterator, Generator):
            iterator.close()


def _told(items: Iterator[T]) -> T:
    if isinstance(items, Generator):
        return items.throw(KeyboardInterrupt())  # type: ignore[no-any-return]
    raise KeyboardInterrupt
