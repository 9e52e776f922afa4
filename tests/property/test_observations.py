"""What a part, a merge and a contract may not depend on: the order of exchanges, the cut of a recording, the redaction key."""

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caskmcp import canon
from caskmcp.compiler.infer.stage import infer
from caskmcp.compiler.normalize import flows, merge, stage, total
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Exchange
from caskmcp.model.observation import Group, Observations, Part
from tests.support.chain import Chain
from tests.support.exchanges import traffic

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def candidates(found: list[Exchange]) -> dict[str, Any]:
    """As it travels between stages: through JSON."""
    return json.loads(canon.compact(stage.summarize(found)))


def by_id(*sources: list[Exchange]) -> dict[str, dict[str, Any]]:
    found = [candidates(source) for source in sources]
    return {merge.part_id(stage.bare_part(one)): one for one in found}


def groups(parts: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    try:
        return merge.merge(copy.deepcopy(parts), [])[0]
    except CaskError as error:
        return {"none": error.code.encode()}


def contracts(found: dict[str, bytes]) -> dict[str, Any]:
    return {name: infer(Group.model_validate_json(group)).plain() for name, group in found.items() if name != "none"}


@SLOW
@given(found=traffic, data=st.data())
def test_the_order_of_exchanges_changes_no_byte(found: list[Exchange], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(found))
    assert canon.compact(stage.summarize(shuffled)) == canon.compact(stage.summarize(found))


@SLOW
@given(found=traffic, data=st.data())
def test_the_cut_of_a_recording_changes_no_group_and_no_contract(found: list[Exchange], data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, 3), min_size=len(found), max_size=len(found)))
    pieces = [[item for item, cut in zip(found, cuts, strict=True) if cut == number] for number in range(4)]
    pieces = [piece for piece in pieces if piece]
    parts = by_id(*pieces)
    if len(parts) < len(pieces):
        return  # two pieces that say the same count once: they can't be told from one recording that was exported twice
    whole = groups(by_id(found))
    assert groups(parts) == whole
    assert contracts(groups(parts)) == contracts(whole)


@SLOW
@given(one=traffic, two=traffic)
def test_a_merge_does_not_care_about_order_or_repetition(one: list[Exchange], two: list[Exchange]) -> None:
    forward, backward = by_id(one, two), by_id(two, one, two)
    assert groups(forward) == groups(backward)


@SLOW
@given(found=traffic)
def test_committed_observations_give_the_groups_that_traffic_gave(found: list[Exchange]) -> None:
    parts = by_id(found)
    settled = copy.deepcopy(parts)
    try:
        fresh, _ = merge.merge(settled, [])
    except CaskError:
        return
    committed = json.loads(canon.pretty({name: merge.published(one) for name, one in settled.items()}))
    Observations.model_validate_json(canon.dump({"schema": "caskmcp/observations/1", "parts": committed}))
    assert groups(committed) == fresh


@SLOW
@given(found=traffic)
def test_a_part_is_of_the_published_form_and_its_id_does_not_depend_on_what_is_settled(found: list[Exchange]) -> None:
    one = candidates(found)
    part = stage.bare_part(one)
    Part.model_validate_json(canon.compact(part))
    assert stage.bare_part(json.loads(canon.compact(part))) == part
    assert merge.part_id(part) == canon.digest(json.loads(canon.pretty(part)))


@SLOW
@given(found=traffic)
def test_sums_of_shapes_do_not_depend_on_how_they_are_bracketed(found: list[Exchange]) -> None:
    shapes = [
        body["shape"]
        for row in stage.bare_part(candidates(found)).get("rows", ())
        for bodies in row.get("responses", {}).values()
        for body in bodies.values()
        if "shape" in body
    ]
    if len(shapes) > 2:
        left = total.shape([total.shape(shapes[:2]), *shapes[2:]])
        assert left == total.shape(shapes) == total.shape(shapes[::-1])


def har(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "t", "version": "1"}, "entries": list(entries)}}).encode()


def entry(method: str, url: str, *, status: int = 200, body: Any = None, answer: Any = None, token: str = "") -> dict[str, Any]:
    headers = [{"name": "Authorization", "value": f"Bearer {token}"}] if token else []
    request: dict[str, Any] = {"method": method, "url": url, "headers": headers, "queryString": [], "cookies": []}
    if body is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(body)}
    content = {"mimeType": "application/json", "text": json.dumps(answer), "size": 1}
    response = {"status": status, "headers": [], "cookies": [], "content": content}
    return {"startedDateTime": "2026-01-05T09:00:00Z", "time": 1, "request": request, "response": response}


RECORDING = har(
    *(
        entry(
            "POST",
            f"https://api.shop.example/users/someone{number}@mail.test/cards/4539578763621486?api_key=k3yk3yk3yk3yk3yk{number}",
            body={"email": f"someone{number}@mail.test", "phone": "+4915112345678", "password": f"hunter2hunter{number}", "state": "open"},
            answer={
                "id": number,
                "token": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ7bnVtYmVyfSJ9.c2lnbmF0dXJlLXZhbHVl{number}",
                "card": 4539578763621486,
            },
            token=f"tok-{number}-0123456789abcdef0123456789",
        )
        for number in range(6)
    )
)


@pytest.mark.parametrize("until", ["normalize", "merge", "infer"])
def test_two_redaction_keys_give_the_same_bytes(until: str) -> None:
    one, two = (
        Chain({"a": ("har", RECORDING)}, hosts=["api.shop.example"], redact={}, paths=[], key=key * 32).run() for key in (b"1", b"2")
    )
    assert one.outputs["capture"]["exchanges"] != two.outputs["capture"]["exchanges"]
    assert without_visits(one.outputs[until]) == without_visits(two.outputs[until])
    assert one.outputs[until]


def without_visits(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """What a stage gave, without the fingerprints of sessions and the digests of what was cut, which stay in the cache."""
    candidates = {name: {**_without_sketches(json.loads(data)), "visits": None} for name, data in outputs.get("candidates", {}).items()}
    return {**outputs, "candidates": candidates}


def _without_sketches(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "rows": [{name: value for name, value in row.items() if name not in flows.PRIVATE} for row in part["rows"]]}


def test_the_hash_seed_and_the_name_of_a_source_are_nowhere() -> None:
    one = Chain({"a": ("har", RECORDING)}, hosts=["api.shop.example"], redact={}, paths=[]).run()
    two = Chain({"zebra": ("har", RECORDING)}, hosts=["api.shop.example"], redact={}, paths=[]).run()
    assert one.outputs["merge"] == two.outputs["merge"]
