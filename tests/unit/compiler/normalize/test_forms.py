"""Formats are claimed where the engine that enforces them agrees; vocabularies take words that no detector finds."""

import jsonschema_rs
import pytest

from caskmcp.compiler.normalize.forms import BY_NAME, Words, form, is_word, may_stand, suspects

TEXTS = {
    "uuid": ["0f8bb918-928c-4b90-9cd5-7a431ef2bf68", "0F8BB918-928C-4B90-9CD5-7A431EF2BF68"],
    "date-time": ["2026-01-05T09:00:00Z", "2026-01-05T09:00:00.123456+02:00"],
    "date": ["2026-01-05"],
    "time": ["09:00:00Z"],
    "duration": ["P1D", "PT30M", "P1Y2M"],
    "email": ["a@b.example", "1@b.example"],
    "uri": ["https://shop.example/a?b=c", "ftp://shop.example/x"],
    "ipv4": ["192.0.2.1"],
    "": [
        "",
        "a",
        "2026-01-05T09:00:00",
        "2026-13-05",
        "2026-01-05 09:00:00Z",
        "0f8bb918-928c-4b90-9cd5-7a431ef2bf6",
        "1.2.3",
        "PAID",
        "P",
        "a @ b",
        "x" * 3000,
        "09:00",
        "999.0.0.1",
        "http:// bad",
        "4111 1111",
        "12",
        "0f8bb918x928c-4b90-9cd5-7a431ef2bf68",
        "https://x/" + "a" * 2100,
    ],
}
PAIRS = [(name, text) for name, texts in TEXTS.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), PAIRS)
def test_a_text_has_the_format_that_its_form_says(name: str, text: str) -> None:
    assert form(text) == name


@pytest.mark.parametrize(("name", "text"), [pair for pair in PAIRS if pair[0]])
def test_what_is_claimed_is_what_is_enforced(name: str, text: str) -> None:
    assert jsonschema_rs.Draft202012Validator({"type": "string", "format": name}, validate_formats=True).is_valid(text)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_the_quick_check_of_one_format_says_what_the_slow_one_says(name: str) -> None:
    assert [text for _, text in PAIRS if text and BY_NAME[name](text) != (form(text) == name)] == []


def test_no_text_with_a_form_escapes_suspicion() -> None:
    texts = [text for _, text in PAIRS if text]
    assert [text for text in texts if form(text) and text not in suspects(texts, "\n".join(texts))] == []
    assert [text for text in texts if form(text) and text not in suspects([text], text)] == []


@pytest.mark.parametrize("text", ["open", "IN_PROGRESS", "us-east", "application/json", "flow:run", "USD", "zoltan", "CANCELLING"])
def test_a_text_like_an_identifier_may_stand_in_a_vocabulary(text: str) -> None:
    assert may_stand(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "open now",
        "amber-9",
        "sha256",
        "id-471193",
        "a@b.example",
        "Zoltan Fekete",
        "größe",
        "x" * 41,
        "-open",
        "open-",
        "a..b",
        "true!",
    ],
)
def test_numbers_sentences_and_addresses_may_not(text: str) -> None:
    assert not may_stand(text)


def test_only_words_of_the_table_of_three_letters_or_more_are_noted() -> None:
    noted = Words()
    for text in ("open", "work-pools", "zoltan", "me", "open now", "garden", "v1"):
        noted.note(text)
    assert noted.found == {"open", "work-pools", "garden"}
    assert not is_word("me")


def test_many_texts_are_noted_as_each_alone_would_be() -> None:
    texts = ["open", "work-pools", "zoltan", "open now", "garden\nriver", "castle", "me", "9", "castle"]
    noted = Words()
    noted.note_all(texts, "\n".join(texts))
    noted.note_all(texts[:2], "\n".join(texts[:2]))
    assert noted.found == {"open", "work-pools", "castle"}
