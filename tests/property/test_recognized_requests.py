"""A request that a tool's plan makes is read back as a call that makes the same request; one that was changed never goes out as what it is not."""

import random
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.errors import CaskError
from caskmcp.runtime.plan import PreparedRequest, authority, prepare
from caskmcp.runtime.recognize import Received, arguments_of, received
from caskmcp.runtime.reread import BEYOND
from tests.support import random_tools
from tests.support.random_tools import Sender

SEEDS = st.integers(min_value=0, max_value=10**9)


def sent(seed: int) -> Iterator[tuple[Sender, PreparedRequest]]:
    """Random tools with requests of theirs. Without defaults and empty lists, which a request need not show."""
    rnd = random.Random(seed)
    made = random_tools.record(rnd)
    for row in (*made["request"]["query"], *made["request"]["headers"]):
        row.pop("default", None)
    try:
        sender = Sender(made)
    except (CaskError, ValueError):
        return
    for arguments in (random_tools.call(rnd, made) for _ in range(4)):
        request = _request(sender, {name: value for name, value in arguments.items() if value != []})
        if request is not None:
            yield sender, request


def _request(sender: Sender, arguments: dict[str, Any]) -> PreparedRequest | None:
    try:
        return prepare(sender.tool, arguments)
    except CaskError:
        # Such a call makes no request.
        return None


def again(sender: Sender, request: Received) -> PreparedRequest | None:
    """What would be sent for a request, if it is not refused for what stands in it."""
    found = arguments_of(sender.tool, request)
    return None if found is None or BEYOND in found else _request(sender, found)


@settings(max_examples=60)
@given(SEEDS)
def test_a_request_of_a_tool_is_read_back_as_a_call_that_makes_it_again(seed: int) -> None:
    for sender, request in sent(seed):
        made = again(sender, received(request, authority(sender.tool.request)))
        if made is not None and request.body not in (b"", b"{}"):
            assert random_tools.told(made) == random_tools.told(request)


def test_nearly_every_request_is_read_back() -> None:
    rows = [(sender, request) for seed in range(80) for sender, request in sent(seed)]
    lost = [request for sender, request in rows if again(sender, received(request, authority(sender.tool.request))) is None]
    assert len(rows) > 60
    assert len(lost) * 20 < len(rows)


@settings(max_examples=60)
@given(SEEDS, st.sampled_from(["query", "header", "cookie", "segment", "method", "host"]))
def test_what_was_added_to_a_request_is_never_dropped_on_the_way(seed: int, where: str) -> None:
    for sender, request in sent(seed):
        base = received(request, authority(sender.tool.request))
        mark = "&" if "?" in base.target else "?"
        changed = {
            "query": Received(base.method, base.authority, f"{base.target}{mark}zz=1", base.headers, base.body),
            "header": Received(base.method, base.authority, base.target, (*base.headers, ("X-HTTP-Method-Override", "DELETE")), base.body),
            "cookie": Received(base.method, base.authority, base.target, (*base.headers, ("Cookie", "zz=1")), base.body),
            "segment": Received(base.method, base.authority, base.target.replace("?", "/zz?", 1) + "/zz", base.headers, base.body),
            "method": Received("PURGE", base.authority, base.target, base.headers, base.body),
            "host": Received(base.method, "evil.test", base.target, base.headers, base.body),
        }[where]
        assert again(sender, changed) is None
