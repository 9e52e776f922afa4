"""The stage `normalize` in pieces: the exchanges of a large capture are counted by several processes, and the accounts are added up.

A capture that was made in pieces has a gzip member for each; a piece here is a run of members. Since adding up is exact (`adding.py`), the
part is the same for any number of pieces, so that there are as many as processes. What only a second look at all exchanges tells is found after.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final

from caskmcp.compiler.normalize import stage
from caskmcp.compiler.pipeline import Gave, Inputs, Outputs, Pieces


def cut(inputs: Inputs, jobs: int) -> Sequence[tuple[int, int]]:
    """(from, to) of as many runs of members as there are processes, of about the same number of bytes."""
    members = inputs.value("capture.head").get("members", ())
    if min(jobs, len(members)) < 2:
        return ()
    ends = list(accumulate(members))
    wanted = [inputs.size("capture.exchanges") * (number + 1) / jobs for number in range(jobs)]
    borders = sorted({0, *(min(ends, key=lambda end, near=near: abs(end - near)) for near in wanted)})  # type: ignore[misc]
    return list(pairwise(borders))


def work(inputs: Inputs, piece: Any) -> tuple[Outputs, Callable[[], Any]]:
    """The account of one run of members."""
    account = stage.read(inputs, inputs.window("capture.exchanges", *piece))
    return {}, lambda: account


def join(inputs: Inputs, gave: Sequence[Gave]) -> Outputs:
    """The part of the whole capture."""
    account, *others = (each.note for each in gave)
    for other in others:
        account.add_up(other)
    return stage.written(account, inputs)


PIECES: Final = Pieces(cut, work, join)
