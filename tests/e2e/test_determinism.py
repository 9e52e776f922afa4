"""Same inputs and same toolchain give the same bytes: whole processes in other places, other orders, other Pythons."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import shop_recording
from tests.support.builds import PACK, pack, recording, shop
from tests.support.pythons import MINORS, interpreter
from tests.support.syntax import ROOT

UNSPLIT = {"artifact/observations.json", "artifact/coverage.json", "toolpack.yaml"}
"""What may differ when a recording is split into other files: parts, what cites them, and the record of their digests."""


class Place(NamedTuple):
    """Where and how one build runs."""

    seed: str
    zone: str
    locale: str
    umask: int
    jobs: str
    inner: bool
    """Whether it is started in a folder below the project."""


PLACES = (
    Place("0", "UTC", "C", 0o022, "1", inner=False),
    Place("1", "Asia/Kathmandu", "de_DE.UTF-8", 0o077, "2", inner=True),
    Place("2", "America/St_Johns", "tr_TR.UTF-8", 0o002, "1", inner=True),
    Place("3", "Pacific/Kiritimati", "ja_JP.UTF-8", 0o027, "3", inner=False),
    Place("4", "Europe/Stockholm", "sv_SE.UTF-8", 0o000, "2", inner=True),
)


def sources(folder: Path, seed: str, parts: int = 2) -> Path:
    """The example project, its recording cut into files; entries, their keys, and the names and order of files by the seed."""
    shop(folder)
    order = random.Random(seed)
    rows = shop_recording.entries()
    (folder / "captures" / "morning.har").unlink()
    for number in range(parts):
        mine = rows[number::parts]
        order.shuffle(mine)
        name = f"{order.randrange(10**6)}-{number}.har"
        recording(folder, name, [dict(order.sample(list(row.items()), len(row))) for row in mine])
    manifest = ["  - har: captures/*.har\n", "  - openapi: specs/returns.yaml\n"]
    order.shuffle(manifest)
    text = shop_recording.MANIFEST.replace("  - har: captures/*.har\n  - openapi: specs/returns.yaml\n", "".join(manifest))
    (folder / "cask.yaml").write_text(text)
    return folder


def built(folder: Path, place: Place, python: str = sys.executable) -> dict[str, bytes]:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder.parent),
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": place.seed,
        "PYTHONDONTWRITEBYTECODE": "1",
        "TZ": place.zone,
        "LC_ALL": place.locale,
        "USER": f"user{place.seed}",
    }
    cwd = folder / "captures" if place.inner else folder
    command = [python, "-m", "caskmcp", "build", "--jobs", place.jobs]
    done = subprocess.run(command, cwd=cwd, env=env, umask=place.umask, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return pack(folder)


def digests(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests of a build in the first place."""
    return digests(built(sources(tmp_path_factory.mktemp("wanted") / "shop", "0"), PLACES[0]))


@pytest.mark.feature(52)
@pytest.mark.parametrize("place", PLACES[1:], ids=lambda place: place.zone)
def test_another_seed_order_zone_locale_umask_folder_and_job_count_give_the_same_bytes(
    tmp_path: Path, wanted: dict[str, str], place: Place
) -> None:
    folder = sources(tmp_path / f"somewhere else {place.seed}" / "shop", place.seed)
    assert digests(built(folder, place)) == wanted


@pytest.mark.feature(52)
@pytest.mark.parametrize("minor", MINORS)
def test_each_python_gives_the_same_bytes(tmp_path: Path, wanted: dict[str, str], minor: str) -> None:
    python = interpreter(minor)
    if python is None:
        pytest.skip(f"no Python {minor} with the program's libraries here; name one in CASK_PYTHONS")
    assert digests(built(sources(tmp_path / "shop", minor), PLACES[1], python)) == wanted


def test_another_redaction_key_gives_the_same_artifacts(tmp_path: Path, wanted: dict[str, str]) -> None:
    folder = sources(tmp_path / "shop", "0")
    key = folder / ".caskmcp" / "state" / "redaction.key"
    key.parent.mkdir(parents=True)
    key.write_bytes(bytes(range(32)))
    assert digests(built(folder, PLACES[0])) == wanted
    assert key.read_bytes() == bytes(range(32))


@pytest.mark.parametrize("parts", [1, 3])
def test_a_recording_split_into_other_files_changes_only_the_observations_and_the_coverage(
    tmp_path: Path, wanted: dict[str, str], parts: int
) -> None:
    found = digests(built(sources(tmp_path / "shop", "7", parts), PLACES[0]))
    assert {name for name in found if found[name] != wanted[name]} == UNSPLIT
    assert found.keys() == wanted.keys()


def test_a_clone_with_the_observations_alone_gives_the_same_bytes(tmp_path: Path, wanted: dict[str, str]) -> None:
    origin = sources(tmp_path / "origin" / "shop", "0")
    built(origin, PLACES[0])
    clone = tmp_path / "clone"
    observations = clone / PACK / "artifact" / "observations.json"
    observations.parent.mkdir(parents=True)
    (clone / "captures").mkdir()
    shutil.copy(origin / "cask.yaml", clone)
    shutil.copy(origin / PACK / "artifact" / "observations.json", observations)
    assert digests(built(clone, PLACES[2])) == wanted


def test_the_same_recording_exported_twice_in_other_forms_adds_nothing(tmp_path: Path, wanted: dict[str, str]) -> None:
    """A copy, and the same bytes in another order of entries: one capture, one part."""
    folder = sources(tmp_path / "shop", "0")
    (first, *_) = sorted((folder / "captures").glob("*.har"))
    rows = json.loads(first.read_bytes())["log"]["entries"]
    recording(folder, "again.har", rows[::-1])
    shutil.copy(first, folder / "captures" / "copy.har")
    assert digests(built(folder, PLACES[0])) == wanted
