"""Variables and URLs of collections: what is filled in, what stays open, and that hostile files end."""

import pytest

from caskmcp.compiler.capture.sources.collection import variables as module
from caskmcp.compiler.capture.sources.collection.target import target
from caskmcp.compiler.capture.sources.collection.variables import BUDGET, GROWTH, LONGEST, Variables
from caskmcp.errors import CaskError
from tests.support.patience import soon


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{a}}", "1"),
        ("x{{ a }}y{{b}}z", "x1y1-1z"),
        ("{{none}} {{a}}", "{{none}} 1"),
        ("{{_.a}} {{ _['odd-name'] }}", "1 odd"),
        ("{{$guid}} {a} {{}} {{a", "{{$guid}} {a} {{}} {{a"),
        ("{{loop}}", "{{pool}}"),
        ("{{self}}", "<{{self}}>"),
    ],
)
def test_references_are_filled_in_as_far_as_the_file_says(text: str, expected: str) -> None:
    values = {"a": "1", "b": "{{a}}-{{a}}", "odd-name": "odd", "loop": "{{pool}}", "pool": "{{loop}}", "self": "<{{self}}>"}
    assert Variables(values).fill(text).replace("{{loop}}", "{{pool}}") == expected


def test_an_inner_scope_wins_and_leaves_the_outer_one_alone() -> None:
    outer = Variables({"a": "1", "b": "{{a}}"})
    inner = outer.within({"a": "2"})
    assert (inner.fill("{{b}}"), outer.fill("{{b}}"), inner.within({}) is inner) == ("2", "1", True)


def test_a_later_value_wins() -> None:
    found = Variables({"a": "1"})
    assert found.fill("{{a}}") == "1"
    found.assign({"a": "2"})
    assert found.fill("{{a}}") == "2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"n": {{n}}, "t": "{{t}}", "o": {{open}}, "q": "{{open}}"}', '{"n": 7, "t": "x", "o": null, "q": "{{open}}"}'),
        ('{"e": "\\"{{open}}\\"", "f": [{{open}}]}', '{"e": "\\"{{open}}\\"", "f": [null]}'),
        ('{"broken: {{open}}', '{"broken: null'),
    ],
)
def test_a_json_body_stays_readable_without_values(text: str, expected: str) -> None:
    assert Variables({"n": "7", "t": "x"}).fill_json(text) == expected


# ---------------------------------------------------------------- hostile
def test_a_billion_laughs_stay_short() -> None:
    values = {"a0": "ha" * 100} | {f"a{level}": f"{{{{a{level - 1}}}}}" * 10 for level in range(1, 12)}
    found = Variables(values)
    with soon():
        assert len(found.fill("{{a11}}")) <= LONGEST
        assert len(found.fill("{{a2}}" * 1000)) <= GROWTH + len("{{a2}}" * 1000)


def test_a_long_chain_ends() -> None:
    values = {f"a{level}": f"{{{{a{level + 1}}}}}" for level in range(5000)} | {"a5000": "end"}
    assert Variables(values).fill("{{a0}}").startswith("{{a")
    assert Variables(values).fill("{{a4990}}") == "end"


def test_a_file_that_grows_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUDGET", 1000)
    found = Variables({"a": "x" * 100})
    assert "".join(found.within({"b": "1"}).fill("{{a}}") for _ in range(10)) == "x" * 1000
    with pytest.raises(CaskError) as caught:
        found.fill("{{a}}")
    assert caught.value.code == "CASK-C005"
    assert BUDGET == 64 << 20


# ---------------------------------------------------------------- URLs
@pytest.mark.parametrize(
    ("text", "url", "query"),
    [
        ("https://api.example.com/orders?page=2&q=a+b%21&&=", "https://api.example.com/orders", (("page", "2"), ("q", "a b!"))),
        ("{{base}}/orders/{{id}}?x={{id}}", "https://api.example.com/v1/orders/{id}", (("x", "{{id}}"),)),
        ("{{withQuery}}&b=2", "https://api.example.com/x", (("a", "1"), ("b", "2"))),
        ("{{unknown}}/orders", "https:///orders", ()),
        ("{{unknown}}{{prefix}}/orders", "https:///orders", ()),
        ("http://{{unknown}}:8080/orders", "http:///orders", ()),
        ("{{protocol}}://{{unknown}}/orders", "https:///orders", ()),
        ("{{protocol}}://api.example.com/orders", "https://api.example.com/orders", ()),
        ("https://{{tenant}}.example.com/a", "https:///a", ()),
        ("api.example.com/a", "http://api.example.com/a", ()),
        ("/a#top?x=1", "https:///a", ()),
        ("", "https://", ()),
        ("  https://api.example.com  ", "https://api.example.com", ()),
        ("https://api.example.com/{{$guid}}/{{a b}}.json", "https://api.example.com/{%24guid}/{{a b}}.json", ()),
    ],
)
def test_a_url_is_taken_apart(text: str, url: str, query: tuple[tuple[str, str], ...]) -> None:
    known = Variables({"base": "https://api.example.com/v1", "withQuery": "https://api.example.com/x?a=1"})
    assert target(text, known) == (url, query)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"id": "17"}, "/orders/{id=17}/items/{item}"),
        ({"id": "a/b?c#d", "item": "{{open}}"}, "/orders/{id=a%2Fb%3Fc%23d}/items/{item}"),
        ({"id": "<string>"}, "/orders/{id}/items/{item}"),
        ({"id": "{{n}}"}, "/orders/{id=7}/items/{item}"),
        (None, "/orders/:id/items/:item"),
    ],
)
def test_segments_that_begin_with_a_colon_are_parameters_where_the_format_has_them(given: dict[str, str] | None, expected: str) -> None:
    url, _ = target("https://api.example.com/orders/:id/items/:item", Variables({"n": "7"}), given)
    assert url == f"https://api.example.com{expected}"


def test_a_verb_behind_a_colon_is_no_parameter() -> None:
    assert target("https://api.example.com/orders:cancel", Variables({}), {})[0] == "https://api.example.com/orders:cancel"
