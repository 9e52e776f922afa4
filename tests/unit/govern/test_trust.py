"""The trust root: chains that hold, forgeries that do not, and what a pin says."""

import json
from dataclasses import replace

import pytest

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import sign, trust
from caskmcp.govern.public import encode, of_bytes
from caskmcp.model.trust import Approver, Key, Pin, Role, Root, Signature, SignedRoot, TrustPin
from tests.support import packs
from tests.support.packs import ID, ROOT, T1, T2, U1


def chain(*signed: SignedRoot) -> trust.Chain:
    return trust.chain(tuple(packs.root_bytes(row) for row in signed), ID)


def refused(*signed: SignedRoot) -> str:
    with pytest.raises(CaskError) as caught:
        chain(*signed)
    assert (caught.value.code, caught.value.exit) == ("CASK-T003", 4)
    return caught.value.what


def second(*holders: sign.Signer, **more: object) -> Root:
    return packs.root(*holders, version=2, **more)  # type: ignore[arg-type]


FIRST = sign.sign_root(ROOT, T1)
EVERYBODY = packs.root(T1, T2, U1)


# ---------------------------------------------------------------- chains that hold
def test_version_1_is_signed_by_itself_and_a_later_one_by_the_one_before() -> None:
    found = chain(FIRST, sign.sign_root(second(T2), T1))
    assert found.current.version == 2
    assert set(found.current.keys) == {T2.id}
    assert set(found.known) == {T1.id, T2.id}


def test_the_first_version_names_the_chain_whatever_comes_after() -> None:
    assert chain(FIRST).first == chain(FIRST, sign.sign_root(second(T2), T1)).first == trust.root_digest(ROOT)


def test_a_third_version_is_signed_by_the_second_alone() -> None:
    middle = sign.sign_root(second(T2), T1)
    third = packs.root(T2, version=3)
    assert chain(FIRST, middle, sign.sign_root(third, T2)).current.version == 3
    assert refused(FIRST, middle, sign.sign_root(third, T1)).endswith("it has 0 of 1 signatures by the root role of version 2")


def test_formatting_changes_neither_the_digest_nor_the_signature() -> None:
    compact = json.dumps(json.loads(packs.root_bytes(FIRST))).encode()
    assert trust.chain((compact,), ID).first == trust.root_digest(ROOT)


def test_an_earlier_version_may_have_expired_the_current_one_may_not() -> None:
    early = packs.root(T1, expires="2026-01-01T00:00:00Z")
    found = chain(sign.sign_root(early, T1), sign.sign_root(second(T1), T1))
    trust.refuse_expired(found, "2026-11-21T12:00:00Z")
    with pytest.raises(CaskError, match="it expired at 2026-01-01T00:00:00Z"):
        trust.refuse_expired(chain(sign.sign_root(early, T1)), "2026-01-01T00:00:01Z")


# ---------------------------------------------------------------- forgeries
def test_no_root_at_all_is_its_own_error() -> None:
    with pytest.raises(CaskError) as caught:
        trust.chain((), ID)
    assert caught.value.code == "CASK-T006"


def test_a_root_without_a_signature_is_refused() -> None:
    assert refused(SignedRoot(signed=ROOT, signatures=())) == (
        "version 1 of the trust root is not valid: it has 0 of 1 signatures by the root role of version 1"
    )


def test_a_root_that_a_stranger_signed_is_refused() -> None:
    assert "0 of 1" in refused(sign.sign_root(ROOT, U1))
    assert "0 of 1" in refused(FIRST, sign.sign_root(second(U1), U1))


def test_a_strangers_signature_under_a_trusted_key_id_is_refused() -> None:
    forged = sign.sign_root(ROOT, U1).signatures[0].model_copy(update={"key": T1.id})
    assert "0 of 1" in refused(SignedRoot(signed=ROOT, signatures=(forged,)))


def test_a_trusted_key_id_on_a_strangers_point_is_refused() -> None:
    swapped = ROOT.model_copy(update={"keys": {T1.id: U1.key}})
    assert refused(SignedRoot(signed=swapped, signatures=sign.sign_root(swapped, U1).signatures)).endswith(
        "a key id is not the digest of its key"
    )


def test_one_signature_counts_once_however_often_it_stands_there() -> None:
    both = packs.root(T1, T2, threshold=2)
    twice = sign.sign_root(both, T1).signatures * 2
    assert "1 of 2" in refused(SignedRoot(signed=both, signatures=twice))
    assert chain(sign.sign_root(both, T1, T2)).current.root.threshold == 2


def test_a_key_under_two_ids_is_refused() -> None:
    twin = "sha256:" + "0" * 64
    doubled = ROOT.model_copy(update={"keys": {T1.id: T1.key, twin: T1.key}, "root": Role(keys=(T1.id, twin), threshold=2)})
    assert refused(sign.sign_root(doubled, T1)).endswith("a key id is not the digest of its key")


def test_a_signature_by_a_key_that_is_no_root_counts_for_nothing() -> None:
    approver_only = ROOT.model_copy(update={"keys": {T1.id: T1.key, T2.id: T2.key}, "approvers": (Approver(keys=(T2.id,)),)})
    assert "0 of 1" in refused(sign.sign_root(approver_only, T1), sign.sign_root(second(T2), T2))


@pytest.mark.parametrize("edit", [{"toolpack": "other"}, {"version": 2}, {"version": 7}])
def test_a_root_for_something_else_is_refused(edit: dict[str, object]) -> None:
    refused(sign.sign_root(ROOT.model_copy(update=edit), T1))


def test_versions_stand_in_order_without_a_gap() -> None:
    refused(FIRST, sign.sign_root(packs.root(T1, version=3), T1))
    refused(sign.sign_root(second(T1), T1))
    refused(FIRST, FIRST)


@pytest.mark.parametrize("number", range(4))
def test_a_role_that_names_an_unknown_key_is_refused(number: int) -> None:
    role = Role(keys=(T1.id, U1.id))
    edit = ({"root": role}, {"confirmer": role}, {"approvers": (Approver(keys=(U1.id,)),)}, {"keys": {}})[number]
    assert refused(sign.sign_root(ROOT.model_copy(update=edit), T1)).endswith("a role names a key that is not among the keys")


def test_a_root_that_trusts_a_point_of_small_order_is_refused() -> None:
    nobody = Key(scheme="ed25519", public=encode((1).to_bytes(32, "little")), name="nobody")
    name = canon.digest({"scheme": "ed25519", "public": nobody.public})
    weak = ROOT.model_copy(update={"keys": {name: nobody}, "root": Role(keys=(name,)), "approvers": (), "confirmer": Role(keys=(name,))})
    forged = Signature(key=name, signature=encode((1).to_bytes(32, "little") + bytes(32)))
    with pytest.raises(CaskError, match="small order") as caught:
        chain(SignedRoot(signed=weak, signatures=(forged,)))
    assert caught.value.code == "CASK-K002"


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b'{"signed": 1, "signatures": []}', b"\xff", b'{"signed": {}, "signed": {}}'])
def test_a_root_that_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(CaskError) as caught:
        trust.chain((data,), ID)
    assert caught.value.code == "CASK-T003"


def test_a_root_of_another_schema_or_none_is_refused() -> None:
    value = json.loads(packs.root_bytes(FIRST))
    for schema in ("caskmcp/trust-root/2", None):
        edited = {**value, "signed": {key: item for key, item in value["signed"].items() if key != "schema"}}
        edited["signed"].update({"schema": schema} if schema else {})
        with pytest.raises(CaskError) as caught:
            trust.chain((canon.pretty(edited),), ID)
        assert caught.value.code == "CASK-T003"


def test_each_byte_of_a_root_that_is_changed_leaves_the_same_root_or_none() -> None:
    data = packs.root_bytes(FIRST)
    for place in range(len(data)):
        for value in (data[place] ^ 0x01, 0x20, 0x39):
            changed = data[:place] + bytes([value]) + data[place + 1 :]
            try:
                found = trust.chain((changed,), ID)
            except CaskError:
                continue
            assert found.versions == (ROOT,)


# ---------------------------------------------------------------- the anchor
def anchored(pin: Pin | None, condition: TrustPin | None) -> str:
    try:
        trust.anchor(chain(FIRST), pin, condition)
    except CaskError as error:
        return error.code
    return "accepted"


@pytest.mark.parametrize(
    ("pin", "condition", "outcome"),
    [
        (None,                       None,                       "CASK-T001"),
        (packs.pin_of(ROOT),         None,                       "accepted"),
        (None,                       "same",                     "accepted"),
        (packs.pin_of(ROOT),         "same",                     "accepted"),
        (packs.pin_of(packs.root(U1)), None,                     "CASK-T002"),
        (packs.pin_of(packs.root(U1)), "same",                   "CASK-T002"),
        (packs.pin_of(ROOT),         "other",                    "CASK-T002"),
        (None,                       "other",                    "CASK-T002"),
        (packs.pin_of(ROOT, root_version=2), None,               "CASK-T004"),
        (packs.pin_of(ROOT, root_version=2), "same",             "CASK-T004"),
    ],
)  # fmt: skip
def test_a_condition_never_makes_up_for_a_pin_that_says_no(pin: Pin | None, condition: str | None, outcome: str) -> None:
    roots = {"same": ROOT, "other": packs.root(U1)}
    assert anchored(pin, TrustPin(trust.root_digest(roots[condition])) if condition else None) == outcome


def test_a_newer_version_raises_the_pin() -> None:
    found = chain(FIRST, sign.sign_root(second(T2), T1))
    assert trust.anchor(found, packs.pin_of(ROOT), None).root_version == 2


# ---------------------------------------------------------------- rows
def test_the_first_row_that_fits_a_tool_decides() -> None:
    rows = (
        Approver(keys=(T1.id,), tiers=("high",), toolsets=("support",)),
        Approver(keys=(T2.id,), tiers=("high",)),
        Approver(keys=(U1.id,)),
    )
    root = EVERYBODY.model_copy(update={"approvers": rows})
    assert trust.approver_of(root, packs.W, ("support",)) == rows[0]
    assert trust.approver_of(root, packs.W, ()) == rows[1]
    assert trust.approver_of(root, packs.R, ("support",)) == rows[2]
    assert trust.approver_of(root.model_copy(update={"approvers": rows[:2]}), packs.R, ()) is None


def test_shared_subjects_take_the_row_of_critical_tools_of_any_toolset() -> None:
    rows = (
        Approver(keys=(T1.id,), toolsets=("support",)),
        Approver(keys=(T1.id,), tiers=("low",)),
        Approver(keys=(T2.id,), tiers=("critical",)),
    )
    assert trust.approver_of_shared(EVERYBODY.model_copy(update={"approvers": rows})) == rows[2]
    assert trust.approver_of_shared(EVERYBODY.model_copy(update={"approvers": rows[:2]})) is None


def test_a_pack_of_another_id_does_not_take_this_root() -> None:
    files = replace(packs.approved_pack(), id="other")
    with pytest.raises(CaskError) as caught:
        trust.chain(files.roots, files.id)
    assert caught.value.code == "CASK-T003"


def test_a_row_that_requires_hardware_counts_keys_of_authenticators_alone() -> None:
    token = of_bytes(bytes(range(32)), "token", scheme="sk-ed25519", application="ssh:")
    agent = of_bytes(bytes(range(1, 33)), "agent", scheme="ssh-ed25519")
    keys = {T1.id: T1.key, "token": token, "agent": agent}
    role = Role(keys=(T1.id, "token", "agent"), threshold=2)
    assert trust.counting(role, keys) == role
    assert trust.counting(role.model_copy(update={"requires": "hardware"}), keys).keys == ("token",)


def test_a_root_role_that_requires_hardware_takes_no_other_signature() -> None:
    role = Role(keys=(T1.id,), requires="hardware")
    assert "0 of 1" in refused(sign.sign_root(ROOT.model_copy(update={"root": role}), T1))


# ---------------------------------------------------------------- fields that came later
def test_roots_that_were_signed_before_the_later_fields_are_still_what_was_signed() -> None:
    assert ROOT.payload().keys() == {"schema", "toolpack", "version", "issued_at", "expires", "keys", "root", "approvers", "confirmer"}
    assert ROOT.payload()["root"] == {"keys": [T1.id], "threshold": 1}
    assert trust.root_digest(ROOT) == "sha256:7c118e2bbacaedf45e26419838f1fea0c3b72ede60265bfaf5d1bc0bb885c18b"


@pytest.mark.parametrize(
    "edit", [{"auto_narrowing": True}, {"previous": "sha256:" + "0" * 64}, {"root": Role(keys=(T1.id,), requires="hardware")}]
)
def test_a_later_field_is_signed_where_it_is_set(edit: dict[str, object]) -> None:
    slipped_in = FIRST.model_copy(update={"signed": ROOT.model_copy(update=edit)})
    refused(slipped_in)


# ---------------------------------------------------------------- the version before
def test_a_version_counts_after_the_very_version_that_it_names_and_after_no_other() -> None:
    other = packs.root(T1, T2)
    upon = second(T1, T2).model_copy(update={"previous": trust.root_digest(ROOT)})
    assert chain(FIRST, sign.sign_root(upon, T1)).current.version == 2
    assert refused(sign.sign_root(other, T1), sign.sign_root(upon, T1)).endswith("it was signed upon another version 1")


def test_a_signature_on_the_version_before_would_hold_upon_another_without_the_name_of_it() -> None:
    nameless = sign.sign_root(second(T1, T2), T1)
    assert chain(sign.sign_root(packs.root(T1, T2), T1), nameless).current == chain(FIRST, nameless).current


def test_the_first_version_names_none() -> None:
    following = ROOT.model_copy(update={"previous": trust.root_digest(ROOT)})
    assert refused(sign.sign_root(following, T1)).endswith("it names a version before it")


# ---------------------------------------------------------------- the end of a version
@pytest.mark.parametrize(
    ("expires", "told"),
    [
        (None, False),
        ("2026-12-21T12:00:00Z", True),
        ("2026-12-21T12:00:01Z", False),
        ("2026-11-21T12:00:00Z", True),
        ("2026-11-21T11:59:59Z", False),
    ],
)
def test_an_end_is_told_a_month_before_and_until_it_came(expires: str | None, told: bool) -> None:
    assert trust.ends_soon(packs.root(T1, expires=expires), "2026-11-21T12:00:00Z") == (expires if told else "")


def test_a_time_that_is_none_is_refused_though_it_looks_like_one() -> None:
    assert refused(sign.sign_root(packs.root(T1, expires="2026-13-45T99:00:00Z"), T1)).endswith("a time in it is no time")


# ---------------------------------------------------------------- a version that waits
def pending(root: Root, *holders: sign.Signer) -> bytes:
    return packs.root_bytes(sign.sign_root(root, *holders))


PAIR = packs.root(T1, T2, threshold=2)
NEXT = packs.root(T1, version=2).model_copy(update={"previous": trust.root_digest(PAIR)})


def test_a_version_waits_with_the_signatures_so_far() -> None:
    whole = chain(sign.sign_root(PAIR, T1, T2))
    assert trust.waiting(pending(NEXT, T1), whole).by == {T1.id}
    assert trust.waiting(pending(NEXT), whole).by == frozenset()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "file"),
        (pending(packs.root(T1, version=3), T1), "it says that it is version 3"),
        (pending(packs.root(T1, version=2), T1), "it was made upon another version 1"),
        (pending(NEXT.model_copy(update={"toolpack": "other"}), T1), "it is the trust root of other"),
        (pending(packs.root(packs.signer("a\nb"), version=2).model_copy(update={"previous": NEXT.previous})), "is no plain name"),
        (pending(NEXT, U1), "a signature on it does not hold"),
        (pending(NEXT, T1, U1), "a signature on it does not hold"),
    ],
)
def test_a_version_that_follows_no_more_or_is_signed_by_a_stranger_cannot_be_signed(data: bytes, problem: str) -> None:
    with pytest.raises(CaskError) as caught:
        trust.waiting(data, chain(sign.sign_root(PAIR, T1, T2)))
    assert caught.value.code == "CASK-T009"
    assert problem in caught.value.what or not data


def test_a_version_without_all_signatures_is_no_version() -> None:
    assert "1 of 2" in refused(sign.sign_root(PAIR, T1, T2), sign.sign_root(NEXT, T1))
