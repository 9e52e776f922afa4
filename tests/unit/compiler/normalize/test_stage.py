"""The stage `normalize`: compressed lines in, a part and its candidates out."""

import json
from collections.abc import Iterable

import pytest

from caskmcp import canon
from caskmcp.compiler.capture.codec import compress, encode_line
from caskmcp.compiler.normalize import stage
from caskmcp.compiler.normalize.locales import is_language, is_locale
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared
from caskmcp.model.observation import Part
from tests.support.contracts import Given
from tests.support.traffic import HOST, Item, items, part


class Capture(Given):
    """A capture of some traffic."""

    def __init__(self, found: Iterable[Item], templates: tuple[str, ...] = (), cut: int | None = None) -> None:
        super().__init__({"vocabulary.templates": list(templates), "capture.head": {}})
        self.bytes = b"".join(compress(map(encode_line, items(found))))[:cut]

    def blocks(self, role: str) -> Iterable[bytes]:  # type: ignore[override]
        assert role == "capture.exchanges"
        return iter((self.bytes[:7], self.bytes[7:]))


LINES = ("GET /orders/1 200 {id: 1, state: open}", "POST /orders 201 {id: 2, state: closed}")


def test_the_part_and_its_candidates_are_canonical_json() -> None:
    out = {name: json.loads(bytes(data)) for name, data in stage.run(Capture(LINES)).items()}
    assert sorted(out) == ["candidates", "part"]
    assert bytes(stage.run(Capture(LINES))["part"]) == canon.compact(out["part"])
    assert stage.bare_part(out["candidates"]) == out["part"]
    assert "open" in json.dumps(out["candidates"])
    assert "closed" not in json.dumps(out["part"]["rows"])
    Part.model_validate_json(canon.compact(out["part"]))


def test_rows_and_words_are_sorted() -> None:
    found = part("GET /users 200 {id: river}", "POST /orders", "GET /orders 200 {id: garden}")
    assert [(row["segments"], row["method"]) for row in found["rows"]] == [(["orders"], "GET"), (["orders"], "POST"), (["users"], "GET")]
    assert found["body_words"] == ["garden", "river"]


def test_words_of_a_query_are_no_words_of_bodies() -> None:
    assert "body_words" not in part("GET /orders?q=garden 200 {id: 1}")


def test_a_document_gives_a_part_of_its_own_kind_sorted() -> None:
    declared = [Declared(method="GET", scheme="https", host=HOST, port=0, path=path) for path in ("/b", "/a")]
    found = part(*declared)
    assert (found["kind"], [row["path"] for row in found["declared"]]) == ("spec", ["/a", "/b"])
    assert part(*declared, *LINES)["kind"] == "traffic"


@pytest.mark.parametrize("cut", [5, 40, -3])
def test_a_damaged_capture_is_refused(cut: int) -> None:
    with pytest.raises(CaskError, match="CASK-C001"):
        stage.run(Capture(LINES, cut=cut))


def test_an_empty_capture_is_an_empty_part() -> None:
    assert json.loads(bytes(stage.run(Capture(()))["part"])) == {"kind": "traffic"}


def test_a_literal_that_a_template_names_is_kept_where_the_whole_path_is_inside_it() -> None:
    found = part("GET /runs/lateness 200", "GET /runs/lateness/more 200", "GET /jobs/lateness 200", named=["/runs/lateness", "/{kind}/x"])
    assert [row["segments"] for row in found["rows"]] == [["jobs", "{other}"], ["runs", "lateness"], ["runs", "{other}", "more"]]


def test_an_encoded_letter_is_the_letter_that_a_template_names() -> None:
    found = part("GET /caf%C3%A9/menu 200", named=["/café/menu"])
    assert [row["segments"] for row in found["rows"]] == [["café", "menu"]]


@pytest.mark.parametrize(
    ("token", "locale"),
    [("pt-BR", True), ("de_at", True), ("en-us", True), ("xx-US", False), ("en-XX", False), ("EN-US", False), ("en", False), ("", False)],
)
def test_a_locale_is_a_known_language_with_a_known_region(token: str, *, locale: bool) -> None:
    assert is_locale(token) is locale


def test_a_language_is_two_small_letters_of_the_public_list() -> None:
    assert [token for token in ("en", "de", "zu", "me", "EN", "xx", "eng") if is_language(token)] == ["en", "de", "zu"]
