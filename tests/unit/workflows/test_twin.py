"""The twin of the example project: what was recorded is answered as it was recorded, over a real socket on the loopback address."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from caskmcp.errors import CaskError
from caskmcp.govern.admit import admit
from caskmcp.ports import World
from caskmcp.store.layout import Pack
from caskmcp.workflows import here, twin
from caskmcp.workflows.twin import Running
from tests.support import packs
from tests.support.builds import built, shop
from tests.support.parity import captured, replayed
from tests.support.recordings import har
from tests.support.world import NOON, world

HOST = "api.shop.example"


class Said(NamedTuple):
    """An answer over the socket."""

    status: int
    media: str
    value: Any


def ask(running: Running, method: str, target: str, body: Any = None, host: str = HOST) -> Said:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    data = None if body is None else json.dumps(body).encode()
    connection.request(method, target, data, {"Host": host, **({"Content-Type": "application/json"} if data else {})})
    answer = connection.getresponse()
    text, media = answer.read(), answer.getheader("content-type", "")
    connection.close()
    return Said(answer.status, media, json.loads(text) if "json" in media and text else text)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Pack]:
    folder = shop(tmp_path_factory.mktemp("twin") / "shop")
    built(folder)
    here_ = world(folder)
    return here_, here.pack(here_)


@pytest.fixture
def running(project: tuple[World, Pack]) -> Iterator[Running]:
    with twin.running(*project) as started:
        yield started


@pytest.mark.parametrize("schema", ["{minimum: abc}", "{anyOf: {a: b}}", "{properties: 7}", "{enum: 5}", "{type: [5]}"])
def test_contracts_with_a_schema_that_is_none_are_bad_input(project: tuple[World, Pack], tmp_path: Path, schema: str) -> None:
    good = project[1].artifact("contracts.yaml").read_text(encoding="utf-8")
    bad = Pack(tmp_path)
    bad.artifact("contracts.yaml").parent.mkdir()
    bad.artifact("contracts.yaml").write_text(good.replace("type: integer", f"allOf: [{schema}]", 1), encoding="utf-8")
    with pytest.raises(CaskError, match="is no JSON Schema") as refused, twin.running(project[0], bad):
        pass
    assert refused.value.code == "CASK-L002"


def test_what_was_recorded_is_answered_as_it_was(running: Running) -> None:
    said = ask(running, "GET", "/api/v1/products/1202")
    assert (said.status, said.media) == (200, "application/json")
    assert (said.value["data"]["slug"], said.value["data"]["price"]) == ("linen-apron", 45.0)


def test_a_recorded_error_is_answered_as_it_was(running: Running) -> None:
    said = ask(running, "GET", "/api/v1/products/9999")
    assert said.status == 404
    assert said.value == {"error": {"code": "not_found", "message": "No such product"}}


def test_the_order_of_the_query_tells_nothing_apart(running: Running) -> None:
    one = ask(running, "GET", "/api/v1/products?per_page=24&page=1&category=office")
    assert one == ask(running, "GET", "/api/v1/products?category=office&page=1&per_page=24")
    assert [row["id"] for row in one.value["data"]] == [1203, 1206]


def test_another_host_is_refused(running: Running) -> None:
    assert ask(running, "GET", "/api/v1/products/1202", host="evil.example").status == 421


def test_its_place_is_one_loopback_address(running: Running) -> None:
    assert {name: place.url for name, place in running.places.items()} == {HOST: f"http://127.0.0.1:{running.port}"}


def test_the_same_toolpack_gives_the_same_digest_and_fewer_captures_another(project: tuple[World, Pack]) -> None:
    with twin.running(*project) as one, twin.running(*project) as two, twin.running(*project, captures=()) as three:
        assert one.port != two.port
        assert one.digest == two.digest != three.digest
        assert (one.source, three.source) == ("capture", "observations")


def test_a_capture_that_is_not_there_is_bad_input(project: tuple[World, Pack]) -> None:
    with pytest.raises(CaskError, match="there is no capture `nothing`") as told, twin.running(*project, captures=("nothing",)):
        pass
    assert told.value.code == "CASK-I010"


def test_a_toolpack_without_contracts_is_bad_input(project: tuple[World, Pack], tmp_path: Path) -> None:
    with pytest.raises(CaskError, match=r"contracts.yaml was not emitted") as told, twin.running(project[0], Pack(tmp_path)):
        pass
    assert told.value.code == "CASK-I002"


def test_captured_reads_are_answered_in_their_shape_and_with_their_values(project: tuple[World, Pack], running: Running) -> None:
    """Two of the 52 are the cart, which was recorded in three states: a twin has one answer to one request."""
    rows = [row for name in running.captures for row in captured(here.root(project[0]).exchanges(name))]
    assert replayed(running.port, rows) == (52, 52, 50)


def test_the_admitted_pack_is_pointed_at_the_twin_and_needs_no_credential(running: Running) -> None:
    pack = admit(packs.approved_pack(), pin=packs.pin_of(packs.root(packs.T1)), condition=None, environment=None, at=NOON)
    assert pack.auth
    moved = running.instead(pack)
    assert (moved.auth, dict(moved.environment)) == ({}, dict(running.places))
    assert (moved.tools, moved.lock, moved.policy) == (pack.tools, pack.lock, pack.policy)


def test_another_projects_capture_is_none_of_its_own(project: tuple[World, Pack], tmp_path: Path) -> None:
    other = tmp_path / "other"
    for name, data in {"cask.yaml": b"version: 1\nname: storefront\nhosts: [other.example]\nsources: [{har: a.har}]\n"}.items():
        other.mkdir()
        (other / name).write_bytes(data)
    (other / "a.har").write_bytes(har("https://other.example/things/1"))
    built(other)
    (strange,) = (each.name for each in (other / ".caskmcp" / "captures").iterdir())
    with twin.running(replace(world(other), root=str(other / ".caskmcp")), project[1]) as running:
        assert (running.captures, running.source) == ((), "observations")
    assert strange


def test_faults_are_part_of_the_digest_and_bad_ones_bad_input(project: tuple[World, Pack]) -> None:
    with twin.running(*project) as sound, twin.running(*project, faults=("lost-update",)) as faulty:
        assert sound.digest != faulty.digest
    with pytest.raises(CaskError, match="there is no fault `nonsense`"), twin.running(*project, faults=("nonsense",)):
        pass
