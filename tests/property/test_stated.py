"""What a collection states changes nothing of what traffic shows, whatever both hold and in whichever order they come."""

import copy
import json
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caskmcp import canon
from caskmcp.compiler.infer.stage import infer
from caskmcp.compiler.normalize import merge, stage
from caskmcp.compiler.normalize.tree import is_success
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Exchange
from caskmcp.model.observation import Group, Part
from caskmcp.text import Document
from tests.support.exchanges import traffic

SLOW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def asked(found: list[Exchange]) -> list[Exchange]:
    """The requests of exchanges, as a person would write them down."""
    return [msgspec.structs.replace(item, status=0, response=None) for item in found]


def parts(*sources: list[Exchange]) -> dict[str, dict[str, Any]]:
    made = [json.loads(canon.compact(stage.summarize(source))) for source in sources if source]
    return {merge.part_id(stage.bare_part(one)): one for one in made}


def groups(*sources: list[Exchange]) -> dict[str, Group]:
    try:
        found, _ = merge.merge(copy.deepcopy(parts(*sources)), [])
    except CaskError:
        return {}
    return {name: Group.model_validate_json(data) for name, data in found.items()}


@SLOW
@given(seen=traffic)
def test_the_same_requests_without_answers_add_no_count_and_no_need(seen: list[Exchange]) -> None:
    # Of paths that succeeded, so that templating has nothing new to decide: that somebody wrote a path down says that it is there.
    alone, both = groups(seen), groups(seen, asked([item for item in seen if is_success(str(item.status))]))
    assert both.keys() >= alone.keys()
    for name in alone:
        before, after = infer(alone[name]), infer(both[name])
        assert (after.evidence.seen, after.evidence.total, after.confidence) == (
            before.evidence.seen,
            before.evidence.total,
            before.confidence,
        )
        assert after.statuses == before.statuses
        assert after.responses == before.responses
        needed = {(row.location, row.wire) for row in before.parameters if row.required}
        assert {(row.location, row.wire) for row in after.parameters if row.required} == needed


@SLOW
@given(stated=traffic)
def test_what_is_stated_alone_claims_no_success_and_needs_nothing_but_its_path(stated: list[Exchange]) -> None:
    for group in groups(asked(stated)).values():
        made = infer(group)
        assert (made.confidence, made.responses, made.statuses, made.evidence.sources) == ("low", (), {}, ("collection",))
        assert all(row.required == (row.location == "path") for row in made.parameters)
        assert not any(
            body.required or body.schema_.get("required") or body.schema_.get("additionalProperties") is False for body in made.bodies
        )


@SLOW
@given(found=traffic, data=st.data())
def test_order_changes_no_byte_and_a_committed_part_reads_back(found: list[Exchange], data: st.DataObject) -> None:
    mixed = [*found, *asked(found)]
    made = stage.summarize(mixed)
    assert canon.compact(stage.summarize(data.draw(st.permutations(mixed)))) == canon.compact(made)
    (name, settled), *_ = parts(mixed).items()
    try:
        merge.merge({name: settled}, [])
    except CaskError:
        return
    published = merge.published(settled)
    assert Part.of(Document("observations.json", published, {})).plain().get("stated") == published.get("stated")
