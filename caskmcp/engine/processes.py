"""Processes for the steps of sources and for pieces of large ones.

Whole steps run in the processes alone; pieces are shared with the thread that asks for them, so that `jobs` processes are at work. On Linux they are
forked on entry, as long as this process has one thread: they have all modules then, at once and in shared memory. Elsewhere they are started
anew, on first use. A process ends with its parent, however that ends.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from threading import Thread
from types import TracebackType
from typing import Any, Self

from caskmcp.engine.perform import Order, Worked, answered, compute, remote, work
from caskmcp.store.files import LocalFiles
from caskmcp.store.receipts import Outs


class Processes:
    """A `perform.Pool` of `jobs` processes at work. others: how many beside this one; as many, if whole steps are to fill them all."""

    def __init__(self, jobs: int, others: int = 0) -> None:
        self.jobs = jobs
        self._forks = _is_alone()
        self._executor = ProcessPoolExecutor(others or jobs, mp_context=get_context("fork" if self._forks else "spawn"), initializer=_begin)
        self._ended = False

    def run(self, order: Order) -> Outs:
        """Compute in another process; raises what the stage raised. Where no process can be started, here."""
        return self._elsewhere(order, compute)  # type: ignore[no-any-return]

    def share(self, orders: Sequence[Order], going: Callable[[], None]) -> list[Worked]:
        """Work on pieces, in the order in which they come, in the processes and here."""
        found: dict[int, Worked] = {}
        left = deque(enumerate(orders))

        def take(do: Callable[[Order], Any]) -> None:
            try:
                while (taken := _next(left)) is not None:
                    going()
                    found[taken[0]] = do(taken[1])
            except BaseException:
                left.clear()
                raise

        with ThreadPoolExecutor(max(1, self.jobs - 1)) as threads:
            waiting = [threads.submit(take, lambda order: self._elsewhere(order, work)) for _ in range(self.jobs - 1)]
            take(lambda order: work(order, LocalFiles()))
        for each in waiting:
            each.result()
        return [found[index] for index in range(len(orders))]

    def _elsewhere(self, order: Order, here: Callable[[Order, LocalFiles], Any]) -> Any:
        try:
            with _unheard():
                waiting = self._executor.submit(remote, order)
            answer = waiting.result()
        except BrokenProcessPool:
            if self._ended:
                raise
            return here(order, LocalFiles())
        return answered(answer)

    def __enter__(self) -> Self:
        if self._forks:
            with _unheard():
                self._executor.submit(_nothing)
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, trace: TracebackType | None) -> None:
        self._ended = True
        if kind is not None:
            # Workers do not hear Ctrl-C, and the interpreter would wait for what they are at. What they write is blobs, which a kill cannot harm.
            for process in list((self._executor._processes or {}).values()):
                process.terminate()
        self._executor.shutdown(wait=kind is None, cancel_futures=True)


def _next(left: deque[tuple[int, Order]]) -> tuple[int, Order] | None:
    try:
        return left.popleft()
    except IndexError:
        return None  # another thread was faster


@contextmanager
def _unheard() -> Iterator[None]:
    """Start processes with Ctrl-C held back, until they can ignore it: they inherit that, and take a while to start."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _is_alone() -> bool:
    """Whether this process has one thread, as Linux counts them; False elsewhere. With others, a fork may hold a lock that nobody opens."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _nothing() -> None:
    """The first order: a pool that forks starts all of its processes with it."""


def _begin() -> None:
    # Ctrl-C reaches every process of the terminal; the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the pipe that the parent holds open; it closes even if the parent was killed, on every system."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)  # nobody waits for what this process is at, and what it wrote is blobs
