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


WHERE = """
import multiprocessing, sys, threading
from pathlib import Path
from caskmcp.engine.processes import Processes
from tests.support.toy import Bench
if __name__ == "__main__":
    ended = threading.Event()
    if sys.argv[2] == "threads":
        threading.Thread(target=ended.wait).start()
    with Processes(2) as pool:
        begun = len(multiprocessing.active_children())
        bench = Bench(Path(sys.argv[1]))
        bench.source("a.txt", "g w\\n")
        bench.build(jobs=2, pool=pool)
        kinds = sorted({type(each).__name__ for each in multiprocessing.active_children()})
        print(begun, *kinds, len(bench.tree()) > 0)
    ended.set()
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="where threads cannot be counted, nothing is forked")
def test_a_process_with_one_thread_forks_at_once_and_one_with_two_never_does(tmp_path: Path) -> None:
    (tmp_path / "where.py").write_text(WHERE)
    found = {}
    for how in ("alone", "threads"):
        (tmp_path / how).mkdir()
        argv = [sys.executable, str(tmp_path / "where.py"), str(tmp_path / how), how]
        found[how] = subprocess.run(
            argv, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True, timeout=HANGS
        ).stdout
    assert found == {"alone": "2 ForkProcess True\n", "threads": "0 SpawnProcess True\n"}
