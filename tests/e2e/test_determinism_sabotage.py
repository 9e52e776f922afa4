"""The determinism of each row of the stage table, and the proof that it is looked at: a stage that shuffles a set, or reads a clock, is caught.

Two runs of the whole chain have to give the same bytes at every output of every stage, and the same artifacts for other orders of entries and
sources. Sabotage wraps one stage and spoils what it gives, differently in each run, as a set's order or a clock would; what the engine keeps of a
stage are these outputs, so the chain ends there.
"""

import hashlib
import itertools
import json
import random
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from caskmcp.compiler.capture.codec import compress
from caskmcp.compiler.pipeline import STAGES
from caskmcp.load import load
from tests.support.chain import Chain
from tests.support.recordings import SPEC
from tests.support.reference_traffic import API, Traffic, har

PROJECT: dict[str, Any] = {
    "hosts": [API],
    "redact": {},
    "paths": ["/v1/users/me"],
    "tools": {},
    "toolsets": {},
    "auth": {},
    "environments": {},
    "id": "shop",
}
ENTRIES = Traffic(12, seed=3).entries(70)
ROWS = [row.name for row in STAGES]
Spoil = Callable[[Any], Any]


def run(order: int = 0, resolve: Callable[[str], Any] = load, until: str = "lock") -> Chain:
    """The chain over two recordings and a document, entries and sources in an order."""
    rows = random.Random(order).sample(ENTRIES, len(ENTRIES)) if order else ENTRIES
    cut = {id(row) for row in ENTRIES[:30]}
    sources = [
        ("har", har(row for row in rows if id(row) in cut)),
        ("har", har(row for row in rows if id(row) not in cut)),
        ("openapi", SPEC.encode()),
    ]
    names = "abc" if order % 2 == 0 else "zyx"
    return Chain(dict(zip(names, sources, strict=True)), resolve=resolve, **PROJECT).run(until)


def everything(chain: Chain) -> dict[str, str]:
    """The digest of every output of every stage."""
    found = {}
    for stage, outputs in chain.outputs.items():
        for output, data in outputs.items():
            rows = data.items() if isinstance(data, Mapping) else [("", data)]
            for key, one in rows:
                parts = one.items() if isinstance(one, Mapping) else [("", one)]
                found |= {f"{stage}.{output} {key} {name}": hashlib.sha256(each).hexdigest() for name, each in parts}
    return found


def artifacts(chain: Chain) -> dict[str, bytes]:
    """What is laid into the root, and the ids of the captures."""
    heads = {json.loads(head)["id"]: b"" for head in chain.outputs["capture"]["head"].values()}
    return (
        heads
        | chain.outputs["emit"]["files"]
        | {"pending": chain.outputs["lock"]["pending"], "observations": chain.outputs["merge"]["observations"]}
    )


# ---------------------------------------------------------------- sabotage
def shuffled(runs: Iterator[int]) -> Spoil:
    """The members of objects in another order in each run, as those of a set would come."""
    turn = next(runs)

    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            names = sorted(value)
            return {name: spoil(value[name]) for name in (names if turn % 2 else names[::-1])}
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return sorted(value, reverse=turn % 2 == 0)
        return [spoil(item) for item in value] if isinstance(value, list) else value

    return spoil


def clocked(runs: Iterator[int]) -> Spoil:
    """A time in each run, beside what is there."""
    now = f"2026-11-21T18:00:{next(runs):02}Z"

    def spoil(value: Any) -> Any:
        return {**value, "made_at": now} if isinstance(value, dict) else [*value, now]

    return spoil


def sabotaged(stage: str, spoil: Spoil) -> Callable[[str], Any]:
    """Resolves rows as `load` does; what the one stage gives is spoilt."""
    (target,) = (row.run for row in STAGES if row.name == stage)

    def resolve(name: str) -> Any:
        function = load(name)
        if name != target:
            return function

        def wrapped(inputs: Any) -> dict[str, Any]:
            # The head of a capture may be asked for only after its exchanges.
            return {name: _spoilt(_joined(data), spoil) for name, data in function(inputs).items()}

        return wrapped

    return resolve


def _joined(data: Any) -> Any:
    return data if isinstance(data, bytes | Mapping) else b"".join(data)


def _spoilt(data: Any, spoil: Spoil) -> Any:
    if isinstance(data, Mapping):
        return {name: _spoilt(one, spoil) for name, one in data.items()}
    if data[:2] == b"\x1f\x8b":
        lines = [json.loads(line) for line in _lines(data)]
        return b"".join(compress(json.dumps(spoil(line)).encode() + b"\n" for line in lines))
    text = data.decode()
    return json.dumps(spoil(json.loads(text))).encode() if text[:1] in "{[" else _marked(text, spoil).encode()


def _marked(text: str, spoil: Spoil) -> str:
    """A file that is no JSON: its lines in another order, or one more."""
    return "\n".join(spoil(text.split("\n")))


def _lines(data: bytes) -> Iterable[bytes]:
    found, rest = [], data
    while rest:
        unpack = zlib.decompressobj(31)
        found.append(unpack.decompress(rest))
        rest = unpack.unused_data
    return filter(None, b"".join(found).split(b"\n"))


# ---------------------------------------------------------------- the tests, and that they fail
@pytest.fixture(scope="module")
def wanted() -> Chain:
    return run()


def test_two_runs_give_the_same_bytes_at_every_output_of_every_stage(wanted: Chain) -> None:
    found = everything(run())
    assert found == everything(wanted)
    assert {name.split(".")[0] for name in found} == set(ROWS)


@pytest.mark.parametrize("order", [1, 2])
def test_another_order_of_entries_and_names_of_sources_give_the_same_artifacts(wanted: Chain, order: int) -> None:
    assert artifacts(run(order)) == artifacts(wanted)


@pytest.mark.parametrize("kind", [shuffled, clocked], ids=["a set", "a clock"])
@pytest.mark.parametrize("stage", ROWS)
def test_a_stage_that_shuffles_a_set_or_reads_a_clock_is_caught(stage: str, kind: Callable[[Iterator[int]], Spoil]) -> None:
    runs = itertools.count(1)
    first, second = (everything(run(resolve=sabotaged(stage, kind(runs)), until=stage)) for _ in range(2))
    assert {name.split(".")[0] for name in first if first[name] != second[name]} == {stage}
    assert first.keys() == second.keys()
