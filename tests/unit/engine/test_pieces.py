"""Steps in pieces: the same outputs for any number of processes, this one among them; what goes wrong is told by the whole."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp.compiler.pipeline import Gave, Inputs, Outputs, Pieces, Stage
from caskmcp.engine.processes import Processes
from caskmcp.errors import CaskError
from tests.support import toy
from tests.support.syntax import ROOT
from tests.support.toy import Bench

PIECE: Final = 4
worked: Counter[str] = Counter()


def cut(inputs: Inputs, jobs: int) -> list[int]:
    return list(range(0, inputs.size("source"), PIECE))


def work(inputs: Inputs, piece: int) -> tuple[Outputs, Callable[[], Any]]:
    text = b"".join(inputs.window("source", piece, piece + PIECE))
    worked["here"] += 1
    if b"BAD" in text:
        raise CaskError("CASK-C001", "a piece is bad")
    if b"BUG" in text:
        raise KeyError("entries")
    if b"DIE" in text and os.environ.get("TOY_PARENT") != str(os.getpid()):
        os.kill(os.getpid(), signal.SIGKILL)
    return {"text": text.lower()}, lambda: (len(text), os.getpid())


def join(inputs: Inputs, gave: Sequence[Gave]) -> Outputs:
    assert sum(each.note[0] for each in gave) == inputs.size("source")
    worked.update(str(each.note[1]) for each in gave)
    return {"lines": texts(gave), "head": b'{"id":"a"}'}


def texts(gave: Sequence[Gave]) -> Iterator[bytes]:
    for each in gave:
        yield from each.blocks("text")


def whole(inputs: Inputs) -> Outputs:
    if b"BAD" in inputs.data("source"):
        raise CaskError("CASK-C001", "a word is bad", place="line 3")
    worked["whole"] += 1
    return {"lines": inputs.data("source").lower(), "head": b'{"id":"a"}'}


def resolve(name: str) -> Any:
    return {"read": whole, "cut": Pieces(cut, work, join)}.get(name) or toy.resolve(name)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    worked.clear()
    return make(tmp_path)


def make(folder: Path) -> Bench:
    made = Bench(folder)
    made.rows = (Stage("read", "source", ("source", "source.kind"), ("lines", "head"), "read", pieces="cut"), *toy.ROWS[1:])
    made.resolve = resolve
    return made


def blobs(bench: Bench) -> int:
    return sum(path.is_file() for path in bench.root.blobs.rglob("*"))


def test_any_number_of_processes_gives_the_bytes_of_one(tmp_path: Path) -> None:
    trees = []
    for jobs in (1, 2, 3):
        (tmp_path / str(jobs)).mkdir()
        bench = make(tmp_path / str(jobs))
        bench.source("a.txt", "G one\nG two\nH THREE\n" * 3)
        worked.clear()
        if jobs == 1:
            bench.build()
        else:
            with Processes(jobs) as pool:
                bench.build(jobs=jobs, pool=pool)
        trees.append(bench.tree())
        assert worked["whole"] == 0
        assert worked["here"] >= 1
    assert trees[0] == trees[1] == trees[2]


def test_what_the_pieces_held_is_not_kept_twice(bench: Bench) -> None:
    bench.source("a.txt", "G one\nG two\nH THREE\n")
    bench.build()
    assert worked["here"] == 5
    assert not [path for path in bench.root.blobs.rglob("*") if path.is_file() and path.read_bytes() == b"g on"]


def test_a_small_source_is_read_as_a_whole(bench: Bench) -> None:
    bench.source("a.txt", "G x")
    bench.build()
    assert (worked["whole"], worked["here"]) == (1, 0)


def test_where_a_piece_is_refused_the_whole_says_why(bench: Bench) -> None:
    bench.source("a.txt", "G x\nBAD y\n")
    with pytest.raises(CaskError, match="a word is bad · line 3"):
        bench.build()


def test_a_bug_in_a_piece_is_no_reason_to_try_again(bench: Bench) -> None:
    bench.source("a.txt", "G x\nBUG y\n")
    with pytest.raises(KeyError, match="entries"):
        bench.build()
    assert worked["whole"] == 0


def test_a_process_that_dies_costs_its_pieces_and_no_more(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_PARENT", str(os.getpid()))
    bench.source("a.txt", "G x\nDIE\nDIE\nDIE\nDIE\nDIE\nDIE\nDIE\nDIE\n")
    with Processes(3) as pool:
        bench.build(jobs=3, pool=pool)
    assert bench.tree()["captures/a/lines.txt"] == b"g x\n" + b"die\n" * 8
    assert worked[str(os.getpid())] >= 8


ORPHANS = """
import sys, time
from pathlib import Path
from caskmcp.engine.processes import Processes
from tests.support.toy import Bench
if __name__ == "__main__":
    bench = Bench(Path(sys.argv[1]))
    for number in range(400):
        bench.source(f"{number}.txt", f"NAP{number} x\\n")
    with Processes(2) as pool:
        bench.build(jobs=2, pool=pool)
"""


def children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-ww", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(line.split()[0]) for line in found.splitlines() if "spawn_main" in line or "orphans.py" in line]


def is_there(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for the processes where Linux lists them")
def test_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "orphans.py").write_text(ORPHANS)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, str(tmp_path / "orphans.py"), str(tmp_path)], env=env)
    deadline = time.monotonic() + 40
    while len(started := children(parent.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1.0)
    parent.kill()
    parent.wait()
    assert len(started) == 2
    while any(map(is_there, started)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [pid for pid in started if is_there(pid)] == []
