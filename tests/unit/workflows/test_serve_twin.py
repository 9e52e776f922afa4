"""`serve --twin` on the demo's project, compiled and approved: every step of the gateway runs, and calls reach the twin alone."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import anyio
import pytest
from mcp import Client

from caskmcp.errors import CaskError
from caskmcp.runtime.upstream import Upstream
from caskmcp.workflows import here, serve, serve_twin, twin
from caskmcp.workflows.demo.scene import Scene, approve, compile_, scene
from caskmcp.workflows.serve import Asked
from caskmcp.workflows.serve_twin import Stage
from tests.support.world import world


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(world(tmp_path_factory.mktemp("twin"))) as made:
        compile_(made)
        approve(made)
        yield made


class Told(NamedTuple):
    """What a client was told, and what came of it."""

    answers: list[Any]
    records: list[dict[str, Any]]
    service: list[str]


def told(stage: Scene, *calls: tuple[str, dict[str, Any]], elsewhere: Stage | None = None) -> Told:
    """Call tools of a server with a twin, in this process."""
    before = len(stage.service.shop.heard)

    async def run(at: Stage) -> list[Any]:
        front = serve.front_of(stage.world, Asked(twin=True), lambda _: None, at)
        front.start()
        try:
            async with Client(front.server()) as client:
                return [await client.call_tool(name, arguments) for name, arguments in calls]
        finally:
            await front.aclose()

    pack = here.pack(stage.world)
    with twin.running(stage.world, pack) as running:
        answers = anyio.run(run, elsewhere or Stage({pack.path.name: running}))
    return Told(answers, list(_records(stage)), stage.service.shop.heard[before:])


def _records(stage: Scene) -> Iterator[dict[str, Any]]:
    for path in sorted((stage.project / ".caskmcp" / "state" / "audit").glob("*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            entry = row.get("entry", row)
            if "caller" in entry:
                yield entry


def test_calls_reach_the_twin_and_never_the_approved_upstream_nor_need_its_credential(stage: Scene) -> None:
    seen = told(stage, ("get_product", {"product_id": 2}), ("create_order", {"product_id": 1, "quantity": 2}))
    assert seen.answers[0].structured_content["name"] == "Teapot"
    made = seen.answers[1].structured_content
    assert (made["product_id"], made["quantity"], made["status"]) == (1, 2, "pending")
    assert seen.service == []


def test_what_one_call_made_the_next_one_gets(stage: Scene) -> None:
    made = told(stage, ("create_order", {"product_id": 1, "quantity": 7}), ("list_orders", {}), ("get_order", {"order_id": 1008}))
    assert made.answers[0].structured_content["id"] == 1008
    assert made.answers[1].structured_content["items"][-1]["quantity"] == 7
    assert made.answers[2].structured_content["quantity"] == 7


def test_guards_are_those_of_every_call(stage: Scene) -> None:
    seen = told(
        stage,
        ("get_product", {"product_id": "../admin"}),
        ("get_product", {"product_id": 2, "host": "evil.test"}),
        ("get_order", {"order_id": 999_999}),
    )
    assert [row.is_error for row in seen.answers] == [True, True, True]
    assert [row.content[0].text[:10] for row in seen.answers] == ["CASK-R002:", "CASK-R002:", "CASK-R008:"]


def test_the_record_says_that_the_caller_was_at_the_twin(stage: Scene) -> None:
    seen = told(stage, ("get_product", {"product_id": 1}))
    assert seen.records[-1]["caller"].endswith("environment (twin)")


def test_an_environment_beside_the_twin_is_bad_input(stage: Scene) -> None:
    with pytest.raises(CaskError, match="exclude each other") as refused:
        serve_twin.run(stage.world, Asked(twin=True, environment="local"))
    assert refused.value.code == "CASK-I001"


# ---------------------------------------------------------------- egress
class Open(Stage):
    """The stage without the guard of the sender."""

    def upstream(self) -> Upstream:
        return Upstream()


def _pointed(stage: Scene, kind: type[Stage]) -> Told:
    """A call whose twin is said to be at another port of this machine: where the real service listens."""
    pack = here.pack(stage.world)
    with twin.running(stage.world, pack) as running:
        places = {
            host: place.model_copy(update={"url": f"http://127.0.0.1:{stage.service.port}"}) for host, place in running.places.items()
        }
        wrong = twin.Running(running.port, running.digest, running.source, running.captures, places)
        return told(stage, ("get_product", {"product_id": 1}), elsewhere=kind({pack.path.name: wrong}))


def test_another_port_of_this_machine_is_not_dialled(stage: Scene) -> None:
    seen = _pointed(stage, Stage)
    assert seen.answers[0].content[0].text.startswith("CASK-R007")
    assert seen.service == []


def test_without_that_guard_it_would_be(stage: Scene) -> None:
    assert _pointed(stage, Open).service == ["GET /v1/products/1"]


def test_a_host_that_the_twin_does_not_stand_for_has_no_place(stage: Scene) -> None:
    pack = here.pack(stage.world)
    with twin.running(stage.world, pack) as running:
        nowhere = twin.Running(
            running.port, running.digest, running.source, running.captures, {"other.example": running.places["api.shop.example"]}
        )
        seen = told(stage, ("get_product", {"product_id": 1}), elsewhere=Stage({pack.path.name: nowhere}))
    assert seen.answers[0].content[0].text.startswith("CASK-E001")
    assert seen.service == []
