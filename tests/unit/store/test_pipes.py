"""What comes through a pipe is read once, up to a bound; what nobody may ever write to is no such pipe."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.store import pipes


@contextmanager
def held(data: bytes) -> Iterator[Path]:
    """A pipe as a shell puts it in a file's place."""
    out, into = os.pipe()
    writer = threading.Thread(target=_write, args=(into, data), daemon=True)
    writer.start()
    try:
        yield Path(f"/dev/fd/{out}")
    finally:
        os.close(out)
        writer.join()


def _write(into: int, data: bytes) -> None:
    with suppress(BrokenPipeError), open(into, "wb", buffering=0) as sink:
        rest = memoryview(data)
        while rest:
            rest = rest[sink.write(rest) or 0 :]


def test_all_of_it_is_read_however_many_pieces_it_comes_in() -> None:
    data = bytes(range(256)) * 4096
    with held(data) as path:
        assert pipes.is_held(path)
        assert pipes.read(path) == data


def test_an_empty_one_is_empty() -> None:
    with held(b"") as path:
        assert pipes.read(path) == b""


def test_there_is_an_end_to_what_is_taken() -> None:
    with held(b"x" * (3 << 20)) as path, pytest.raises(CaskError) as caught:
        pipes.read(path, 2 << 20)
    assert (caught.value.code, caught.value.exit, caught.value.mend) == ("CASK-C005", 3, "cask capture import FILE")


def test_a_pipe_of_its_own_name_a_device_a_file_and_nothing_at_all_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").write_bytes(b"x")
    for path in (tmp_path / "fifo", tmp_path / "file", tmp_path / "gone", Path("/dev/null"), Path("/dev/fd/999")):
        assert pipes.read(path) is None


def test_a_dash_is_standard_input_and_anything_else_a_path(tmp_path: Path) -> None:
    assert pipes.path_of("-", tmp_path) == Path("/dev/stdin")
    assert pipes.path_of("a.har", tmp_path) == tmp_path / "a.har"
    assert pipes.path_of("/dev/fd/3", tmp_path) == Path("/dev/fd/3")
