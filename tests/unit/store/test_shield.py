"""A process that closed its memory, seen from another one of the same user."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can do this")
CHILD = "import sys; exec(sys.argv[1]); print('ready', flush=True); sys.stdin.read()"
CLOSE = "from caskmcp.store.shield import close; close()"
READ = "import sys; open(f'/proc/{sys.argv[1]}/mem', 'rb').close(); print('open')"
NOBODY: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


def python() -> str:
    """A Python that the other user may run, too."""
    for path in (sys.executable, "/usr/bin/python3"):
        with suppress(OSError):
            if subprocess.run([path, "-c", "import ctypes"], capture_output=True, check=False, **NOBODY).returncode == 0:
                return path
    pytest.skip("no Python here that another user than root may run")


def seen_by_another(what: str) -> str:
    """What another process of the same user (root could always) gets of a child that does this first."""
    root = str(Path(__file__).parents[3])
    child = subprocess.Popen(
        [python(), "-c", CHILD, what], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": root}, **NOBODY
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        done = subprocess.run([python(), "-c", READ, str(child.pid)], capture_output=True, text=True, check=False, **NOBODY)
    return done.stdout.strip() or done.stderr.strip().rsplit("\n", 1)[-1].split(":")[0]


@LINUX
def test_the_memory_of_a_process_that_was_closed_is_read_by_nobody_else() -> None:
    assert seen_by_another(CLOSE) == "PermissionError"


@LINUX
def test_without_that_it_could_be_read() -> None:
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    if scope.exists() and scope.read_text().strip() != "0":
        pytest.skip("this machine keeps a user's processes apart by itself")
    assert seen_by_another("pass") == "open"
