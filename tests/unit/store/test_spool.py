"""Bytes without a file's name: read again and again, and gone with the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.store import spool
from caskmcp.store.spool import Spool

BIG = [bytes([number]) * (1 << 20) for number in range(12)]


@pytest.mark.parametrize("pieces", [[], [b"a", b"bc"], BIG], ids=["nothing", "little", "much"])
def test_what_was_put_in_comes_out_again_and_again(pieces: list[bytes]) -> None:
    held = Spool(pieces)
    assert b"".join(held.blocks()) == b"".join(held.blocks()) == b"".join(pieces)


def test_no_folder_lists_what_a_killed_process_held(tmp_path: Path) -> None:
    code = (
        "import os, signal; from caskmcp.store.spool import Spool\nheld = Spool([b'x' * (9 << 20)])\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(tmp_path)}, check=False)
    assert done.returncode == -9
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_an_error_of_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY", 1)
    with open("/dev/full", "wb", buffering=0) as full:
        monkeypatch.setattr(spool.tempfile, "SpooledTemporaryFile", lambda **_: full)
        with pytest.raises(CaskError) as caught:
            Spool([b"x"])
    assert (caught.value.code, caught.value.what) == ("CASK-W001", "no space left on device")
