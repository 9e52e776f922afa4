"""What a hostile reader found in recordings: small files that take minutes or gigabytes, and values that came through.

A recording is made of what strangers' servers say, so each of these is somebody else's text.
"""

import tracemalloc

import brotli
import pytest

from caskmcp.compiler.capture import bodies
from caskmcp.compiler.capture.sources.interface import RecordedBody
from caskmcp.redact.cut import Redactor
from caskmcp.redact.scan import scanner
from tests.support.patience import soon

KEY = bytes(32)


def recorded(text: str | None = None, media: str = "application/json", data: bytes | None = None) -> RecordedBody:
    return RecordedBody(media=media, text=text, data=data)


# ---------------------------------------------------------------- time and memory
def test_a_multipart_body_of_one_endless_header_is_read_in_linear_time() -> None:
    head = "content-disposition: x " * 40_000
    body = recorded(f"--b\r\n{head}\r\n\r\nv\r\n--b--", "multipart/form-data; boundary=b")
    with soon():
        bodies.body(body)


@pytest.mark.parametrize("find", ["ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3gH5", "ada.lovelace@corp.test", "password=hunter2hunter2"])
def test_a_text_of_many_finds_is_cut_in_linear_time(find: str) -> None:
    text = " ".join([find] * 8_000)
    with soon():
        scanner("strict").replace(text, lambda row, found: "X")


@pytest.mark.parametrize("wrap", [b"%b", b'{"inner":"%b"}'])
def test_a_packed_body_of_millions_of_empty_lists_does_not_fill_the_memory(wrap: bytes) -> None:
    packed = brotli.compress(wrap % (b"[" + b"[]," * 10_000_000 + b"[]]"), quality=1)
    assert len(packed) < 10_000
    tracemalloc.start()
    found = bodies.body(recorded(media="application/json", data=packed), "br")
    if found is not None and found.kind == "json":
        Redactor(KEY).json(found.value, "response")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300 << 20
