"""Redaction comes before the first write of anything: a kill, a crash and a bug leave nothing raw, wherever files may lie."""

import json
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from caskmcp.redact.traces import layers
from tests.support.secrets import HOST, cases, leaks, recording
from tests.support.syntax import ROOT
from tests.support.terminal import environment

SECRETS = [case for case in cases("gone") if case.where != "otel.attr"]

# Ends itself right before the K-th change to files anywhere below a folder, by a signal; prints the number of changes when it is not ended.
ENDED = """
import os, resource, sys
at, folder, sign, seen = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), 0
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def hook(event, arguments):
    global seen
    changes = event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate") or (event == "open" and arguments[2] & WRITES)
    if changes and str(arguments[0]).startswith(folder):
        seen += 1
        if seen == at:
            os.kill(os.getpid(), sign)

from caskmcp.cli.main import main
sys.addaudithook(hook)
status = main(sys.argv[4:])
print("changes", seen, "core", resource.getrlimit(resource.RLIMIT_CORE)[0])
print("title", open("/proc/self/cmdline").read() if os.path.exists("/proc/self/cmdline") else "")
sys.exit(status)
"""

# A bug of ours in the middle of the work, whose text holds what was read.
BROKEN = """
import sys
from caskmcp.compiler.capture import intake
def encode_line(exchange):
    raise KeyError(str(exchange) + open("vault.har").read())
intake.encode_line = encode_line
from caskmcp.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


class Place:
    """A project, and every folder that a process may write to: its own temporary folder and home."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.project = folder, folder / "project"
        for each in (self.project, folder / "home", folder / "tmp"):
            each.mkdir(parents=True)
        self.source = self.project / "vault.har"
        self.source.write_bytes(recording(cases(), repeat=2))
        self.env = {**environment(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(ROOT)}

    def run(self, code: str, *words: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run([sys.executable, "-c", code, *words], cwd=self.project, env=self.env, capture_output=True, check=False)

    def ended(self, at: int, sign: int, *words: str) -> "subprocess.CompletedProcess[bytes]":
        return self.run(ENDED, str(at), str(self.folder), str(sign), *words)

    def written(self) -> list[bytes]:
        """Every byte of every file but the recording, and of what is compressed in them."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path != self.source]
        return [layer for path in files for layer in layers(path.name.encode() + b"\n" + path.read_bytes())]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


IMPORT = ("capture", "import", "vault.har", "-a", HOST)


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory) -> int:
    place = Place(tmp_path_factory.mktemp("whole") / "place")
    done = place.ended(0, 0, *IMPORT)
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert words[words.index(b"core") + 1] == b"0"
    assert leaks(SECRETS, done.stdout, done.stderr, *place.written()) == []
    return int(words[words.index(b"changes") + 1])


@pytest.mark.feature(14)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.8, 0.99])
def test_a_kill_before_any_write_leaves_nothing_raw(place: Place, changes: int, share: float) -> None:
    killed = place.ended(1 + int(share * changes), signal.SIGKILL, *IMPORT)
    assert killed.returncode == -signal.SIGKILL
    assert leaks(SECRETS, killed.stdout, killed.stderr, *place.written()) == []
    again = place.run("import sys; from caskmcp.cli.main import main; sys.exit(main(sys.argv[1:]))", *IMPORT)
    assert again.returncode == 0, again.stderr
    assert leaks(SECRETS, again.stdout, again.stderr, *place.written()) == []


def test_a_kill_in_a_build_from_the_recording_leaves_nothing_raw(place: Place) -> None:
    (place.project / "cask.yaml").write_text(f"version: 1\nname: vault\nhosts: [{HOST}]\nsources: [{{har: vault.har}}]\n")
    killed = place.ended(25, signal.SIGKILL, "build", "--jobs", "1")
    assert killed.returncode == -signal.SIGKILL
    assert leaks(SECRETS, killed.stdout, killed.stderr, *place.written()) == []


def test_a_crash_leaves_no_image_of_the_memory(place: Place, changes: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    raised = f"import resource; resource.setrlimit(resource.RLIMIT_CORE, ({hard}, {hard}))\n"
    crashed = place.run(raised + ENDED, str(changes // 2), str(place.folder), str(signal.SIGABRT), *IMPORT)
    assert crashed.returncode == -signal.SIGABRT
    assert [path.name for path in place.folder.rglob("core*") if path.is_file()] == []
    assert leaks(SECRETS, *place.written()) == []


@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_a_bug_says_where_it_is_and_nothing_of_what_was_read(place: Place, debug: tuple[str, ...]) -> None:
    broken = place.run(BROKEN, *IMPORT, *debug)
    assert broken.returncode == 70
    assert (b"Traceback" in broken.stderr) is bool(debug)
    assert (b"in encode_line" in broken.stderr) is bool(debug)
    assert leaks(SECRETS, broken.stdout, broken.stderr, *place.written()) == []


def test_a_broken_recording_is_refused_without_its_words(place: Place) -> None:
    data = json.loads(place.source.read_bytes())
    entries = data["log"]["entries"]
    for index, value in (
        (0, [entries[0]]),
        (1, str(entries[1])),
        (2, {"request": [entries[2]]}),
        (3, {"request": {"url": 7, "method": str(entries[3])}}),
    ):
        entries[index] = value
    place.source.write_text(json.dumps(data))
    done = place.run("import sys; from caskmcp.cli.main import main; sys.exit(main(sys.argv[1:]))", *IMPORT, "--debug")
    assert done.returncode == 0, done.stderr
    assert leaks(SECRETS, done.stdout, done.stderr, *place.written()) == []
    shutil.rmtree(place.project / ".caskmcp")
    place.source.write_bytes(place.source.read_bytes()[: len(place.source.read_bytes()) // 2])
    cut = place.run("import sys; from caskmcp.cli.main import main; sys.exit(main(sys.argv[1:]))", *IMPORT, "--debug")
    assert cut.returncode == 3
    assert leaks(SECRETS, cut.stdout, cut.stderr, *place.written()) == []
