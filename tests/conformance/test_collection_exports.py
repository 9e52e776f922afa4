"""The same session in the files of every API client gives the same operations as its HAR twin. Tools and versions: the fixtures' README."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp.compiler.capture.sources.bruno import packed
from caskmcp.compiler.capture.sources.kinds import kind_of
from caskmcp.model.exchange import Exchange
from tests.support.capturing import capture
from tests.support.chain import Chain

FOLDER: Final = Path(__file__).parents[2] / "fixtures" / "captures" / "collections"
HOST: Final = "api.shop.example"
FILES: Final = {
    "shop.postman_collection.json": "postman",
    "shop.bruno.json": "bruno",
    "shop.insomnia-v4.json": "insomnia",
    "shop.insomnia-v4.yaml": "insomnia",
    "shop.insomnia-v5.yaml": "insomnia",
    "shop.http": "http",
    "shop.curl": "curl",
    "shop.chrome.curl": "curl",
    "shop.chrome-cmd.curl": "curl",
    "shop.firefox.curl": "curl",
}
ANSWERED: Final = ("shop.postman_collection.json", "shop.bruno.json", "bruno-shop")
OPERATIONS: Final = (
    "DELETE /v1/orders/{order_id}",
    "GET /v1/orders",
    "GET /v1/orders/{order_id}",
    "GET /v1/orders/{order_id}/items",
    "GET /v1/search",
    "PATCH /v1/orders/{order_id}",
    "POST /v1/orders",
    "POST /v1/sessions",
    "POST /v1/uploads",
)


def data(name: str) -> bytes:
    """A fixture's bytes; a folder is packed as an import packs it."""
    path = FOLDER / name
    if path.is_dir():
        return packed({below.relative_to(path).as_posix(): below.read_text(encoding="utf-8") for below in path.rglob("*.bru")})
    return path.read_bytes()


def contracts(name: str, kind: str) -> dict[str, Any]:
    chain = Chain({"one": (kind, data(name))}, hosts=[HOST], redact={"profile": "strict"}).run("infer")
    found = [json.loads(text) for text in chain.outputs["infer"]["contract"].values()]
    return {f"{row['method']} {row['template']}": row for row in found}


@pytest.fixture(scope="module")
def twin() -> dict[str, Any]:
    return contracts("shop.har", "har")


def test_the_twin_has_the_operations_of_the_session(twin: dict[str, Any]) -> None:
    assert tuple(sorted(twin)) == OPERATIONS


@pytest.mark.parametrize("name", FILES)
def test_a_file_shows_its_kind(name: str) -> None:
    assert kind_of("export", data(name)[: 1 << 16]) == FILES[name] or name.endswith((".http", "shop.curl"))
    assert kind_of(name, data(name)[: 1 << 16]) == FILES[name]


@pytest.mark.feature(10)
@pytest.mark.parametrize(("name", "kind"), [*FILES.items(), ("bruno-shop", "bruno")])
def test_operations_and_their_inputs_are_those_of_the_har_twin(name: str, kind: str, twin: dict[str, Any]) -> None:
    found = contracts(name, kind)
    assert tuple(sorted(found)) == OPERATIONS
    for operation, row in found.items():
        assert inputs(row) == inputs(twin[operation]), operation


def inputs(contract: dict[str, Any]) -> tuple[Any, ...]:
    """Places and names of parameters, media types and field names of bodies, ways to authenticate."""
    parameters = sorted((row["location"], row["name"]) for row in contract["parameters"])
    bodies = sorted((row["media"], row["kind"], *sorted(row["schema"].get("properties", {}))) for row in contract.get("bodies", ()))
    return parameters, bodies, contract.get("auth", [])


@pytest.mark.feature(10)
@pytest.mark.parametrize("name", ANSWERED)
def test_saved_examples_are_the_exchanges_of_the_har_twin(name: str) -> None:
    kind = FILES.get(name, "bruno")
    answered = sorted(map(told, (item for item in capture(data(name), HOST, kind=kind).exchanges if item.status)))
    recorded = [item for item in capture(data("shop.har"), HOST).exchanges if not item.path.endswith("/uploads")]
    assert answered == sorted(map(told, recorded))


def told(item: Exchange) -> tuple[str, ...]:
    # A token that the file keeps secret is still a way to authenticate; a form's text and its pairs are one body.
    fields = (item.method, item.path, item.query, item.headers, item.auth, item.status)
    bodies = [(body.kind, body.value) if body else None for body in (item.request, item.response)]
    return (json.dumps([fields, bodies], sort_keys=True),)


@pytest.mark.parametrize("name", ["shop.insomnia-v5.yaml", "shop.http", "shop.chrome.curl"])
def test_what_has_no_answers_claims_none(name: str) -> None:
    found = contracts(name, FILES[name])
    assert {(row.get("confidence", "low"), *row["evidence"]["sources"]) for row in found.values()} == {("low", "collection")}
    assert [row.get("responses") for row in found.values() if row.get("responses")] == []
    assert all(row["required"] is (row["location"] == "path") for contract in found.values() for row in map(whole, contract["parameters"]))


def whole(row: dict[str, Any]) -> dict[str, Any]:
    return {"required": False} | row


def test_all_files_together_are_the_same_operations_again() -> None:
    sources = {name: (FILES.get(name, "har"), data(name)) for name in (*FILES, "shop.har")}
    chain = Chain(sources, hosts=[HOST], redact={"profile": "strict"}).run("merge")
    assert sorted(chain.outputs["merge"]["groups"]) == sorted(row.replace(" ", f" {HOST}") for row in OPERATIONS)


def test_what_two_browsers_copy_is_one_capture() -> None:
    first, second = (capture(data(f"shop.{name}.curl"), HOST, kind="curl").head["id"] for name in ("chrome", "firefox"))
    assert first == second
