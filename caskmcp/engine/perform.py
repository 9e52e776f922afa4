"""One step, done: the stage is run on its inputs and its outputs become blobs, in this process or in another one.

What crosses to another process are references and digests, and back come digests or an error record: never bytes, never exceptions.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from caskmcp.canon import Digest
from caskmcp.compiler.pipeline import Stage
from caskmcp.engine.faults import Record, recorded, restored
from caskmcp.engine.inputs import Bound, BoundInputs
from caskmcp.engine.plan import Plan, State, Step
from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.ports import Files
from caskmcp.store.blobs import Blobs
from caskmcp.store.files import LocalFiles
from caskmcp.store.receipts import Outs

Resolve = Callable[[str], Any]
"""Turns a row's `run` into the stage's function; a module-level function, so that it pickles."""


class Order(NamedTuple):
    """What is to be computed; pickles."""

    folder: Path
    """Blobs."""
    temporary: Path
    row: Stage
    bound: Mapping[str, Bound]
    resolve: Resolve


class Pool(Protocol):
    """Where the steps of sources run. Apart, so that the plan does not know whether there are processes."""

    def run(self, order: Order) -> Outs:
        """Compute in another process; raises what the stage raised."""


def perform(plan: Plan, step: Step, pool: Pool | None, resolve: Resolve = load) -> None:
    """Restore or run one step, and keep what it gave. Called by a worker thread."""
    with plan.busy():
        if step.state is State.RESTORE and plan.lay(step):
            return
        blobs = plan.site.blobs
        order = Order(blobs.folder, blobs.temporary, step.row, step.bound, resolve)
        plan.keep(step, pool.run(order) if pool is not None and step.row.per == "source" else compute(order, blobs.files))


def compute(order: Order, files: Files) -> Outs:
    """Run a stage on its inputs; its outputs become blobs, in the order of the row. Returns their digests."""
    blobs = Blobs(files, order.folder, order.temporary)
    outputs = order.resolve(order.row.run)(BoundInputs(files, blobs, order.bound))
    if set(outputs) != set(order.row.outputs):
        raise CaskError("CASK-B001", f"{order.row.name} gave {sorted(outputs)} instead of {sorted(order.row.outputs)}")
    return {name: _stored(blobs, outputs[name]) for name in order.row.outputs}


def remote(order: Order) -> tuple[Outs | None, Record | None]:
    """`compute` in another process: (outputs, None) or (None, error record)."""
    try:
        return compute(order, LocalFiles()), None
    except Exception as cause:
        return None, recorded(cause)


def answered(answer: tuple[Outs | None, Record | None]) -> Outs:
    """The outputs, or the exception that a record stands for."""
    outs, record = answer
    if outs is None:
        raise restored(record or {"type": "Lost", "text": "the process gave no answer", "trace": ""})
    return outs


def _stored(blobs: Blobs, output: Any) -> Digest | dict[str, Digest]:
    if isinstance(output, Mapping):
        return {name: blobs.put(output[name]) for name in sorted(output)}
    return blobs.put(output)
