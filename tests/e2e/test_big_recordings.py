"""Recordings that are larger than memory should be: bounded, shown on a terminal, and gone without a trace when a person ends them."""

import json
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.run import measure
from tests.support.terminal import CASK, Terminal, environment

HOST = "api.shop.example"
LIMIT = 256
"""MiB that an import may take, however large the recording."""


def entries(size: int) -> Iterator[str]:
    """Entries of about 20 kB with values that do not compress well, about `size` bytes in all."""
    noise = random.Random(7)
    for number in range(size // 20_000):
        answer = json.dumps({"orders": [{"id": at, "price": noise.random(), "weight": noise.random(), "open": True} for at in range(260)]})
        yield json.dumps(
            {
                "request": {"method": "GET", "url": f"https://{HOST}/orders/{number}", "headers": []},
                "response": {
                    "status": 200,
                    "headers": [],
                    "content": {"mimeType": "application/json", "text": answer, "size": len(answer)},
                },
            }
        )


def recording(path: Path, size: int) -> Path:
    with path.open("w", encoding="utf-8") as out:
        out.write('{"log": {"version": "1.2", "entries": [')
        for number, entry in enumerate(entries(size)):
            out.write(f"{',' if number else ''}\n{entry}")
        out.write("]}}")
    return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recording(tmp_path_factory.mktemp("recordings") / "shop.har", 64 << 20)


@pytest.mark.slow
def test_the_memory_of_an_import_does_not_grow_with_the_recording(shop: Path, tmp_path: Path) -> None:
    small = recording(tmp_path / "small.har", 16 << 20)
    taken = [_import(each, tmp_path / each.stem) for each in (small, shop)]
    assert taken[1] < LIMIT
    assert taken[1] < taken[0] + 24


def _import(path: Path, folder: Path) -> float:
    folder.mkdir()
    return measure([*CASK, "capture", "import", str(path), "-a", HOST], folder, environment(folder / "home")).memory


@pytest.mark.slow
def test_an_import_shows_how_far_it_is_on_a_terminal_and_leaves_nothing_when_it_is_ended(shop: Path, tmp_path: Path) -> None:
    folder, temporary = tmp_path / "project", tmp_path / "tmp"
    folder.mkdir()
    temporary.mkdir()
    argv = [*CASK, "capture", "import", str(shop), "-a", HOST]
    with Terminal.spawn(argv, folder, environment(tmp_path / "home", TMPDIR=str(temporary))) as terminal:
        terminal.expect(" % of ").interrupt()
        done = terminal.finish()
    assert done.exit == 5
    assert "CASK-W004" in done.transcript
    assert "Traceback" not in done.transcript
    assert list(folder.iterdir()) == list(temporary.iterdir()) == []


@pytest.mark.slow
def test_a_killed_import_leaves_nothing_either(shop: Path, tmp_path: Path) -> None:
    folder, temporary = tmp_path / "project", tmp_path / "tmp"
    folder.mkdir()
    temporary.mkdir()
    env = environment(tmp_path / "home", TMPDIR=str(temporary))
    child = subprocess.Popen([*CASK, "capture", "import", str(shop), "-a", HOST], cwd=folder, env=env, stdout=subprocess.PIPE)
    time.sleep(1.5)
    child.kill()
    out, _ = child.communicate()
    assert (child.returncode, out) == (-9, b"")
    assert list(folder.iterdir()) == list(temporary.iterdir()) == []


def test_a_pipe_gets_no_progress(tmp_path: Path) -> None:
    path = recording(tmp_path / "shop.har", 17 << 20)
    folder = tmp_path / "project"
    folder.mkdir()
    done = subprocess.run([*CASK, "capture", "import", str(path), "-a", HOST], cwd=folder, env={**os.environ, **environment(tmp_path)}, capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "% of" not in done.stdout
