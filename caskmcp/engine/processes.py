"""A pool of processes for the steps of sources, which are the CPU-heavy ones. Never forked: threads run beside it.

Only made where a build has several such steps and was asked for several jobs.
"""

import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from types import TracebackType
from typing import Self

from caskmcp.engine.perform import Order, answered, compute, remote
from caskmcp.store.files import LocalFiles
from caskmcp.store.receipts import Outs


class Processes:
    """A `perform.Pool` of `jobs` processes, started on first use."""

    def __init__(self, jobs: int) -> None:
        self._executor = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_quiet)
        self._ended = False

    def run(self, order: Order) -> Outs:
        """Compute in another process; raises what the stage raised. Where no process can be started, here."""
        try:
            with _unheard():
                waiting = self._executor.submit(remote, order)
            answer = waiting.result()
        except BrokenProcessPool:
            if self._ended:
                raise
            return compute(order, LocalFiles())
        return answered(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, trace: TracebackType | None) -> None:
        self._ended = True
        if kind is not None:
            # Workers do not hear Ctrl-C, and the interpreter would wait for what they are at. What they write is blobs, which a kill cannot harm.
            for process in list((self._executor._processes or {}).values()):
                process.terminate()
        self._executor.shutdown(wait=kind is None, cancel_futures=True)


@contextmanager
def _unheard() -> Iterator[None]:
    """Start processes with Ctrl-C held back, until they can ignore it: they inherit that, and take a while to start."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _quiet() -> None:
    # Ctrl-C reaches every process of the terminal; the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
