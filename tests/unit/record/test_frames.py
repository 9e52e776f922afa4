"""What goes over the pipe comes out as it went in, also bytes; what is cut off is dropped."""

import io

import msgspec
import pytest

from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.record.frames import Ended, Failed, Frame, Met, Offered, Plan, Started, Went, encoded, frames, plan

RECORDED = Recorded(
    "exchange 1",
    "POST",
    "https://shop.example/orders?q=ü",
    headers=(("Cookie", "a=b"), ("X", "")),
    request=RecordedBody("application/json", data=b'{"n": 1}', size=8),
    status=201,
    response_headers=(("set-cookie", "c=d"), ("set-cookie", "e=f")),
    response=RecordedBody("application/octet-stream", data=bytes(range(256)), size=256),
    kind="fetch",
)
FRAMES: tuple[Frame, ...] = (
    Started(),
    Went("https://shop.example/"),
    Met(RECORDED),
    Offered("https://shop.example", '{"name": "find"}'),
    Ended("asked", state=b"{}", asks_password=True),
    Failed("script", "ValueError", 7),
)


def test_frames_come_out_in_order_as_they_went_in() -> None:
    pipe = io.BytesIO(b"".join(map(encoded, FRAMES)))
    assert tuple(frames(pipe.read)) == FRAMES


@pytest.mark.parametrize("cut", [1, 3, 4, 5, 40])
def test_a_frame_that_is_cut_off_is_dropped_and_those_before_it_are_kept(cut: int) -> None:
    whole, last = encoded(FRAMES[0]), encoded(FRAMES[2])
    assert list(frames(io.BytesIO(whole + last[:cut]).read)) == [Started()]


def test_a_plan_comes_out_as_it_went_in() -> None:
    wanted = Plan("https://shop.example/", headless=True, script="/x.py", state=b'{"cookies": []}', keeps_state=True)
    assert plan(io.BytesIO(encoded(wanted)).read) == wanted


def test_what_is_no_plan_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        plan(io.BytesIO(b"").read)
