"""How names become words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp.compiler.classify import vocabulary
from caskmcp.compiler.classify.words import is_plural, is_version, singular, split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("orders", ("orders",)),
        ("deleteOldUsers", ("delete", "old", "users")),
        ("delete-old_users", ("delete", "old", "users")),
        ("DELETE", ("delete",)),
        ("HTTPServer", ("http", "server")),
        ("getV2Users", ("get", "v2", "users")),
        ("oauth2", ("oauth2",)),
        ("2fa", ("2fa",)),
        ("graph-v2", ("graph", "v2")),
        ("OAuth2Token", ("o", "auth2", "token")),
        ("s3", ("s3",)),
        ("a.b/c", ("a", "b", "c")),
        ("Größe", ("gr", "e")),
        ("列表", ()),
        ("", ()),
    ],
)
def test_a_name_is_split_at_separators_and_capitals(text: str, words: tuple[str, ...]) -> None:
    assert split(text) == words


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("orders", "order"), ("categories", "category"), ("addresses", "address"), ("boxes", "box"), ("branches", "branch"), ("wishes", "wish"), ("buses", "bus"),
        ("people", "person"), ("children", "child"), ("movies", "movie"), ("leases", "lease"), ("queries", "query"), ("invoices", "invoice"), ("keys", "key"),
        ("caches", "cache"), ("ties", "tie"),
    ],
)  # fmt: skip
def test_a_plural_has_a_singular(plural: str, one: str) -> None:
    assert is_plural(plural)
    assert singular(plural) == one


@pytest.mark.parametrize(
    "word",
    ["order", "status", "news", "settings", "address", "access", "data", "series", "redis", "dns", "os", "is", "s", "person", "analysis"],
)
def test_what_is_no_plural_stays(word: str) -> None:
    assert not is_plural(word)
    assert singular(word) == word


@pytest.mark.parametrize(("word", "version"), [("v1", True), ("v10", True), ("v", False), ("version", False), ("v1a", False), ("1", False)])
def test_a_version_is_told_by_its_form(word: str, version: bool) -> None:
    assert is_version(word) is version


@given(st.text(max_size=60))
def test_words_are_lower_case_ascii(text: str) -> None:
    assert all(word and word.isascii() and word == word.lower() and word.isalnum() for word in split(text))


def test_every_row_of_the_vocabulary_is_one_word_in_lower_case() -> None:
    tables = {name: table for name, table in vars(vocabulary).items() if isinstance(table, frozenset)}
    assert len(tables) >= 15
    assert [(name, word) for name, table in tables.items() for word in sorted(table) if split(word) != (word,)] == []


def test_a_verb_says_one_thing_about_change() -> None:
    assert not vocabulary.READ_VERBS & (vocabulary.DESTRUCTIVE_VERBS | vocabulary.WRITE_VERBS | vocabulary.SESSION_VERBS)
    assert not vocabulary.WRITE_VERBS & (vocabulary.DESTRUCTIVE_VERBS | vocabulary.SWEEPING_VERBS)
