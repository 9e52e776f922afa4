"""After Ctrl-C the interpreter does not end what native code is in the middle of: it would abort the process, with another exit status."""

import subprocess
import sys

import pytest

from tests.support.syntax import ROOT

PROGRAM = """
import atexit, signal, sys, threading, time
from caskmcp.cli import main

def interrupted(*_):
    signal.raise_signal(signal.SIGINT)

main._run = interrupted
if {threads}:
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
atexit.register(print, "the interpreter ended it", flush=True)
sys.argv = ["cask", "build"]
sys.exit(main.main())
"""


@pytest.mark.parametrize(("threads", "out"), [(True, ""), (False, "the interpreter ended it\n")])
def test_the_status_is_that_of_an_interrupt_whatever_threads_are_at(threads: bool, out: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(threads=threads)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (5, out), done.stderr
    assert "CASK-W004 interrupted; what was finished is kept · run: cask build" in done.stderr
