"""The word table: what it takes for a word, and what it must never take for one."""

from importlib.resources import files

import pytest

from caskmcp.compiler.normalize import words


@pytest.mark.parametrize(
    "token",
    [
        "users",
        "work-pools",
        "work_pools",
        "workPools",
        "getUserByName",
        "HTTPServer",
        "export.csv",
        "v1",
        "graph-v2",
        "oauth2",
        "s3",
        "me",
        "dm",
        "ID",
        "localfiles",
        "any_",
        "__total__",
    ],
)
def test_a_token_is_words_if_every_part_is_in_the_table(token: str) -> None:
    assert words.is_words(token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "ana",
        "bob",
        "zoltan",
        "amber-9",
        "amber-velvet-651",
        "12",
        "o'neil",
        "müller",
        "users ",
        "a b",
        "-",
        "x" * 65,
        "users-zoltan",
        "newman",
        "Ana",
    ],
)
def test_a_token_with_any_other_part_is_not_words(token: str) -> None:
    assert not words.is_words(token)


def test_three_letters_are_already_names_and_two_are_not() -> None:
    assert [token for token in ("me", "id", "xq", "Zz") if not words.is_words(token)] == []
    assert [token for token in ("ana", "bob", "eva") if words.is_words(token)] == []


def test_glued_words_need_four_letters_each_and_both_of_the_first_tier() -> None:
    assert words.is_words("localfiles")
    assert [
        name for name in ("newcastle", "townsend", "greenfield", "springfield", "goodwin", "drinkwater", "newman") if words.is_words(name)
    ] == []


@pytest.mark.parametrize(
    ("token", "first"), [("filter", True), ("search", True), ("users", True), ("garden", False), ("amber-fox", False), ("v1", True)]
)
def test_the_first_tier_holds_what_apis_say_and_not_the_rest_of_the_language(token: str, first: bool) -> None:
    assert words.is_core(token) is first


@pytest.mark.parametrize(
    ("token", "parts"),
    [
        ("getUserByName", ("get", "user", "by", "name")),
        ("HTTPServer", ("http", "server")),
        ("a-b_c.d", ("a", "b", "c", "d")),
        ("__x__", ("x",)),
        ("", ()),
    ],
)
def test_a_token_is_split_at_separators_and_camel_case(token: str, parts: tuple[str, ...]) -> None:
    assert words.split(token) == parts


def test_the_tables_are_the_vendored_ones_with_their_notice() -> None:
    assert len(words.table()) == 13_855
    assert len(words.core()) == 2_469
    assert words.core() < words.table()
    assert "Kevin Atkinson" in files("caskmcp.compiler.normalize").joinpath("data", "NOTICE.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("collection", ["clinics", "tariffs", "genres", "podcasts", "dockets", "boutiques", "allergies", "passports"])
def test_collections_are_named_by_plurals(collection: str) -> None:
    assert words.is_words(collection)


@pytest.mark.parametrize("name", ["banks", "bridges", "camps", "flowers", "gates", "graves", "hammers", "woods", "rivers", "brooks"])
def test_a_plural_that_is_a_family_name_too_is_no_word(name: str) -> None:
    assert not words.is_words(name)
