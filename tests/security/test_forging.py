"""Argument sets that try to bend the outgoing request, in process and against a loopback recorder: what stands on the wire is the judge."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from caskmcp.model.project import EnvironmentHost
from caskmcp.runtime import conduct as driver
from caskmcp.runtime.conduct import Hands
from caskmcp.runtime.confirm import Confirmations
from caskmcp.runtime.respond import Result
from caskmcp.runtime.state import State
from caskmcp.runtime.upstream import Upstream as Client
from caskmcp.store.credentials import ReferencedCredentials
from tests.support import audited
from tests.support.calls import flight, served
from tests.support.forging import HOST, TOOLS
from tests.support.upstream import Heard, Upstream
from tests.support.world import CountingEntropy

FOLDER: Final = Path(__file__).parents[2] / "fixtures" / "hostile" / "forging"
CASES: Final = [json.loads(line) for line in (FOLDER / "cases.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def recorder() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


def called(operation: str, arguments: dict[str, Any], recorder: Upstream, folder: Path) -> tuple[Result, list[Heard]]:
    recorder.heard.clear()
    state = State(folder / "state.db")
    with_ = Hands(state, Confirmations(state, CountingEntropy()), Client(), ReferencedCredentials({}), audited.journal(folder))
    surface = served(*TOOLS.values(), environment={HOST: EnvironmentHost(url=recorder.url, private=True)})

    async def run() -> Result:
        result = await driver.conduct(flight(TOOLS[operation].name, surface, **arguments), with_, [].append)
        await with_.upstream.aclose()
        state.close()
        return result

    return anyio.run(run), recorder.heard


def path(heard: Heard) -> str:
    return heard.target.partition("?")[0]


def matches(case: dict[str, Any], heard: Heard) -> bool:
    """Whether the request is one of those that the case allows."""
    told = {
        "raw_path": path(heard),
        "raw_query": heard.target.partition("?")[2],
        "raw_body": heard.body.decode("latin-1"),
    }
    spelled = all(told[key] in case[key].split("|") for key in told if key in case)
    within = case.get("body_contains", "") in told["raw_body"]
    equal = "body_equals" not in case or json.loads(heard.body) == case["body_equals"]
    return spelled and within and equal


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']}-{case['why']}")
def test_each_forged_call_is_refused_or_makes_the_approved_request(case: dict[str, Any], recorder: Upstream, tmp_path: Path) -> None:
    result, heard = called(case["operation"], case["arguments"], recorder, tmp_path)
    JUDGES[case["expect"]](case, result, heard)


def refuse(case: dict[str, Any], result: Result, heard: list[Heard]) -> None:
    assert heard == []
    assert result.error in ("CASK-R002", "CASK-R003")


def exact(case: dict[str, Any], result: Result, heard: list[Heard]) -> None:
    assert len(heard) == 1
    assert matches(case, heard[0])


def refuse_or_exact(case: dict[str, Any], result: Result, heard: list[Heard]) -> None:
    (exact if heard else refuse)(case, result, heard)


def refuse_or_encoded(case: dict[str, Any], result: Result, heard: list[Heard]) -> None:
    if heard:
        assert case["never_raw"] not in heard[0].head
    else:
        refuse(case, result, heard)


def no_file_read(case: dict[str, Any], result: Result, heard: list[Heard]) -> None:
    """The path is sent as the text that it is; nothing of the file's content is."""
    assert len(heard) == 1
    name = case["arguments"]["file"]
    assert name.encode() in heard[0].body
    content = Path(name).read_bytes().strip() if Path(name).is_file() else b""
    assert not content or content not in heard[0].body.replace(name.encode(), b"")


JUDGES: Final = {
    "refuse": refuse,
    "exact": exact,
    "refuse_or_exact": refuse_or_exact,
    "refuse_or_encoded": refuse_or_encoded,
    "no_file_read": no_file_read,
}


def test_every_verdict_of_the_corpus_has_a_judge_and_every_tool_a_case() -> None:
    assert {case["expect"] for case in CASES} == set(JUDGES)
    assert {case["operation"] for case in CASES} == set(TOOLS)
    assert len(CASES) == 22


def test_the_tools_are_those_of_the_document() -> None:
    document = json.loads((FOLDER / "openapi.json").read_text(encoding="utf-8"))
    operations = {row["operationId"]: (method.upper(), path) for path, item in document["paths"].items() for method, row in item.items()}
    assert set(operations) == set(TOOLS)
    assert {name: of.request.method for name, of in TOOLS.items()} == {name: method for name, (method, _) in operations.items()}


def test_the_host_header_stays_the_approved_one(recorder: Upstream, tmp_path: Path) -> None:
    _, heard = called("getRange", {"a": 1, "b": 2}, recorder, tmp_path)
    assert (heard[0].header("host"), heard[0].target) == (HOST, "/v1/range/1..2")


@pytest.mark.parametrize(
    ("guard", "operation", "arguments", "reaches"),
    [
        ("caskmcp.runtime.plan._climbs", "getFile", {"name": ".."}, "/v1/files/.."),
        ("caskmcp.runtime.wire.escaped", "getFile", {"name": "a/b?c=d"}, "/v1/files/a/b"),
    ],
)
def test_without_its_guard_the_forged_request_gets_out(
    guard: str, operation: str, arguments: dict[str, Any], reaches: str, recorder: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, (lambda _: False) if guard.endswith("climbs") else (lambda text: text))
    _, heard = called(operation, arguments, recorder, tmp_path)
    assert [path(row) for row in heard] == [reaches], "the verdicts above would hold without the guard"
