"""The reference recording: the same endpoints however much of it there is, in whatever order, and however it is cut into files."""

import json
import os
import random
import re
from typing import Any

import pytest

from tests.support.chain import Chain
from tests.support.reference_traffic import API, Traffic, har, structures

ENDPOINTS = 66
PROJECT: dict[str, Any] = {
    "hosts": [API],
    "redact": {},
    "paths": [],
    "tools": {},
    "toolsets": {},
    "auth": {},
    "environments": {},
    "id": "shop",
}
SPLIT = {"coverage.json"}
"""Besides the observations, what may differ when a recording is cut into other files."""


def compiled(*cuts: list[dict[str, Any]]) -> Chain:
    return Chain({f"{number:02}": ("har", har(cut)) for number, cut in enumerate(cuts)}, **PROJECT).run("lock")


def found(chain: Chain) -> set[tuple[str, str]]:
    """Method and structure of each operation; calls of a shared endpoint are one."""
    names = (name.partition("#")[0].split(" ", 1) for name in chain.outputs["merge"]["groups"])
    return {(method, re.sub(r"\{[^}]*\}", "{}", "/" + rest.partition("/")[2])) for method, rest in names}


@pytest.fixture(scope="module")
def entries() -> list[dict[str, Any]]:
    return Traffic(ENDPOINTS).entries(412)


@pytest.fixture(scope="module")
def whole(entries: list[dict[str, Any]]) -> Chain:
    return compiled(entries)


@pytest.mark.feature(16)
def test_412_entries_give_exactly_the_66_endpoints(whole: Chain) -> None:
    assert len(structures(ENDPOINTS)) == ENDPOINTS
    assert found(whole) == structures(ENDPOINTS)


@pytest.mark.feature(16)
def test_4012_entries_give_the_same_66_endpoints() -> None:
    chain = Chain({"a": ("har", har(Traffic(ENDPOINTS).entries(4012)))}, hosts=[API], redact={}, paths=[]).run("merge")
    assert found(chain) == structures(ENDPOINTS)


@pytest.mark.skipif(os.environ.get("CASK_EVERY_CHANGE") != "1", reason="takes half a minute of CPU: CASK_EVERY_CHANGE=1 runs it")
def test_40012_entries_give_the_same_66_endpoints() -> None:
    chain = Chain({"a": ("har", har(Traffic(ENDPOINTS).entries(40_012)))}, hosts=[API], redact={}, paths=[]).run("merge")
    assert found(chain) == structures(ENDPOINTS)


@pytest.mark.parametrize("cuts", [1, 7, 40])
def test_a_shuffled_recording_in_other_files_changes_the_observations_and_the_coverage_alone(
    entries: list[dict[str, Any]], whole: Chain, cuts: int
) -> None:
    shuffled = random.Random(cuts).sample(entries, len(entries))
    chain = compiled(*(shuffled[number::cuts] for number in range(cuts)))
    files, wanted = chain.outputs["emit"]["files"], whole.outputs["emit"]["files"]
    assert {name for name in wanted if files[name] != wanted[name]} == (SPLIT if cuts > 1 else set())
    assert files.keys() == wanted.keys()
    assert (chain.outputs["merge"]["observations"] == whole.outputs["merge"]["observations"]) is (cuts == 1)
    assert chain.outputs["lock"] == whole.outputs["lock"]
    assert len(json.loads(chain.outputs["merge"]["observations"])["parts"]) == cuts


def test_a_clone_that_adds_a_recording_finds_the_same_operations_and_never_says_more(entries: list[dict[str, Any]]) -> None:
    """What is decided by counts (bounds, vocabularies) may be missing in a clone, since values are settled where their traffic is (ADR 0008)."""
    theirs = compiled(entries[:-20]).json("merge.observations")["parts"]
    chain = Chain({"mine": ("har", har(entries[-20:]))}, **(PROJECT | {"committed": theirs})).run("infer")
    assert found(chain) == structures(ENDPOINTS)
    wanted, made = compiled(entries[:-20], entries[-20:]).json("infer.contract"), chain.json("infer.contract")
    changed = [name for name in wanted if wanted[name] != made[name]]
    assert 0 < len(changed) < 10
    assert {way for name in changed for way in missing(wanted[name], made[name])} <= {"minimum", "maximum", "enum"}


def missing(wanted: Any, made: Any, key: str = "") -> set[str]:
    """The keywords that are there and then not; `+` and the keyword for anything else."""
    if wanted == made:
        return set()
    if isinstance(wanted, dict) and isinstance(made, dict):
        gone = {name for name in wanted if name not in made} | {f"+{name}" for name in made if name not in wanted}
        return gone.union(*(missing(wanted[name], made[name], name) for name in wanted.keys() & made.keys()))
    if isinstance(wanted, list) and isinstance(made, list) and len(wanted) == len(made):
        return set().union(*(missing(one, two, key) for one, two in zip(wanted, made, strict=True)))
    return {f"+{key}"}


def test_a_recording_with_an_endpoint_more_or_less_is_found_out(entries: list[dict[str, Any]]) -> None:
    without = [row for row in entries if "/refund" not in row["request"]["url"] and "/search" not in row["request"]["url"]]
    less = found(Chain({"a": ("har", har(without))}, **PROJECT).run("merge"))
    assert 0 < len(structures(ENDPOINTS) - less) < 10
    assert found(Chain({"a": ("har", har(Traffic(ENDPOINTS + 1).entries(500)))}, **PROJECT).run("merge")) == structures(ENDPOINTS + 1)
