"""Sources in processes of their own: the same bytes, and errors that come back as what they were."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from caskmcp.engine.faults import RemoteFault
from caskmcp.engine.processes import Processes
from caskmcp.errors import CaskError
from tests.support import toy
from tests.support.patience import HANGS
from tests.support.syntax import ROOT
from tests.support.toy import Bench, done


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    toy.calls.clear()
    return Bench(tmp_path)


def test_the_steps_of_sources_run_elsewhere_and_give_the_same_bytes(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    alone = Bench(tmp_path / "alone")
    for each in (bench, alone):
        for number in range(4):
            each.source(f"{number}.txt", f"g{number % 2} w{number}\n")
    alone.build()
    toy.calls.clear()
    with Processes(2) as pool:
        plan = bench.build(jobs=2, pool=pool)
    assert toy.calls["read"] == toy.calls["count"] == 0
    assert toy.calls["join"] == 1
    assert bench.tree() == alone.tree()
    assert set(done(plan).values()) == {"ran"}


def test_an_error_of_ours_comes_back_as_itself(bench: Bench) -> None:
    bench.source("a.txt", "x y\nBAD\n")
    with Processes(2) as pool, pytest.raises(CaskError, match="CASK-C001 a word is bad · line 2"):
        bench.build(jobs=2, pool=pool)


def test_any_other_error_comes_back_with_its_words(bench: Bench) -> None:
    bench.source("a.txt", "BUG\n")
    with Processes(2) as pool, pytest.raises(RemoteFault, match="KeyError: 'entries'"):
        bench.build(jobs=2, pool=pool)


STUCK = """
import signal, sys, threading, time
import os
import subprocess
import sys
import time
from pathlib import Path
from caskmcp.engine.processes import Processes
from tests.support.toy import Bench
if __name__ == "__main__":
    bench = Bench(Path(sys.argv[1]))
    for number in range(500):  # naps of more than a minute
        bench.source(f"{number}.txt", f"NAP{number} x\\n")
    threading.Timer(1.0, lambda: signal.raise_signal(signal.SIGINT)).start()
    try:
        with Processes(2) as pool:
            bench.build(jobs=2, pool=pool)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_an_interrupt_does_not_wait_for_what_other_processes_are_at(tmp_path: Path) -> None:
    (tmp_path / "stuck.py").write_text(STUCK)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "stuck.py"), str(tmp_path)], env=env, capture_output=True, text=True, check=False, timeout=HANGS
    )
    assert done.stdout == "interrupted\n"
