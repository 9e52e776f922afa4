"""A recording through a pipe: the same capture as from its file, nothing raw on the disk, and what is no recording is refused."""

from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.workflows import capture, prove
from tests.support.recordings import SPEC
from tests.support.world import world
from tests.unit.store.test_pipes import held
from tests.unit.workflows.test_capture import SHOP, entries

HOSTS = ("api.shop.example",)


def take(folder: Path, data: bytes) -> object:
    with held(data) as path:
        return capture.take(world(folder), sources=(str(path),), hosts=HOSTS).summary


def test_a_pipe_gives_the_capture_that_its_file_gives(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "shop.har").write_bytes(SHOP)
    capture.take(world(tmp_path / "a"), sources=("../shop.har",), hosts=HOSTS)
    take(tmp_path / "b", SHOP)
    assert entries(tmp_path / "a") == entries(tmp_path / "b")
    assert not any(SHOP[:200] in path.read_bytes() for path in (tmp_path / "b").rglob("*") if path.is_file())


@pytest.mark.parametrize("data", [b"", b"hello", SPEC.encode(), b'{"schema": "caskmcp/discovery/1"}', b"9:4:type;4:http;"])
def test_what_is_no_recording_is_refused_and_nothing_is_written(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(CaskError) as caught:
        take(tmp_path, data)
    assert (caught.value.code, caught.value.exit) == ("CASK-C001", 3)
    assert list(tmp_path.iterdir()) == []


def test_a_recording_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaskError, match="CASK-C001"):
        take(tmp_path, SHOP[:-20])
    assert list(tmp_path.iterdir()) == []


def test_the_proof_reads_twice_and_is_for_files(tmp_path: Path) -> None:
    with held(SHOP) as path, pytest.raises(CaskError) as caught:
        prove.take(world(tmp_path), sources=(str(path),), hosts=HOSTS)
    assert (caught.value.code, caught.value.mend) == ("CASK-I001", "cask capture import FILE --prove")
