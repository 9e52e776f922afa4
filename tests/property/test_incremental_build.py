"""Whatever happens between builds, an incremental build comes to what a build from nothing gives, and the one after it has nothing to do."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.toy import Bench, worked

WORDS = st.lists(st.sampled_from(["fruit fig", "fruit pear", "stone flint", "wood oak", "wood ash  ", ""]), min_size=1, max_size=4)
NAMES = st.sampled_from(["a.txt", "b.txt", "c.txt"])
Event = Callable[[Bench], None]
MEMORY = "/dev/shm"
"""Hundreds of builds: without a disk, whose syncs would be most of the time."""


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "CACHEDIR.TAG")


def write(name: str, words: list[str]) -> Event:
    return lambda bench: bench.source(name, "\n".join(words)) and None


def remove(name: str) -> Event:
    return lambda bench: (bench.sources / name).unlink(missing_ok=True)


def rename(name: str, to: str) -> Event:
    return lambda bench: (bench.sources / name).rename(bench.sources / to) and None if (bench.sources / name).exists() else None


def touch(name: str) -> Event:
    return lambda bench: os.utime(bench.sources / name, ns=(7, 7)) if (bench.sources / name).exists() else None


def parameter(value: str) -> Event:
    return lambda bench: bench.params.update(marks=value)


def damage(where: str, which: int, how: str) -> Event:
    def change(bench: Bench) -> None:
        if found := _files(bench.root.path / where):
            path = found[which % len(found)]
            path.unlink() if how == "removed" else path.write_bytes(b"" if how == "emptied" else path.read_bytes() + b" ")

    return change


def lose(where: str) -> Event:
    return lambda bench: shutil.rmtree(bench.root.path / where, ignore_errors=True)


EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(write, NAMES, WORDS),
    st.builds(remove, NAMES),
    st.builds(rename, NAMES, NAMES),
    st.builds(touch, NAMES),
    st.builds(parameter, st.sampled_from(["!", "?"])),
    st.builds(
        damage,
        st.sampled_from(["packs", "captures", "cache/receipts"]),
        st.integers(0, 30),
        st.sampled_from(["removed", "emptied", "edited"]),
    ),
    st.builds(lose, st.sampled_from(["cache/blobs", "cache/receipts", "packs", "captures"])),
)


def clean(bench: Bench, folder: Path) -> dict[str, bytes]:
    """What a build from nothing gives for the same sources and parameters."""
    folder.mkdir()
    other = Bench(folder)
    other.params = dict(bench.params)
    for path in bench.sources.iterdir():
        shutil.copy(path, other.sources)
    other.build()
    return other.tree()


@settings(max_examples=60)
@given(rounds=st.lists(st.lists(EVENTS, min_size=1, max_size=4), min_size=1, max_size=4), jobs=st.sampled_from([1, 1, 3]))
def test_an_incremental_build_gives_what_a_build_from_nothing_gives(rounds: list[list[Event]], jobs: int) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY if os.path.isdir(MEMORY) else None) as name:
        (Path(name) / "bench").mkdir()
        bench = Bench(Path(name) / "bench")
        bench.source("always.txt", "fruit fig\n")
        for number, events in enumerate(rounds):
            for event in events:
                event(bench)
            bench.build(jobs=jobs)
            wanted, found = clean(bench, Path(name) / f"clean{number}"), bench.tree()
            assert {path: found.get(path) for path in wanted} == wanted
            assert worked(bench.build()) == []
