"""Two roots cannot be joined: nothing that one key made stands in the other's capture, while equal values of one root stay equal; and no artifact tells the keys apart."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from caskmcp.compiler.capture.codec import decode_lines
from caskmcp.compiler.capture.stage import redacted
from caskmcp.compiler.normalize.stage import bare_part, summarize
from caskmcp.model.exchange import Exchange
from caskmcp.redact.canaries import FAMILIES
from caskmcp.redact.placeholder import is_narrow, spans
from caskmcp.workflows.planting import Planted
from tests.support.world import CountingEntropy

HOST = "api.shop.example"
NARROW = ("card", "card-name", "phone", "iban", "ipv4", "geo", "fr-nir", "de-idnr", "br-cpf")
FAMILIES_HERE = [row for row in FAMILIES if row.id in NARROW or row.id[0] == "a"]


def captured(key: bytes) -> list[Exchange]:
    """Canaries of some families, the same ones each time, under a key."""
    items = Planted(CountingEntropy().token).exchanges(FAMILIES_HERE, HOST)
    outputs = redacted(items, kind="har", hosts=[HOST], redact={"profile": "strict"}, key=key)
    return [item for item in decode_lines(outputs["exchanges"]) if isinstance(item, Exchange)]


@pytest.fixture(scope="module")
def roots() -> tuple[list[Exchange], list[Exchange]]:
    return captured(b"a" * 32), captured(b"b" * 32)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from (name, *texts(item))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def placeholders(found: list[Exchange]) -> set[str]:
    """Every placeholder of a wide range."""
    every = (text for item in found for text in texts(msgspec.to_builtins(msgspec.structs.replace(item, links=()))))
    made = (text[low:high] for text in every for low, high in spans(text))
    return {each for each in made if not is_narrow(each)}


def test_no_placeholder_of_one_root_stands_in_the_other(roots: tuple[list[Exchange], list[Exchange]]) -> None:
    first, second = map(placeholders, roots)
    assert len(first) > 60
    assert len(first) == len(second)
    assert first & second == set()


def test_no_fingerprint_of_one_root_stands_in_the_other(roots: tuple[list[Exchange], list[Exchange]]) -> None:
    first, second = ({mark for item in found for _, mark in item.links} for found in roots)
    assert len(first) > 20
    assert all(re.fullmatch("[0-9a-f]{64}", mark) for mark in first)
    assert first & second == set()


def test_the_places_of_the_links_are_the_same_in_both(roots: tuple[list[Exchange], list[Exchange]]) -> None:
    first, second = ([sorted(place for place, _ in item.links) for item in found] for found in roots)
    assert first == second


def test_one_key_gives_the_same_again(roots: tuple[list[Exchange], list[Exchange]]) -> None:
    assert captured(b"a" * 32) == roots[0]


def _without_digests_of_requests(part: dict[str, Any]) -> dict[str, Any]:
    """A part in candidate form with how many requests of one kind there were, whatever their digests."""
    for body in (body for row in part["rows"] for body in row.get("requests", {}).values()):
        body["different"] = len(body.get("different", []))
    return part


def test_what_is_committed_does_not_tell_the_keys_apart(roots: tuple[list[Exchange], list[Exchange]]) -> None:
    first, second = (_without_digests_of_requests(summarize(root)) for root in roots)
    assert bare_part(first) == bare_part(second)
    # What stays in the cache counts distinct segments by digests of what stands there, flows by those of values, and sessions by fingerprints;
    # everything else is the same too.
    assert all(row.pop(name, True) for found in (first, second) for row in found["rows"] for name in ("tokens", "taken", "given"))
    assert sorted(first.pop("visits").values()) == sorted(second.pop("visits").values())
    assert first == second
