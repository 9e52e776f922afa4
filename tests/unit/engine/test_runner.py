"""doit as the runner: it reads nothing, writes nothing, leaves the streams alone, and stops writing when it is interrupted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from caskmcp.compiler.pipeline import Inputs, Outputs
from caskmcp.engine.runner import run
from tests.support import toy
from tests.support.syntax import ROOT
from tests.support.toy import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    toy.calls.clear()
    return Bench(tmp_path)


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_build_leaves_the_working_directory_and_the_streams_alone(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "pyproject.toml").write_text("this is [no toml")
    (tmp_path / "empty" / "dodo.py").write_text("raise SystemExit('a dodo file was read')")
    monkeypatch.chdir(tmp_path / "empty")
    bench.source("a.txt", "fruit fig\n")
    before = sys.stdout, sys.stderr
    bench.build(jobs=jobs)
    assert (sys.stdout, sys.stderr) == before
    assert sorted(os.listdir(tmp_path / "empty")) == ["dodo.py", "pyproject.toml"]


@pytest.mark.parametrize("jobs", [1, 3])
def test_failures_come_in_the_order_of_the_plan_without_their_consequences(bench: Bench, jobs: int) -> None:
    for name in ("a", "b", "c"):
        bench.source(f"{name}.txt", f"{name} x\nBAD\n")
    plan = bench.plan()
    failures = run(plan, jobs=jobs, resolve=toy.resolve)
    titles = [step.title for step, _ in failures]
    assert titles == sorted(titles, reverse=True)  # the bench gives its sources in reverse order
    assert titles
    assert all(title.startswith("read ") for title in titles)


def test_a_group_whose_name_doit_would_read_as_a_pattern_is_built(bench: Bench) -> None:
    bench.source("a*=b.txt", "GET*api.example.com/orders/{order_id}=1 x\n_private y\n")
    resolve = bench.resolve

    def plain(inputs: Inputs) -> Outputs:
        return {"files": {"one.json": b"[]"}}

    bench.resolve = lambda name: plain if name == "write" else resolve(name)
    plan = bench.build()
    assert [step.unit for step in plan.of("look")] == ["GET*api.example.com/orders/{order_id}=1", "_private"]


def test_after_an_interrupt_nothing_is_written_and_the_next_build_is_right(bench: Bench) -> None:
    def interrupted(inputs: Inputs) -> Outputs:
        raise KeyboardInterrupt

    bench.source("a.txt", "fruit fig\n")
    bench.resolve = lambda name: interrupted if name == "join" else toy.resolve(name)
    with pytest.raises(KeyboardInterrupt):
        bench.build()
    assert not (bench.root.path / "packs").exists()
    bench.resolve = toy.resolve
    bench.build()
    assert (bench.root.path / "packs" / "toy" / "lock.txt").read_bytes() == b'["fruit.json"]'


INTERRUPTED = """
import sys, threading
from pathlib import Path
from tests.support.toy import Bench
bench = Bench(Path(sys.argv[1]))
for number in range(8):
    bench.source(f"{number}.txt", f"NAP{number} x\\n")
print("going", flush=True)
try:
    bench.build(jobs=2)
except KeyboardInterrupt:
    before = sorted(path.as_posix() for path in bench.root.path.rglob("*"))
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(1)
    print("stopped", before == sorted(path.as_posix() for path in bench.root.path.rglob("*")), flush=True)
"""


def test_threads_that_go_on_after_ctrl_c_write_nothing_more(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "going\n"
    time.sleep(0.5)
    os.kill(child.pid, signal.SIGINT)
    out, _ = child.communicate(timeout=20)
    assert out == "stopped True\n"
