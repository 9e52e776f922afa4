"""Templating on real and made-up traffic, where `CASK_SHARED` names a folder with some: F1, splits, merges; and on harder copies of it.

The harder copies test what recordings rarely show, ids that look like routes. Every chosen slug (`amber-velvet-9`) is replaced throughout,
in URLs and bodies alike. dict: its number becomes a dictionary word; one: the whole becomes one dictionary word; nonw: an invented word.
"""

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from caskmcp.compiler.normalize import words
from tests.support.chain import Chain

SHARED = Path(os.environ.get("CASK_SHARED", "/nonexistent"))
pytestmark = [
    pytest.mark.skipif(not (SHARED / "truth").is_dir(), reason="CASK_SHARED names no folder with recordings of real applications"),
    pytest.mark.slow,
]

CHOSEN = (
    "amber bridge cedar delta ember fable grove harbor iris juniper kettle lumen maple nectar orbit pebble quartz ridge saffron timber umber velvet "
    "willow yarrow zephyr basil fjord indigo jasper kelp lunar onyx prairie river sierra tundra xenon atlas breeze cobalt dune echo flint garnet haze "
    "karma lotus mesa nova opal pixel quill slate topaz urban vista wave"
)
ONE = f"(?:{CHOSEN.replace(' ', '|')})"
SLUG = re.compile(rf"(?<![a-z0-9-])({ONE}(?:[-_]{ONE})*)[-_][0-9]{{1,3}}(?![a-z0-9])")


def number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


@cache
def dictionary() -> tuple[str, ...]:
    """Plain words of the second tier."""
    return tuple(sorted(word for word in words.table() - words.core() if word.isalpha() and 4 <= len(word) <= 9))


def pick(text: str) -> str:
    return dictionary()[number(text) % len(dictionary())]


def invented(text: str) -> str:
    value, out = number(text), ""
    for letters in ("bdfglmnprstv", "aeiou") * 3 + ("bdfglmnprstv",):
        out += letters[value % len(letters)]
        value //= len(letters)
    return out


HARDER: dict[str, Callable[[re.Match[str], str], str]] = {
    "dict": lambda match, salt: f"{match[1]}-{pick(match[0] + salt)}",
    "one": lambda match, salt: pick(match[0] + salt),
    "nonw": lambda match, salt: invented(match[0] + salt),
}


def harder(data: bytes, kind: str) -> bytes:
    """A copy in which each slug is another thing, and no two are one."""
    made: dict[str, str] = {}

    def instead(match: re.Match[str]) -> str:
        salt = 0
        while match[0] not in made:
            candidate = HARDER[kind](match, str(salt))
            salt += 1
            if candidate not in made.values():
                made[match[0]] = candidate
        return made[match[0]]

    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8")
    return SLUG.sub(instead, text).encode("utf-8")


def structure(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def found(data: bytes, host: str, paths: Iterable[str] = ()) -> set[tuple[str, str]]:
    """Method and structure of each operation; calls of a shared endpoint are one."""
    chain = Chain({"a": ("har", data)}, hosts=[host], redact={}, paths=list(paths)).run("merge")
    names = (name.partition("#")[0] for name in chain.outputs["merge"]["groups"])
    return {(name.split(" ", 1)[0], structure("/" + name.split("/", 1)[1])) for name in names}


def measured(application: str, data: bytes, paths: Iterable[str] = ()) -> tuple[list[str], list[str]]:
    """Endpoints of the truth that were missed, and operations that are none; what the truth does not know is not judged."""
    truth = json.loads((SHARED / "truth" / application / "truth.json").read_bytes())
    wanted = {(row["method"], structure(row["path"])) for row in truth["endpoints"] if row["in_a"] and row["success_in_a"]}
    fair = {(row["method"], row["path"]) for side in truth["recordings"].values() for row in side["undocumented"]}
    made = found(data, truth["host"], paths)
    return sorted(map(" ".join, wanted - made)), sorted(map(" ".join, made - wanted - fair))


KNOWN = {
    # A literal whose word no table has, one of three values of which one succeeded; and a parameter with one value, for which a literal is fair.
    "prefect": (
        ["GET /api/collections/views/{}", "POST /api/flow_runs/lateness"],
        ["GET /api/collections/views/aggregate-worker-metadata", "POST /api/flow_runs/{}"],
    ),
    "labelstudio": (["GET /api/dm/actions/{}/form/"], ["GET /api/dm/actions/delete_tasks/form/"]),
}


def recording(application: str) -> bytes:
    return (SHARED / "truth" / application / "recording_a.har.gz").read_bytes()


@pytest.mark.parametrize("application", sorted(KNOWN))
def test_the_endpoints_of_a_real_application_are_found_but_for_the_known_ones(application: str) -> None:
    assert measured(application, recording(application)) == KNOWN[application]


@pytest.mark.parametrize("kind", sorted(HARDER))
@pytest.mark.parametrize("application", sorted(KNOWN))
def test_ids_that_look_like_routes_change_nothing(application: str, kind: str) -> None:
    assert measured(application, harder(recording(application), kind)) == KNOWN[application]


@pytest.mark.feature(19)
def test_the_manifest_names_what_no_signal_tells() -> None:
    wanted = ["/api/collections/views/{view}", "/api/flow_runs/lateness"]
    assert measured("prefect", recording("prefect"), wanted) == ([], [])


@pytest.mark.parametrize("cuts", [2, 5])
@pytest.mark.parametrize("application", sorted(KNOWN))
def test_a_recording_that_is_cut_into_files_gives_the_same_contracts(application: str, cuts: int) -> None:
    log: dict[str, Any] = json.loads(gzip.decompress(recording(application)))
    entries, host = log["log"]["entries"], json.loads((SHARED / "truth" / application / "truth.json").read_bytes())["host"]
    files = {}
    for cut in range(cuts):
        log["log"]["entries"] = entries[cut::cuts]
        files[str(cut)] = ("har", json.dumps(log).encode())
    whole = Chain({"a": ("har", recording(application))}, hosts=[host], redact={}, paths=[]).run()
    pieces = Chain(files, hosts=[host], redact={}, paths=[]).run()
    assert pieces.outputs["infer"] == whole.outputs["infer"]
    assert len(pieces.json("merge.observations")["parts"]) == cuts


@pytest.mark.feature(16)
@pytest.mark.parametrize("entries", [412, 4012, 40_012])
def test_the_reference_traffic_has_exactly_its_endpoints(entries: int, tmp_path: Path) -> None:
    har, truth = tmp_path / "a.har", tmp_path / "truth.json"
    maker = SHARED / "bench" / "make_har.py"
    subprocess.run(
        [sys.executable, maker, "--entries", str(entries), "--endpoints", "66", "--truth", truth, har], check=True, capture_output=True
    )
    rows = json.loads(truth.read_bytes())["endpoints"]
    good = {
        (row["method"], structure(row["template"]))
        for row in rows
        if any(status[0] == "2" or status == "304" for status in row["statuses"])
    }
    assert len(good) >= 65
    assert found(har.read_bytes(), "api.shop.example") == good


@pytest.mark.parametrize("cuts", [7, 40])
def test_the_reference_traffic_in_files_has_the_same_endpoints(cuts: int, tmp_path: Path) -> None:
    maker = [sys.executable, SHARED / "bench" / "make_har.py", "--endpoints", "66", "--entries", "4012"]
    subprocess.run([*maker, tmp_path / "whole.har"], check=True, capture_output=True)
    subprocess.run([*maker, "--split", str(cuts), tmp_path / "cuts"], check=True, capture_output=True)
    whole = Chain({"a": ("har", (tmp_path / "whole.har").read_bytes())}, hosts=["api.shop.example"], redact={}, paths=[]).run()
    files = {path.name: ("har", path.read_bytes()) for path in sorted((tmp_path / "cuts").iterdir())}
    pieces = Chain(files, hosts=["api.shop.example"], redact={}, paths=[]).run()
    assert pieces.outputs["infer"] == whole.outputs["infer"]
