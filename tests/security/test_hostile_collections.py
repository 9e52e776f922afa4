"""Collections that are made to hurt: deep, large, of wrong types, growing, looping; and shells that are made to run something."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.compiler.capture.sources.collection import document
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.compiler.capture.sources.table import source
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped
from tests.support.capturing import capture
from tests.support.collections import POSTMAN_SCHEMA

HOST: Final = "api.example.com"
KINDS: Final = ("postman", "bruno", "insomnia", "curl", "http")
SECONDS: Final = 5.0
"""Seconds of our own time that a hostile file may take; what is meant is linear, and this only tells it from what is not."""


def read(kind: str, data: bytes) -> list[Recorded | Skipped]:
    return list(source(kind).read([data]))  # type: ignore[arg-type]


def postman(items: Any, **more: Any) -> bytes:
    return json.dumps({"info": {"schema": POSTMAN_SCHEMA}, "item": items, **more}).encode()


# ---------------------------------------------------------------- nothing is run
def test_no_command_of_a_curl_file_is_run(tmp_path: Path) -> None:
    marks = [tmp_path / f"mark{number}" for number in range(6)]
    text = f"""curl https://{HOST}/$(touch {marks[0]})
curl https://{HOST}/`touch {marks[1]}`
X=$(touch {marks[2]}) curl https://{HOST}/a
touch {marks[3]}; curl https://{HOST}/b
curl https://{HOST}/c -o {marks[4]} > {marks[5]}
curl https://{HOST}/d -d "$(cat /etc/passwd)"
"""
    found = read("curl", text.encode())
    assert [path.name for path in tmp_path.iterdir()] == []
    assert [row.url for row in found if isinstance(row, Recorded)] == [f"https://{HOST}/b", f"https://{HOST}/c"]
    assert [row.place for row in found if isinstance(row, Skipped)] == ["line 1", "line 2", "line 3", "line 6"]


def test_no_file_that_a_collection_names_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("planted-content-of-a-file", encoding="utf-8")
    name = tmp_path / "secret.txt"
    files = {
        "curl": f"curl https://{HOST}/a -d @{name} -F 'f=@{name}' -T {name} --json @{name} -H @{name}\ncurl -b {name} https://{HOST}/b",
        "http": f"POST https://{HOST}/a\n\n< {name}\n",
        "bruno": f"post {{\n  url: https://{HOST}/a\n  body: file\n}}\nbody:file {{\n  file: @file({name})\n}}",
    }
    for kind, text in files.items():
        assert b"planted-content" not in capture(text.encode(), HOST, kind=kind).written


def test_a_script_is_never_looked_into() -> None:
    item = {
        "request": f"https://{HOST}/a",
        "event": [{"listen": "prerequest", "script": {"exec": ["pm.sendRequest('https://evil.example/x')"]}}],
    }
    found = read("postman", postman([item]))
    assert [row.url for row in found if isinstance(row, Recorded)] == [f"https://{HOST}/a"]


# ---------------------------------------------------------------- limits
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_beyond_the_limit_is_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 1000)
    with pytest.raises(CaskError) as caught:
        read(kind, b" " * 1001)
    assert caught.value.code == "CASK-C005"


def _folders(depth: int, key: str) -> Any:
    out: Any = []
    for _ in range(depth):
        out = [{key: out}]
    return out


@pytest.mark.parametrize("depth", [100, 100_000])
@pytest.mark.parametrize("kind", ["postman", "bruno", "insomnia"])
def test_folders_without_end_are_refused(kind: str, depth: int) -> None:
    opened = {"postman": '{"item":[', "bruno": '{"items":[', "insomnia": '{"children":['}[kind]
    text = opened * depth + "]}" * depth
    with pytest.raises(CaskError) as caught:
        read(kind, text.encode())
    assert caught.value.code == "CASK-C001"


def test_folders_that_are_deep_enough_for_anybody_are_read() -> None:
    item: Any = {"request": f"https://{HOST}/a"}
    for _ in range(20):
        item = {"item": [item]}
    assert [row.place for row in read("postman", postman([item]))] == ["request 0"]


def test_variables_that_multiply_stay_within_their_budget() -> None:
    listed = [{"key": "a0", "value": "ha" * 1000}] + [{"key": f"a{n}", "value": f"{{{{a{n - 1}}}}}" * 30} for n in range(1, 20)]
    items = [
        {"request": {"url": f"https://{HOST}/{{{{a19}}}}?q={{{{a1}}}}", "method": "POST", "body": {"mode": "raw", "raw": "{{a1}}" * 9}}}
    ] * 300
    start = time.process_time()
    with pytest.raises(CaskError) as caught:
        read("postman", postman(items, variable=listed))
    assert (caught.value.code, time.process_time() - start < SECONDS) == ("CASK-C005", True)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("curl", "curl " + "$(" * 200_000),
        ("curl", "curl $(\n" * 100_000),
        ("curl", "curl `\n" * 100_001),
        ("curl", "curl '" + "\\\n" * 200_000),
        ("curl", "curl x <<A\n" * 50_000),
        ("curl", "A=1\ncurl https://api.example.com/$A\n" * 20_000),
        ("curl", 'curl ^"' + "^\n" * 200_000),
        ("curl", "curl " + "\\" * 400_001),
        ("http", "###\n" * 200_000),
        ("http", "GET https://api.example.com/a\n" + " ?a\n" * 100_000),
        ("http", "@a = {{a}}\n" * 100_000 + "GET {{a}}"),
        ("http", "< {%\n" * 100_000),
        ("http", "GET " + "{{" * 200_000),
        ("bruno", "meta {\n}\n" * 50_000),
        ("bruno", "get {\n  url: '''\n" * 50_000),
        ("bruno", "example {\n" + "  a: {\n" * 50_000 + "}\n"),
        ("bruno", "get {\n" + "  a: [\n" * 50_000 + "}\n"),
        ("bruno", "get {\n" + '  "' + '\\"' * 100_000 + "\n}"),
    ],
    ids=lambda value: str(value)[:24],
)  # fmt: skip
def test_time_grows_with_the_file_and_not_faster(kind: str, text: str) -> None:
    start = time.process_time()
    with suppress(CaskError):
        read(kind, text.encode())
    assert time.process_time() - start < SECONDS


def test_template_tags_without_end_take_no_time() -> None:
    row = {"_type": "request", "url": "https://api.example.com/" + "{% x" * 100_000}
    start = time.process_time()
    assert len(read("insomnia", json.dumps({"__export_format": 4, "resources": [row]}).encode())) == 1
    assert time.process_time() - start < SECONDS


# ---------------------------------------------------------------- wrong types
NAMES: Final = """
item items info request requests url method header headers body mode raw urlencoded formdata graphql auth type bearer basic apikey variable
variables value key name query path host event script exec response code originalRequest examples root vars req environments resources _type
_id parentId data children authentication parameters pathParameters params status content json disabled enabled
"""
JSON: Final = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 600), st.sampled_from(["", "{{a}}", "https://api.example.com/a", "raw", "\ud800"])),
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(st.sampled_from(NAMES.split()), below, max_size=5)),
    max_leaves=25,
)


@given(value=JSON, more=st.dictionaries(st.sampled_from(NAMES.split()), JSON, max_size=4))
@settings(max_examples=150, deadline=None)
def test_values_of_any_type_in_any_place_are_read_or_left_out(value: Any, more: dict[str, Any]) -> None:
    documents = {
        "postman": {**more, "info": {"schema": POSTMAN_SCHEMA}, "item": [value, more, {"request": value, "response": [more]}]},
        "bruno": {**more, "items": [value, more, {"request": more, "examples": [{"request": more, "response": value}]}]},
        "insomnia": {**more, "__export_format": 4, "resources": [value, {**more, "_type": "request"}, {**more, "_type": "environment"}]},
    }
    for kind, found in documents.items():
        for row in read(kind, json.dumps(found).encode()):
            assert isinstance(row, Recorded | Skipped)
            json.dumps(str(row)).encode("utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_no_error_repeats_what_the_file_holds(kind: str) -> None:
    planted = "zq7plantedsecret"
    broken = {
        "postman": f'{{"{planted}": "{planted}", ',
        "bruno": f"get {{\n  token: {planted}\n",
        "insomnia": f"{planted}: [{planted}\n",
        "curl": f"wget {planted}",
        "http": "",
    }[kind].encode() + (b"\xff" if kind == "http" else b"")
    with pytest.raises(CaskError) as caught:
        read(kind, broken)
    assert planted not in f"{caught.value.what} {caught.value.place} {caught.value.mend}"


@pytest.mark.parametrize("kind", KINDS)
def test_reasons_for_leaving_out_repeat_nothing_either(kind: str) -> None:
    planted = "zq7plantedsecret"
    data = {
        "postman": postman([{"name": planted, "request": {"method": planted}}]),
        "bruno": json.dumps({"items": [{"name": planted, "request": {"method": planted, "url": ""}}]}).encode(),
        "insomnia": json.dumps({"__export_format": 4, "resources": [{"_type": "request", "name": planted}]}).encode(),
        "curl": f"curl --{planted} https://{HOST}/{planted}".encode(),
        "http": f"### {planted}\n{planted} {planted} {planted}".encode(),
    }[kind]
    found = read(kind, data)
    assert len(found) == 1
    assert isinstance(found[0], Skipped)
    assert planted not in str(found)
