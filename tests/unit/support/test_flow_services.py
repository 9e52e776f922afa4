"""The labels hold for what they are about: each place is there, and each answer says more than its request did, in several values."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.flow_services import clinic, labels, shop, tracker
from tests.support.flow_services.labels import Place

SERVICES = {"shop": shop, "tracker": tracker, "clinic": clinic}


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, f"{pointer}/{name}")
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, f"{pointer}/*")
    elif value not in (None, ""):
        yield pointer, str(value)


def seen(service: str, templates: set[tuple[str, str]]) -> tuple[dict[Place, set[str]], dict[Place, set[str]]]:
    """(answered values that the request did not say, values of arguments) by place."""
    given: dict[Place, set[str]] = {}
    taken: dict[Place, set[str]] = {}
    for entry in SERVICES[service].recorded():
        request, parts = entry["request"], urlsplit(entry["request"]["url"])
        for method, template in sorted(templates, key=lambda row: row[1].count("{}")):
            match = re.fullmatch(template.replace("{}", "([^/]+)"), parts.path)
            if method != request["method"] or match is None:
                continue
            sent = [(f"path {number}", text) for number, text in enumerate(match.groups(), 1)]
            sent += [(f"query {name}", text) for name, text in parse_qsl(parts.query)]
            sent += [(f"body {place}", text) for place, text in leaves(json.loads(request.get("postData", {}).get("text", "null")))]
            for place, text in sent:
                taken.setdefault(Place(method, template, place), set()).add(text)
            for place, text in leaves(json.loads(entry["response"]["content"].get("text", "null"))):
                if text not in {own for _, own in sent}:
                    given.setdefault(Place(method, template, place), set()).add(text)
            break
    return given, taken


@pytest.mark.parametrize("service", SERVICES)
def test_each_labelled_answer_gives_several_values_that_its_request_did_not_say(service: str) -> None:
    rows = labels.types(service).values()
    templates = {(place.method, place.template) for answers, arguments in rows for place in (*answers, *arguments)}
    given, taken = seen(service, templates)
    assert [place for answers, _ in rows for place in answers if len(given.get(place, ())) < 2] == []
    assert [place for _, arguments in rows for place in arguments if len(taken.get(place, ())) < 2] == []


@pytest.mark.parametrize(("service", "count"), [("shop", 73), ("tracker", 140), ("clinic", 84)])
def test_the_labels_are_as_many_as_were_written_down(service: str, count: int) -> None:
    assert len(labels.edges(service)) == count


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gives_the_same_recording_again(service: str) -> None:
    assert SERVICES[service].recorded(3) == SERVICES[service].recorded(3)


def test_whole_numbers_name_different_things_at_once() -> None:
    row = labels.types("shop")
    given, _ = seen("shop", {(place.method, place.template) for answers, _ in row.values() for place in answers})
    orders = given[Place("GET", "/api/v2/orders", "/data/*/id")]
    assert len(orders & given[Place("GET", "/api/v2/customers", "/items/*/id")]) > 10
    assert len(orders & given[Place("GET", "/api/v2/products", "/data/*/id")]) > 10
