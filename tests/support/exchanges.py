"""Arbitrary but plausible traffic, for properties: a small API with ids, words, optional fields, unions, maps and failures."""

from typing import Any

from hypothesis import strategies as st

from caskmcp.model.exchange import Body, Exchange
from tests.support.traffic import HOST

WORDS = ("garden", "lovely", "jolly", "castle", "default", "filter", "search", "me")
STATES = ("open", "closed", "pending")
ids = st.one_of(
    st.integers(1, 99).map(str),
    st.sampled_from(("0f8bb918-928c-4b90-9cd5-7a431ef2bf68", "1f8bb918-928c-4b90-9cd5-7a431ef2bf68")),
    st.sampled_from(WORDS),
    st.sampled_from(("amber-9", "globex", "pt-BR", "de", "a%20b", "2024-01-31")),
)
paths = st.one_of(
    st.just("/orders"),
    ids.map(lambda one: f"/orders/{one}"),
    ids.map(lambda one: f"/orders/{one}/items"),
    ids.map(lambda one: f"/orders/{one}/cancel"),
    st.tuples(ids, ids).map(lambda two: f"/diffs/{two[0]}/{two[1]}"),
    ids.map(lambda one: f"/{one}/products"),
)
scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 100_000), st.floats(-1e6, 1e6), st.sampled_from((*STATES, *WORDS)), st.text(max_size=8)
)
keys = st.one_of(st.sampled_from(("id", "name", "state", "total", "owner_email", "quantity", "rrule", "zoltan")), st.text(max_size=5))
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(keys, below, max_size=5)), max_leaves=12
)
states = st.fixed_dictionaries({"id": st.integers(1, 99), "state": st.sampled_from(STATES)})


def _body(value: Any) -> Body:
    return Body(media="application/json", kind="json", value=value, size=1)


@st.composite
def exchange(draw: st.DrawFn) -> Exchange:
    """One exchange."""
    method = draw(st.sampled_from(("GET", "GET", "GET", "POST", "PATCH", "DELETE", "OPTIONS")))
    answer = draw(st.one_of(states, st.lists(states, max_size=3), values))
    return Exchange(
        method=method,
        scheme=draw(st.sampled_from(("https", "http"))),
        host=HOST,
        port=draw(st.sampled_from((0, 0, 8443))),
        path=draw(paths),
        query=tuple(draw(st.lists(st.tuples(st.sampled_from(("page", "q", "ids[]", "filter[state]")), st.text(max_size=5)), max_size=2))),
        cookies=tuple(draw(st.lists(st.sampled_from(("sid", "theme")), max_size=1))),
        auth=tuple(draw(st.lists(st.sampled_from(("bearer", "header:x-api-key")), max_size=1))),
        request=_body(draw(values)) if method in ("POST", "PATCH") and draw(st.booleans()) else None,
        status=draw(st.sampled_from((200, 200, 201, 204, 400, 404, 422, 304, 302))),
        response=_body(answer) if draw(st.booleans()) else None,
    )


traffic = st.lists(exchange(), min_size=1, max_size=25)
