"""Broken and hostile HAR files: each verdict of the manifest, the same twice, in bounded time and memory, and never a traceback."""

import json
import resource
import runpy
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from caskmcp.errors import CaskError, Exit
from caskmcp.model.exchange import REASONS, Exchange
from tests.support.capturing import Captured, capture

FOLDER = Path(__file__).parents[2] / "fixtures" / "hostile" / "har"
MANIFEST = [json.loads(line) for line in (FOLDER / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
HOSTS = ("api.sample.example", "api.corpus.example")
BLOCKS = (1 << 20, 64, 7)


class Verdict(NamedTuple):
    """What became of a file: a refusal with its text, or what was kept and left out."""

    error: str
    captured: Captured | None

    @property
    def paths(self) -> set[str]:
        return {item.path for item in self.captured.items if isinstance(item, Exchange)} if self.captured else set()

    @property
    def left_out(self) -> dict[str, int]:
        return dict(self.captured.head["skipped"]) if self.captured else {}


def judge(data: bytes, block: int = 1 << 20) -> Verdict:
    try:
        return Verdict("", capture(data, *HOSTS, block=block))
    except CaskError as error:
        return Verdict(str(error), None)


def holds(row: dict[str, Any], verdict: Verdict) -> bool:
    """Whether the verdict is what the manifest expects."""
    kept = set(row.get("good", ())) <= verdict.paths
    return {
        "reject": bool(verdict.error),
        "accept": not verdict.error and kept,
        "skip_entry": not verdict.error and kept and bool(verdict.left_out),
        "skip_or_accept": not verdict.error and kept,
        "either": True,
    }[row["expect"]]


@pytest.mark.parametrize("row", MANIFEST, ids=lambda row: row["file"])
def test_each_file_gets_its_verdict(row: dict[str, Any]) -> None:
    begun = time.monotonic()
    verdict = judge((FOLDER / row["file"]).read_bytes())
    assert holds(row, verdict), verdict
    assert set(verdict.left_out) <= set(REASONS)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("row", MANIFEST, ids=lambda row: row["file"])
def test_each_file_gets_the_same_verdict_twice_and_whatever_the_blocks(row: dict[str, Any]) -> None:
    data = (FOLDER / row["file"]).read_bytes()
    first, *others = [judge(data, block) for block in (*BLOCKS, BLOCKS[0])]
    assert all(other == first for other in others)


@pytest.mark.parametrize("row", [row for row in MANIFEST if row["expect"] == "reject"], ids=lambda row: row["file"])
def test_a_refusal_is_one_line_and_bad_input(row: dict[str, Any]) -> None:
    with pytest.raises(CaskError) as caught:
        capture((FOLDER / row["file"]).read_bytes(), *HOSTS)
    assert caught.value.exit is Exit.INPUT
    assert "\n" not in str(caught.value)


def test_a_refusal_names_the_byte() -> None:
    assert judge((FOLDER / "bad-utf8.har").read_bytes()).error == "CASK-C001 the recording is not UTF-8 · byte 411"
    assert judge((FOLDER / "extra-comma.har").read_bytes()).error == "CASK-C001 the recording is not JSON: Expecting value · byte 663"
    assert judge((FOLDER / "truncated.har").read_bytes()).error == "CASK-C001 the recording is cut off or is not JSON · byte 687"


def test_a_broken_entry_is_named_with_what_is_wrong() -> None:
    captured = judge((FOLDER / "junk-entry.har").read_bytes()).captured
    assert captured is not None
    assert captured.head["broken"] == [["entry 1", "the entry is no object"], ["entry 2", "the entry has no request"]]


def test_words_of_yaml_come_back_as_the_same_texts() -> None:
    captured = judge((FOLDER / "yaml-words.har").read_bytes()).captured
    assert captured is not None
    log = json.loads((FOLDER / "yaml-words.har").read_bytes())["log"]
    sent = [json.loads(entry["request"]["postData"]["text"]) for entry in log["entries"]]
    assert [item.request.value for item in captured.exchanges if item.request] == sent


BIG = runpy.run_path(str(FOLDER / "make_big.py"), run_name="made")["C"]


@pytest.mark.parametrize("name", BIG)
def test_a_big_file_stays_in_its_limits(name: str, tmp_path: Path) -> None:
    expect, seconds, mebibytes, write = BIG[name]
    with (tmp_path / "big.har").open("w") as file:
        write(file.write)
    data = (tmp_path / "big.har").read_bytes()
    begun, before = time.process_time(), _peak()
    verdict = judge(data)
    assert holds({"expect": expect}, verdict), verdict.error
    assert time.process_time() - begun < seconds
    assert _peak() - before < mebibytes


def _peak() -> float:
    """The most memory that this process had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
