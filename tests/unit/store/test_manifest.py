"""Edits of cask.yaml keep what a person wrote, change one list, and never guess."""

import pytest

from caskmcp.errors import CaskError
from caskmcp.store.manifest import Entry, fresh, parse, quoted, with_hosts, with_sources, without_source

ID = "2f" * 32
HEAD = "# mine\nversion: 1 # one\nhosts: [a.example] # who\n"


# ---------------------------------------------------------------- fresh
def test_a_fresh_manifest_is_what_a_person_would_write() -> None:
    text = fresh(
        name="shop", hosts=["api.shop.example"], sources=[Entry("har", "captures/*.har"), Entry("openapi", "specs/a.yaml")], auth={}
    )
    assert text == (
        "# cask.yaml: everything that a build depends on. An unknown key is an error.\n"
        "version: 1\n"
        "name: shop\n"
        "hosts: [api.shop.example]\n"
        "sources:\n"
        '  - har: "captures/*.har"\n'
        "  - openapi: specs/a.yaml\n"
    )
    assert parse(text).id == "shop"


def test_a_scheme_that_was_seen_stands_as_a_comment_alone() -> None:
    text = fresh(name=None, hosts=["a.example:8080"], sources=[], auth={"a.example:8080": ("basic", "bearer", "header:x-api-key")})
    assert text.split("\n")[3:] == [
        "sources: []",
        "# Seen in what was captured. Without an entry, calls go without a credential; an entry names a place, never the credential itself.",
        "# auth:",
        '#   "a.example:8080": {scheme: basic, from: env:A_EXAMPLE_8080_LOGIN}',
        '#   "a.example:8080": {scheme: bearer, from: env:A_EXAMPLE_8080_TOKEN}',
        '#   "a.example:8080": {scheme: api_key, in: header, name: x-api-key, from: env:A_EXAMPLE_8080_KEY}',
        "",
    ]
    project = parse(text)
    assert (project.auth, project.hosts) == ({}, ("a.example:8080",))


def test_a_scheme_becomes_an_entry_by_taking_its_comment_marks_away() -> None:
    text = fresh(name=None, hosts=["a.example"], sources=[], auth={"a.example": ("header:x-api-key",)})
    rule = parse(text.replace("# auth:", "auth:").replace("#   a", "  a")).auth["a.example"]
    assert (rule.scheme, rule.place, rule.name, rule.source) == ("api_key", "header", "x-api-key", "env:A_EXAMPLE_KEY")


@pytest.mark.parametrize(
    "text", ["yes", "1", "1.5", "0x1f", "12e3", "a: b", "a #b", "*x", "[a]", "ü", "", "a b", "null", "-", "'", '"', "1" * 63]
)
def test_a_text_that_reads_as_something_else_is_quoted(text: str) -> None:
    manifest = fresh(name=None, hosts=["a.example"], sources=[Entry("har", text)] if text else [], auth={})
    assert [row.pattern for row in parse(manifest).sources] == ([text] if text else [])
    assert quoted(text).startswith('"')


def test_a_host_that_reads_as_a_number_stays_a_host() -> None:
    assert parse(fresh(name=None, hosts=["127.0.0.1", "10.5", "1e5"], sources=[], auth={})).hosts == ("127.0.0.1", "10.5", "1e5")


def test_a_capture_id_of_digits_alone_is_text() -> None:
    assert parse(fresh(name=None, hosts=["a.example"], sources=[Entry("capture", "1" * 64)], auth={})).sources[0].pattern == "1" * 64
    assert (
        parse(fresh(name=None, hosts=["a.example"], sources=[Entry("capture", "1e" + "1" * 62)], auth={})).sources[0].pattern
        == "1e" + "1" * 62
    )


# ---------------------------------------------------------------- adding
# fmt: off
ADDED = [
    # sources as they stand                                   with `capture: 2f…` added
    ("",                                                      f"sources:\n  - capture: {ID}\n"),
    ("sources: []\n",                                         f"sources:\n  - capture: {ID}\n"),
    ("sources: [] # none yet\nname: x\n",                     f"sources: # none yet\n  - capture: {ID}\nname: x\n"),
    ("sources:\n  - har: a.har\n",                            f"sources:\n  - har: a.har\n  - capture: {ID}\n"),
    ("sources:\n- har: a.har # first\n# end\nname: x\n",      f"sources:\n- har: a.har # first\n- capture: {ID}\n# end\nname: x\n"),
    ("sources:\n    - har: a.har\n\n    # why\n    - har:\n        b.har\nname: x\n",
                                                              f"sources:\n    - har: a.har\n\n    # why\n    - har:\n        b.har\n    - capture: {ID}\nname: x\n"),
    ("sources: [{har: a.har}] # [all]\n",                     f"sources: [{{har: a.har}}, {{capture: {ID}}}] # [all]\n"),
    ("sources: [{har: a.har}, ]\n",                           f"sources: [{{har: a.har}}, {{capture: {ID}}}]\n"),
    ("sources:\n  - har: a.har",                              f"sources:\n  - har: a.har\n  - capture: {ID}"),
]
# fmt: on


@pytest.mark.parametrize(("before", "after"), ADDED)
def test_an_entry_is_added_and_all_else_stays(before: str, after: str) -> None:
    assert with_sources(HEAD + before, [Entry("capture", ID)]) == HEAD + after


def test_a_manifest_with_windows_line_ends_keeps_them() -> None:
    text = "version: 1\r\nhosts: [a.example]\r\nsources:\r\n  - har: a.har\r\n"
    assert with_sources(text, [Entry("har", "b.har")]) == text + "  - har: b.har\r\n"
    empty = "version: 1\r\nhosts: [a.example]\r\nsources: []\r\n"
    assert with_sources(empty, [Entry("har", "b.har")]) == "version: 1\r\nhosts: [a.example]\r\nsources:\r\n  - har: b.har\r\n"


def test_several_entries_are_added_in_order() -> None:
    text = with_sources(HEAD, [Entry("openapi", "specs/my spec.yaml"), Entry("capture", ID)])
    assert [(row.kind, row.pattern) for row in parse(text).sources] == [("openapi", "specs/my spec.yaml"), ("capture", ID)]


@pytest.mark.parametrize(
    "sources",
    ["sources: [\n  {har: a.har},\n]\n", "sources: [{har: 'a]#.har'}]\n", "? sources\n: - har: a.har\n", '"sources":\n  [{har: a.har}]\n'],
)
def test_a_form_that_is_not_understood_is_left_alone_and_told(sources: str) -> None:
    with pytest.raises(CaskError) as caught:
        with_sources(HEAD + sources, [Entry("capture", ID)])
    assert caught.value.code == "CASK-I004"
    assert f"write `- capture: {ID}` there" in caught.value.what


# fmt: off
HOSTS = [
    ("hosts: [a.example] # who\n",               "hosts: [a.example, b.example] # who\n"),
    ("hosts:\n  - a.example\n",                  "hosts:\n  - a.example\n  - b.example\n"),
]
# fmt: on


@pytest.mark.parametrize(("before", "after"), HOSTS)
def test_a_host_is_added_and_all_else_stays(before: str, after: str) -> None:
    assert with_hosts(f"version: 1\n{before}name: x\n", ["b.example"]) == f"version: 1\n{after}name: x\n"


# ---------------------------------------------------------------- removing
# fmt: off
REMOVED = [
    (f"sources:\n  - har: a.har\n  - capture: {ID} # mine\n  # end\n",  "sources:\n  - har: a.har\n  # end\n"),
    (f"sources: # all\n  - capture: {ID}\nname: x\n",                    "sources: [] # all\nname: x\n"),
    ("sources:\n  - har: a.har\n",                                       "sources:\n  - har: a.har\n"),
]
# fmt: on


@pytest.mark.parametrize(("before", "after"), REMOVED)
def test_an_entry_is_taken_out_and_all_else_stays(before: str, after: str) -> None:
    assert without_source(HEAD + before, Entry("capture", ID)) == HEAD + after


def test_an_entry_of_an_inline_list_is_left_to_the_person() -> None:
    with pytest.raises(CaskError) as caught:
        without_source(f"{HEAD}sources: [{{capture: {ID}}}]\n", Entry("capture", ID))
    assert caught.value.mend == "edit cask.yaml"
