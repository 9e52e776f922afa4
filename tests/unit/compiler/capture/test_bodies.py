"""Bodies: JSON exactly, forms as pairs, everything else by media type and size."""

import gzip
import json
import sys
import zlib
from typing import Any

import brotli
import pytest

from caskmcp.compiler.capture import bodies
from caskmcp.compiler.capture.bodies import body, parse
from caskmcp.compiler.capture.sources.interface import RecordedBody
from caskmcp.model.exchange import Body

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = '{"id": 7, "city": "Zürich"}'
VALUE = {"id": 7, "city": "Zürich"}
JSON = "application/json"


def text(value: str, media: str = JSON) -> Body | None:
    return body(RecordedBody(media, text=value))


@pytest.mark.parametrize(
    "media",
    [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/problem+json",
        "text/json",
        "application/vnd.api+json",
        "text/plain",
        "",
        "text/html",
        "application/octet-stream",
        "application/graphql-response+json",
        "text/javascript",
    ],
)
def test_json_is_read_whatever_it_is_served_as(media: str) -> None:
    found = text(TEXT, media)
    assert found is not None
    assert (found.kind, found.value, found.media) == ("json", VALUE, media.split(";", maxsplit=1)[0].lower())


@pytest.mark.parametrize("value", ["7", '"a"', "null", "true", "[]", "{}", "1.5", str(2**80), str(-(2**70)), '{"a":18446744073709551616}'])
def test_any_json_value_is_kept_exactly(value: str) -> None:
    found = text(value)
    assert found is not None
    assert (found.kind, found.value, type(found.value)) == ("json", json.loads(value), type(json.loads(value)))


@pytest.mark.parametrize(
    "value",
    [
        '{"a":1,"a":2}',
        '{"x":{"a" : 1, "a": 2}}',
        '[{"a":1},{"b":{"c":1,"c":1}}]',
        '{"a\\"":1,"a\\"":2}',
        '{"a":1,"\\u0061":2}',
        '{"a":1,"a":"\\u003a"}',
    ],
)
def test_two_keys_of_one_name_make_it_text(value: str) -> None:
    assert text(value) == Body(JSON, "text", size=len(value))


@pytest.mark.parametrize(
    "value", ['{"a" : 1, "b":2}', '{"a":"x\\":1"}', '[{"a":1},{"a":2}]', '{"a": {"a": 1}}', '{\n "a":\n 1}', '{"\\u0022:":1}']
)
def test_what_only_looks_like_two_keys_is_json(value: str) -> None:
    assert parse(value) == (True, json.loads(value))


@pytest.mark.parametrize(
    "value",
    ["{", "{a: 1}", '{"a": NaN}', '{"a": 1e999}', "[" * 5000 + "]" * 5000, "[" * 65 + "]" * 65, "[Infinity]", "", "nope", "1" * 5000],
)
def test_what_is_no_json_that_can_be_kept_is_text(value: str) -> None:
    assert parse(value) == (False, None)
    assert text(value or " ") == Body(JSON, "text", size=len(value) or 1)


def test_sixty_four_levels_are_kept_by_every_python() -> None:
    assert parse("[" * 64 + "]" * 64)[0]
    assert parse('{"a":' * 64 + "1" + "}" * 64)[0]
    assert not parse('{"a":' * 65 + "1" + "}" * 65)[0]


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    assert parse('{"a\\ud800": ["x\\udfffy"]}') == (True, {"a?": ["x?y"]})


def test_a_byte_order_mark_in_front_of_json_is_dropped() -> None:
    assert parse("{}") == (True, {})
    found = text("\ufeff" + TEXT)
    assert found is not None
    assert found.value == VALUE


def test_a_form_is_pairs_in_order() -> None:
    form = "application/x-www-form-urlencoded"
    assert text("a=1&b=x+y&a=", form) == Body(form, "form", [["a", "1"], ["b", "x y"], ["a", ""]], 12)
    assert body(RecordedBody(form, pairs=(("a", "1"),))) == Body(form, "form", [["a", "1"]], 0)


def test_a_multipart_body_is_pairs_and_a_file_is_null() -> None:
    media = 'multipart/form-data; boundary="X Y"'
    parts = (
        '--X Y\r\nContent-Disposition: form-data; name="kind"\r\n\r\na\r\nb\r\n'
        '--X Y\r\nContent-Disposition: form-data; name="f"; filename="a.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n--X Y--\r\n'
    )
    found = text(parts, media)
    assert found is not None
    assert (found.kind, found.value) == ("multipart", [["kind", "a\nb"], ["f", None]])
    assert text("x", "multipart/form-data") == Body("multipart/form-data", "binary", size=1)


@pytest.mark.parametrize("media", ["text/plain", "text/csv", "application/xml", "image/svg+xml", "application/yaml", "text/html", ""])
def test_text_keeps_its_media_type_and_size_alone(media: str) -> None:
    assert text("hello", media) == Body(media, "text", size=5)


def test_bytes_that_are_no_text_are_binary() -> None:
    assert body(RecordedBody("image/png", data=b"\x89PNG\x00\xff")) == Body("image/png", "binary", size=6)
    assert text("x", "application/pdf") == Body("application/pdf", "binary", size=1)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("", gzip.compress),
        ("br", brotli.compress),
        ("zstd", zstd.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
        ("gzip", bytes),
        ("br", bytes),
        ("unknown", bytes),
    ],
)
def test_a_body_that_was_left_compressed_is_unpacked(encoding: str, pack: Any) -> None:
    assert body(RecordedBody(JSON, data=pack(TEXT.encode())), encoding) == Body(JSON, "json", VALUE, len(TEXT.encode()))


def test_a_bomb_is_unpacked_up_to_the_limit_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LARGEST", 1 << 20)
    for encoding, bomb in (("gzip", gzip.compress(b"0" * (8 << 20))), ("br", brotli.compress(b"[" + b"0" * (8 << 20)))):
        found = body(RecordedBody(JSON, data=bomb), encoding)
        assert found is not None
        assert found.size < 8 << 20
        assert found.kind in ("text", "binary")


@pytest.mark.parametrize(
    ("data", "media"),
    [
        (TEXT.encode("utf-8-sig"), JSON),
        (TEXT.encode("latin-1"), "application/json; charset=ISO-8859-1"),
        (TEXT.encode("utf-16"), 'application/json; charset="utf-16"'),
    ],
)
def test_bytes_are_read_in_their_charset(data: bytes, media: str) -> None:
    found = body(RecordedBody(media, data=data))
    assert found is not None
    assert found.value == VALUE


def test_an_unknown_charset_is_binary() -> None:
    found = body(RecordedBody("text/plain; charset=klingon", data=b"\xff\xfe\xfd"))
    assert found == Body("text/plain", "binary", size=3)


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (None, None),
        (RecordedBody(JSON, size=0), None),
        (RecordedBody(JSON, size=52), Body(JSON, "absent", size=52)),
        (RecordedBody("x-unknown", size=-1), Body("", "absent")),
        (RecordedBody("", text="", size=0), Body("", "text")),
    ],
)
def test_a_body_that_is_not_there_is_told_from_none(recorded: RecordedBody | None, expected: Body | None) -> None:
    assert body(recorded) == expected
