"""One step, done: the stage is run on its inputs and its outputs become blobs, in this process or in others, as a whole or in pieces.

What crosses to another process are references and digests, and back come digests (of a piece: with its note) or an error record: never
bytes, never exceptions. Whether and where a step is cut is the stage's business; who works on a piece changes nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from caskmcp.canon import Digest
from caskmcp.compiler.pipeline import Gave, Outputs, Pieces, Stage
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
    piece: Any = None
    """The piece that is to be worked on; None: the stage as a whole."""


class Worked(NamedTuple):
    """What a piece gave; pickles."""

    outs: Outs
    note: Any


class Pool(Protocol):
    """Where the steps of sources run. Apart, so that the plan does not know whether there are processes, or machines."""

    jobs: int

    def run(self, order: Order) -> Outs:
        """Compute in another process; raises what the stage raised."""

    def share(self, orders: Sequence[Order], going: Callable[[], None]) -> list[Worked]:
        """Work on pieces, in any process, also in this one; raises the first thing that was raised. going: asked before each, and may raise."""


def perform(plan: Plan, step: Step, pool: Pool | None, resolve: Resolve = load) -> None:
    """Restore or run one step, and keep what it gave. Called by a worker thread."""
    with plan.busy():
        if step.state is State.RESTORE and plan.lay(step):
            return
        blobs = plan.site.blobs
        order = Order(blobs.folder, blobs.temporary, step.row, step.bound, resolve)
        if pool is None or step.row.per != "source":
            outs = compute(order, blobs.files)
        elif (shared := _in_pieces(order, blobs.files, pool.jobs, lambda orders: pool.share(orders, plan.going))) is not None:
            outs = shared
        else:
            outs = pool.run(order)
        plan.keep(step, outs)


def compute(order: Order, files: Files) -> Outs:
    """Run a stage on its inputs; its outputs become blobs, in the order of the row. Returns their digests."""
    outs = _in_pieces(order, files, 1, lambda orders: [work(each, files) for each in orders])
    return _put(order, files, order.resolve(order.row.run)(_inputs(order, files))) if outs is None else outs


def work(order: Order, files: Files) -> Worked:
    """Work on one piece; what it gives becomes blobs."""
    outputs, note = order.resolve(order.row.pieces).work(_inputs(order, files), order.piece)
    blobs = _blobs(order, files)
    return Worked({name: _stored(blobs, outputs[name]) for name in sorted(outputs)}, note())


def _in_pieces(order: Order, files: Files, jobs: int, share: Callable[[list[Order]], list[Worked]]) -> Outs | None:
    """The outputs of a stage that was run in pieces; None if it has to be run as a whole."""
    if not order.row.pieces:
        return None
    kit: Pieces = order.resolve(order.row.pieces)
    inputs = _inputs(order, files)
    try:
        pieces = kit.cut(inputs, jobs)
        if len(pieces) < 2:
            return None
        worked = share([order._replace(piece=piece) for piece in pieces])
        outs = _put(order, files, kit.join(inputs, [_gave(each, _blobs(order, files)) for each in worked]))
    except CaskError:
        return None  # the whole says it better, or a guess where to cut was wrong
    _sweep(worked, outs, _blobs(order, files))
    return outs


def _sweep(worked: Sequence[Worked], outs: Outs, blobs: Blobs) -> None:
    """Remove the blobs of pieces: what they held is in the outputs."""
    kept = set(outs.values() if all(isinstance(each, str) for each in outs.values()) else ())
    for digest in {str(each) for one in worked for each in one.outs.values()} - kept:
        blobs.remove(Digest(digest))


def _gave(worked: Worked, blobs: Blobs) -> Gave:
    def blocks(name: str) -> Iterator[bytes]:
        digest = worked.outs[name]
        if isinstance(digest, Mapping):
            raise TypeError(f"{name} of a piece is a map")
        return blobs.chunks(digest)

    return Gave(blocks, worked.note)


def _put(order: Order, files: Files, outputs: Outputs) -> Outs:
    if set(outputs) != set(order.row.outputs):
        raise CaskError("CASK-B001", f"{order.row.name} gave {sorted(outputs)} instead of {sorted(order.row.outputs)}")
    blobs = _blobs(order, files)
    return {name: _stored(blobs, outputs[name]) for name in order.row.outputs}


def _blobs(order: Order, files: Files) -> Blobs:
    return Blobs(files, order.folder, order.temporary)


def _inputs(order: Order, files: Files) -> BoundInputs:
    return BoundInputs(files, _blobs(order, files), order.bound)


def remote(order: Order) -> tuple[Outs | Worked | None, Record | None]:
    """`compute`, or `work` on a piece, in another process: (what it gives, None) or (None, error record)."""
    try:
        return (compute if order.piece is None else work)(order, LocalFiles()), None
    except Exception as cause:
        return None, recorded(cause)


def answered(answer: tuple[Any, Record | None]) -> Any:
    """What the other process gave, or the exception that a record stands for."""
    found, record = answer
    if found is None:
        raise restored(record or {"type": "Lost", "text": "the process gave no answer", "trace": ""})
    return found


def _stored(blobs: Blobs, output: Any) -> Digest | dict[str, Digest]:
    if isinstance(output, Mapping):
        return {name: blobs.put(output[name]) for name in sorted(output)}
    return blobs.put(output)
