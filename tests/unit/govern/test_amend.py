"""The next version of a trust root: what edits and files make of the current one, and what they cannot."""

from typing import Any

import pytest

from caskmcp import text
from caskmcp.errors import CaskError
from caskmcp.govern import amend, trust
from caskmcp.govern.amend import Edit
from caskmcp.govern.public import key_id, of_bytes
from caskmcp.model.trust import Approver, Key, Role, RolesFile, Root
from tests.support import packs
from tests.support.packs import ID, ROOT, T1, T2, U1
from tests.support.world import NOON

TOKEN = of_bytes(bytes(range(32)), "token", scheme="sk-ed25519", application="ssh:")
ALL = ("safe", "low", "medium", "high", "critical")


def refused(call: Any) -> str:
    with pytest.raises(CaskError) as caught:
        call()
    assert caught.value.code == "CASK-T010"
    return caught.value.what


def approvers(root: Root) -> list[tuple[tuple[str, ...], tuple[str, ...], list[str], int]]:
    return [(row.tiers, row.toolsets, [root.keys[key].name for key in row.keys], row.threshold) for row in root.approvers]


def names(root: Root, role: Role) -> list[str]:
    return [root.keys[key].name for key in role.keys]


# ---------------------------------------------------------------- edits
def test_a_key_is_added_to_the_roles_that_are_named_and_to_no_other() -> None:
    made = amend.edited(ROOT, Edit(add=(T2.key,), roles=("approver", "confirmer")))
    assert (names(made, made.root), names(made, made.confirmer)) == (["t1"], ["t1", "t2"])
    assert approvers(made) == [(ALL, (), ["t1", "t2"], 1)]


def test_a_key_without_a_role_is_not_added_anywhere() -> None:
    with pytest.raises(CaskError, match="which role") as caught:
        amend.edited(ROOT, Edit(add=(T2.key,)))
    assert caught.value.code == "CASK-I001"


def test_a_row_for_some_tiers_is_split_off_from_the_row_that_decided_about_them() -> None:
    made = amend.edited(ROOT, Edit(add=(T2.key,), tiers=("critical",), threshold=2))
    assert approvers(made) == [(("critical",), (), ["t1", "t2"], 2), (ALL, (), ["t1"], 1)]
    assert trust.approver_of(made, packs.C, ()) == made.approvers[0]
    assert trust.approver_of(made, packs.R, ()) == made.approvers[1]


def test_a_row_that_is_there_already_is_changed_where_it_stands() -> None:
    before = amend.edited(ROOT, Edit(add=(T2.key,), tiers=("critical",), threshold=2))
    made = amend.edited(before, Edit(tiers=("critical",), threshold=1, add=(U1.key,)))
    assert approvers(made) == [(("critical",), (), ["t1", "t2", "u1"], 1), (ALL, (), ["t1"], 1)]


def test_a_wider_row_does_not_take_away_from_a_narrower_one() -> None:
    before = amend.edited(ROOT, Edit(add=(T2.key,), tiers=("critical",), threshold=2))
    made = amend.edited(before, Edit(add=(U1.key,), tiers=("high", "critical")))
    assert [row[0] for row in approvers(made)] == [("critical",), ("high", "critical"), ALL]
    assert trust.approver_of(made, packs.C, ()) == made.approvers[0]


def test_a_row_for_a_toolset_stands_before_the_row_for_any() -> None:
    made = amend.edited(ROOT, Edit(add=(T2.key,), toolsets=("support",), remove=("t1",)))
    assert approvers(made) == [(ALL, ("support",), ["t2"], 1), (ALL, (), ["t1"], 1)]


def test_a_key_is_removed_everywhere_unless_a_role_is_named() -> None:
    pair = packs.root(T1, T2)
    made = amend.edited(pair, Edit(remove=("t2",)))
    assert set(made.keys) == {T1.id}
    only_confirmer = amend.edited(pair, Edit(remove=("t2",), roles=("confirmer",)))
    assert (names(only_confirmer, only_confirmer.confirmer), names(only_confirmer, only_confirmer.root)) == (["t1"], ["t1", "t2"])


def test_an_exchanged_key_stands_where_the_old_one_stood() -> None:
    made = amend.exchanged(packs.root(T1, T2), T1.id, U1.key)
    assert [names(made, role) for role in trust.roles(made)] == [["u1", "t2"]] * 3
    assert T1.id not in made.keys


def test_an_unknown_name_is_refused_and_so_is_one_that_two_keys_would_have() -> None:
    assert refused(lambda: amend.edited(ROOT, Edit(remove=("bob",)))) == "there is no key called `bob` in the trust root; there is t1"
    twin = T2.key.model_copy(update={"name": "t1"})
    assert refused(lambda: amend.edited(ROOT, Edit(add=(twin,), roles=("root",)))) == "two keys would be called `t1`"


def test_expiry_and_narrowing_are_settings_of_no_role() -> None:
    made = amend.edited(ROOT, Edit(expires="2027-11-21T12:00:00Z", auto_narrowing=True))
    assert (made.expires, made.auto_narrowing) == ("2027-11-21T12:00:00Z", True)
    back = amend.edited(made, Edit(expires="never", auto_narrowing=False))
    assert back == ROOT


# ---------------------------------------------------------------- the next version
def test_the_next_version_names_the_one_before() -> None:
    made = amend.successor(ROOT, amend.edited(ROOT, Edit(auto_narrowing=True)), NOON)
    assert (made.version, made.previous, made.issued_at) == (2, trust.root_digest(ROOT), NOON)


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (Edit(roles=("root",), threshold=2),                    "the role root would need 2 signatures and has 1 keys"),
        (Edit(tiers=("critical",), threshold=3, add=(T2.key,)), "the role approver of critical would need 3 signatures and has 2 keys"),
        (Edit(roles=("approver",), requires="hardware"),        "the role approver would need 1 signatures and has 0 keys of authenticators"),
        (Edit(roles=("approver",), requires="hardware", add=(TOKEN,), threshold=2), "the role approver would need 2 signatures and has 1 keys of authenticators"),
        (Edit(expires="2026-11-21T11:59:00Z"),                  "it would have expired at 2026-11-21T11:59:00Z"),
        (Edit(auto_narrowing=False),                            "nothing would change"),
        (Edit(add=(T1.key,), roles=("root",)),                  "nothing would change"),
    ],
)  # fmt: skip
def test_a_version_that_nobody_could_go_by_is_not_made(edit: Edit, problem: str) -> None:
    assert refused(lambda: amend.successor(ROOT, amend.edited(ROOT, edit), NOON)) == problem


def test_a_role_may_be_left_to_nobody_and_that_is_told() -> None:
    made = amend.successor(ROOT, amend.without(ROOT, [T1.id]), NOON)
    assert amend.deserted(made) == [
        "root: nobody; no later version can be made, and `cask trust init --replace` is the only way on",
        "approver: nobody; nothing that this row decides about can be approved",
        "confirmer: nobody; no challenge can be granted",
    ]
    assert amend.deserted(ROOT) == []


def test_a_key_of_an_authenticator_satisfies_what_requires_one() -> None:
    made = amend.successor(ROOT, amend.edited(ROOT, Edit(tiers=("critical",), requires="hardware", add=(TOKEN,))), NOON)
    assert trust.approver_of(made, packs.C, ()) == made.approvers[0].model_copy(update={"keys": (key_id(TOKEN),)})


# ---------------------------------------------------------------- words
def test_the_difference_is_told_line_by_line() -> None:
    made = amend.edited(ROOT, Edit(add=(T2.key,), tiers=("critical",), threshold=2, auto_narrowing=True))
    assert amend.difference(ROOT, made) == [
        "- auto narrowing: off",
        "+ approver of critical: 2 of t1, t2",
        f"+ t2 is {T2.id} (ed25519)",
        "+ auto narrowing: on",
    ]
    assert amend.difference(ROOT, ROOT) == []


def test_rows_in_another_order_are_a_difference() -> None:
    rows = (Approver(keys=(T1.id,), tiers=("critical",)), Approver(keys=(T1.id,)))
    before, after = (ROOT.model_copy(update={"approvers": each}) for each in (rows, rows[::-1]))
    assert amend.difference(before, after) == ["~ the rows of approvers stand in another order"]


@pytest.mark.parametrize("name", ["", "a, b", "a\n  root: 1 of nobody", "a\x1b[2K", "ａlice", "a" * 65])
def test_a_name_that_could_pass_for_another_word_is_not_taken_and_is_shown_as_what_it_is(name: str) -> None:
    odd = T2.key.model_copy(update={"name": name})
    made = amend.edited(ROOT, Edit(add=(odd,), roles=("root",)))
    assert refused(lambda: amend.successor(ROOT, made, NOON)).endswith("is no plain name for a key or a toolset")
    assert amend.told(made)[0] == f"root: 1 of t1, {name!r}"


# ---------------------------------------------------------------- the file
def test_a_root_written_as_a_file_and_read_again_is_the_same() -> None:
    rows = (Approver(keys=(T2.id, T1.id), tiers=("high", "critical"), toolsets=("support",), threshold=2), Approver(keys=(T1.id,)))
    full = packs.root(T1, T2, approvers=rows, expires="2027-01-01T00:00:00Z").model_copy(update={"auto_narrowing": True})
    with_token = full.model_copy(
        update={"keys": {**full.keys, key_id(TOKEN): TOKEN}, "confirmer": Role(keys=(key_id(TOKEN),), requires="hardware")}
    )
    for root in (ROOT, full, with_token):
        written = text.dump_yaml(amend.to_file(root))
        assert amend.from_file(root, RolesFile.from_yaml(written, "roles.yaml")) == root


FILE = """version: 1
keys:
  t1: {scheme: ed25519, public: PUBLIC}
root: {keys: [t1]}
approvers:
  - {keys: [t1]}
confirmer: {keys: [t1]}
"""


def file(edit: tuple[str, str] = ("", "")) -> RolesFile:
    return RolesFile.from_yaml(FILE.replace("PUBLIC", T1.key.public).replace(*edit).encode(), "roles.yaml")


def test_a_file_by_hand_says_only_what_is_no_default() -> None:
    assert amend.from_file(ROOT, file()) == ROOT


@pytest.mark.parametrize(
    ("edit", "place"),
    [
        (("root: {keys: [t1]}", "root: {keys: [t1], thresholds: 2}"), "roles.yaml:4"),
        (("  - {keys: [t1]}", "  - {keys: [t1], tiers: [cheap]}"), "roles.yaml:6"),
        (("root: {keys: [t1]}", "root: {keys: [t1], threshold: 0}"), "roles.yaml:4"),
        (("scheme: ed25519", "scheme: rsa"), "roles.yaml:3"),
        (("version: 1", "version: 2"), "roles.yaml:1"),
    ],
)
def test_a_file_is_read_strictly_and_the_line_is_named(edit: tuple[str, str], place: str) -> None:
    with pytest.raises(CaskError) as caught:
        file(edit)
    assert (caught.value.code, caught.value.place) == ("CASK-I004", place)


def test_a_file_that_names_a_key_it_does_not_list_is_refused() -> None:
    assert refused(lambda: amend.from_file(ROOT, file(("confirmer: {keys: [t1]}", "confirmer: {keys: [bob]}")))).startswith(
        "a role names `bob`"
    )


def test_one_key_under_two_names_is_refused() -> None:
    doubled = RolesFile.model_validate({**file().model_dump(), "keys": {"a": file().keys["t1"], "t1": file().keys["t1"]}})
    assert refused(lambda: amend.from_file(ROOT, doubled)).startswith("two names stand for the key")


def test_a_root_with_two_keys_of_one_name_has_no_file() -> None:
    twin = Key(**{**T2.key.model_dump(), "name": "t1"})
    clash = packs.root(T1).model_copy(update={"keys": {T1.id: T1.key, T2.id: twin}})
    assert refused(lambda: amend.to_file(clash)) == "two keys of the trust root are called `t1`"
    assert clash.toolpack == ID
