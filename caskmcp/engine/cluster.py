"""The steps of sources, and pieces of large ones, on a Dask cluster: the same functions as in processes, and the same bytes.

What crosses are references and digests. Blobs and sources are read and written where they lie: each worker has to reach the folder of the root
under the same path. A worker has to run this very toolchain, or it refuses: other code would write other bytes under our action keys. What a
worker that died was at is done again by another one, and by this process if there is none. An order holds the root's redaction key and is
sent as a pickle, which is code: a cluster is for a trusted network, or for one behind `tls://`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from caskmcp.canon import Digest
from caskmcp.engine.faults import Record
from caskmcp.engine.perform import Order, Worked, answered, compute, remote, work
from caskmcp.engine.toolchain import toolchain
from caskmcp.errors import CaskError
from caskmcp.store.files import LocalFiles
from caskmcp.store.index import Index
from caskmcp.store.receipts import Outs

SECONDS = 10
"""How long a scheduler may take to answer."""
_POLL = 0.1


class Cluster:
    """A `perform.Pool` of the workers of a scheduler. Raises CaskError CASK-B005 where there is none, or where it has no worker."""

    def __init__(self, address: str, digest: Digest) -> None:
        self._digest = digest
        self._never = Event()
        try:
            self._client = Client(address, timeout=SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as cause:
            raise CaskError("CASK-B005", "no scheduler answers", place=address, mend=f"dask scheduler --host {_host(address)}") from cause
        self.jobs = sum(self._client.nthreads().values())
        if not self.jobs:
            self._client.close()
            raise CaskError("CASK-B005", "the scheduler has no worker", place=address, mend=f"dask worker {address}")

    def run(self, order: Order) -> Outs:
        """Compute on a worker; raises what the stage raised."""
        found: Outs = self._result(self._send(order), order, compute)
        return found

    def share(self, orders: Sequence[Order], going: Callable[[], None]) -> list[Worked]:
        """Work on pieces, on any worker."""
        waiting = [(self._send(order), order) for order in orders]
        try:
            while not self._ended([future for future, _ in waiting]):
                going()
            return [self._result(future, order, work) for future, order in waiting]
        finally:
            self._client.cancel([future for future, _ in waiting])

    def _ended(self, futures: list[Future]) -> bool:
        """Whether all have ended, well or not; asked again after a moment."""
        return all(future.done() for future in futures) or self._never.wait(_POLL)

    def _send(self, order: Order) -> Future:
        # Not pure for Dask: it must not take an earlier answer for this one, whose blobs may be gone by now.
        return self._client.submit(_asked, order, self._digest, pure=False)

    def _result(self, future: Future, order: Order, here: Callable[[Order, LocalFiles], Any]) -> Any:
        try:
            return answered(future.result())
        except KilledWorker:
            return here(order, LocalFiles())  # as many workers died of it as Dask allows; if it is the order's fault, we hear it now

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, trace: TracebackType | None) -> None:
        self._client.close()


def _asked(order: Order, digest: Digest) -> tuple[Outs | Worked | None, Record | None]:
    """`remote` on a worker, if it runs the toolchain that the action keys name."""
    if _own() != digest:
        wrong = CaskError("CASK-B005", "a worker runs another toolchain", mend="install the same caskmcp and libraries on each worker")
        return None, {"code": wrong.code, "what": wrong.what, "place": wrong.place, "mend": wrong.mend}
    return remote(order)


@lru_cache(maxsize=1)
def _own() -> str:
    files = LocalFiles()
    return toolchain(files, Index(files, Path("no-index"))).digest


def _host(address: str) -> str:
    return address.partition("://")[2].rpartition(":")[0] or address
