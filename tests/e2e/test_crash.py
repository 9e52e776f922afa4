"""A build that is killed, starved of disk or kept from writing leaves old or new files, and the next build is right."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import shop_recording
from tests.support.builds import PACK, built, pack, recording, shop
from tests.support.syntax import ROOT

# Kills itself right before the K-th change to files below the root; prints the number of changes when it is not killed.
KILLED = """
import os, signal, sys
at, root, seen = int(sys.argv[1]), sys.argv[2], 0
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def hook(event, arguments):
    global seen
    changes = event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate") or (event == "open" and arguments[2] & WRITES)
    if changes and str(arguments[0]).startswith(root):
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)

from caskmcp.cli.main import main
sys.addaudithook(hook)
status = main(["build", "--jobs", sys.argv[3]])
print("changes", seen)
sys.exit(status)
"""
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}


def started(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=folder, env=ENV, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built project whose recording was cut short since."""
    folder = shop(tmp_path_factory.mktemp("before") / "shop")
    built(folder)
    recording(folder, "morning.har", shop_recording.entries()[:50])
    return folder


@pytest.fixture(scope="module")
def changes(before: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    """How many changes to files the next build makes, and the project after it."""
    folder = Path(shutil.copytree(before, tmp_path_factory.mktemp("after") / "shop"))
    done = started(folder, "0", str(folder / ".caskmcp"), "1")
    return int(done.stdout.split()[-1]), folder


def state(folder: Path) -> dict[str, bytes]:
    """Everything that the project keeps, the cache aside."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "cache" not in path.relative_to(folder).parts
    }


@pytest.mark.parametrize("share", [0.0, 0.02, 0.07, 0.15, 0.3, 0.45, 0.6, 0.75, 0.85, 0.93, 0.97, 0.995])
def test_after_a_kill_at_any_change_files_are_old_or_new_and_the_next_build_is_right(
    before: Path, changes: tuple[int, Path], tmp_path: Path, share: float
) -> None:
    total, after = changes
    folder = Path(shutil.copytree(before, tmp_path / "shop"))
    killed = started(folder, str(1 + int(share * total)), str(folder / ".caskmcp"), "1")
    assert killed.returncode == -signal.SIGKILL
    old, new, left = state(before), state(after), state(folder)
    assert [name for name in left if left[name] not in (old.get(name), new.get(name))] == []
    built(folder)
    assert state(folder) == new
    assert os.listdir(folder / ".caskmcp" / "cache" / "tmp") == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_build_of_several_jobs_that_is_killed_again_and_again_ends_right(
    changes: tuple[int, Path], before: Path, tmp_path: Path, seed: int
) -> None:
    moments = random.Random(seed)
    folder = Path(shutil.copytree(before, tmp_path / "shop"))
    for _ in range(6):
        child = subprocess.Popen(
            [sys.executable, "-m", "caskmcp", "build", "--jobs", "3"],
            cwd=folder,
            env=ENV,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(moments.uniform(0.1, 0.9))
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    built(folder)
    assert state(folder) == state(changes[1])


def test_a_full_disk_is_an_error_with_place_and_mend_and_nothing_is_half_written(before: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(before, tmp_path / "shop"))
    old = state(folder)
    code = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); from caskmcp.cli.main import main; sys.exit(main(['build']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=ENV, capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "CASK-W001 file too large" in done.stderr
    assert "df -h" in done.stderr
    assert "Traceback" not in done.stderr
    left = state(folder)
    assert {name: left.get(name) for name in old if name.startswith(PACK)} == {name: old[name] for name in old if name.startswith(PACK)}


def test_a_root_that_may_not_be_written_is_an_error_of_the_world(before: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(before, tmp_path / "shop"))
    shutil.rmtree(folder / ".caskmcp")
    for path in (tmp_path, *tmp_path.parents):
        if path != Path("/tmp") and path.is_relative_to("/tmp"):
            path.chmod(0o755)
    folder.chmod(0o555)
    code = (
        "import os, sys; os.getuid() or (os.setgid(65534), os.setuid(65534)); from caskmcp.cli.main import main; sys.exit(main(['build']))"
    )
    # Imported before the rights are dropped: the checkout may be closed to others.
    code = (
        "import encodings.utf_8_sig, encodings.idna, caskmcp.workflows.build, caskmcp.store.locks, caskmcp.report.error, caskmcp.cli.build, caskmcp.cli.world\n"
        + code
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=ENV, capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "CASK-W001 permission denied" in done.stderr
    assert sorted(os.listdir(folder)) == ["captures", "cask.yaml", "specs"]


def test_an_interrupted_build_says_so_and_the_next_one_is_right(before: Path, changes: tuple[int, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(before, tmp_path / "shop"))
    recording(folder, "long.har", shop_recording.entries() * 40)
    child = subprocess.Popen(
        [sys.executable, "-m", "caskmcp", "build"], cwd=folder, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (folder / ".caskmcp" / "cache" / "tmp").exists() or not os.listdir(folder / ".caskmcp" / "cache" / "tmp"):
        time.sleep(0.01)
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 5
    assert "CASK-W004" in err
    (folder / "captures" / "long.har").unlink()
    built(folder)
    assert state(folder) == state(changes[1])


def test_a_record_of_the_last_build_that_was_torn_by_a_power_cut_is_made_again(
    before: Path, changes: tuple[int, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(changes[1], tmp_path / "shop"))
    for path in (folder / ".caskmcp" / "cache").rglob("*"):
        if path.is_file() and path.name != "CACHEDIR.TAG":
            path.write_bytes(b"")  # what is not synced can be empty after a power cut
    built(folder)
    assert state(folder) == state(changes[1])
    assert json.loads((folder / PACK / "artifact" / "tools.json").read_bytes())["tools"]
    assert pack(folder) == pack(changes[1])
