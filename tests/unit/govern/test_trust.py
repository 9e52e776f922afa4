"""The trust root: chains that hold, forgeries that do not, and what a pin says."""

import json
from dataclasses import replace

import pytest

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import sign, trust
from caskmcp.govern.public import encode
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
    root = ROOT.model_copy(update={"approvers": rows})
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
    assert trust.approver_of_shared(ROOT.model_copy(update={"approvers": rows})) == rows[2]
    assert trust.approver_of_shared(ROOT.model_copy(update={"approvers": rows[:2]})) is None


def test_a_pack_of_another_id_does_not_take_this_root() -> None:
    files = replace(packs.approved_pack(), id="other")
    with pytest.raises(CaskError) as caught:
        trust.chain(files.roots, files.id)
    assert caught.value.code == "CASK-T003"
