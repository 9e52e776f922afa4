"""Signatures: the encoding that is signed, an independent implementation that agrees, and grants."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import sign
from caskmcp.govern.public import decode, encode
from caskmcp.govern.verify import holds, pae, verify_grant
from caskmcp.model.statement import GRANT_TYPE, PAYLOAD_TYPE, Grant, SignedGrant
from caskmcp.model.trust import Key
from tests.support import packs
from tests.support.packs import T1, U1
from tests.support.world import NOON


# ---------------------------------------------------------------- encoding
def test_the_encoding_is_the_one_of_the_dsse_document() -> None:
    # protocol.md of secure-systems-lab/dsse, its own example
    assert pae("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@given(kind=st.text(max_size=40), body=st.binary(max_size=200))
def test_an_independent_implementation_encodes_the_same(kind: str, body: bytes) -> None:
    assert pae(kind, body) == Envelope(payload=body, payload_type=kind, signatures={}).pae()


def test_an_independent_implementation_verifies_a_statement_of_ours() -> None:
    files = packs.pack_files()
    signed = sign.sign_statement(T1, packs.statement(files, "tool:r", T1))
    signature = decode(signed.signature, 64)
    point = decode(T1.key.public, 32)
    assert signature is not None
    assert point is not None
    body = canon.dump(signed.statement.payload())
    envelope = Envelope.from_dict(
        {"payload": encode(body), "payloadType": PAYLOAD_TYPE, "signatures": [{"keyid": T1.id, "sig": signed.signature}]}
    )
    key = SSlibKey(T1.id, "ed25519", "ed25519", {"public": point.hex()})
    assert envelope.verify([key], 1) == {T1.id: key}


def test_the_key_pair_of_rfc_8032_comes_out() -> None:
    # RFC 8032 section 7.1, TEST 1
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    by = sign.signer(private, "rfc")
    assert by.key.public == "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


# ---------------------------------------------------------------- holds
def test_a_signature_holds_for_its_key_type_and_payload_alone() -> None:
    payload = {"a": 1}
    signature = encode(T1.private.sign(pae("t", canon.dump(payload))))
    assert holds(T1.key, "t", payload, signature)
    assert not holds(U1.key, "t", payload, signature)
    assert not holds(T1.key, "u", payload, signature)
    assert not holds(T1.key, "t", {"a": 2}, signature)


def test_every_flipped_bit_of_a_signature_breaks_it() -> None:
    payload = {"a": 1}
    data = T1.private.sign(pae("t", canon.dump(payload)))
    for bit in range(512):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << (bit % 8)
        assert not holds(T1.key, "t", payload, encode(bytes(flipped)))


@pytest.mark.parametrize("edit", [str.lower, lambda s: s + "\n", lambda s: s.rstrip("="), lambda s: "", lambda s: s + s, lambda s: "none"])
def test_a_signature_in_another_spelling_does_not_hold(edit: object) -> None:
    assert callable(edit)
    signature = encode(T1.private.sign(pae("t", canon.dump({}))))
    assert holds(T1.key, "t", {}, signature)
    assert not holds(T1.key, "t", {}, edit(signature))


def test_a_signature_with_a_larger_scalar_does_not_hold() -> None:
    """S + L gives the same point: malleable without the check that S < L (RFC 8032 section 5.1.7)."""
    order = 2**252 + 27742317777372353535851937790883648493
    data = T1.private.sign(pae("t", canon.dump({})))
    larger = data[:32] + (int.from_bytes(data[32:], "little") + order).to_bytes(32, "little")
    assert not holds(T1.key, "t", {}, encode(larger))


def test_a_key_of_small_order_verifies_nothing() -> None:
    identity = (1).to_bytes(32, "little")
    key = Key(scheme="ed25519", public=encode(identity), name="nobody")
    with pytest.raises(CaskError, match="small order"):
        holds(key, "t", {}, encode(identity + bytes(32)))


# ---------------------------------------------------------------- signing
def test_a_statement_that_names_another_key_is_not_signed() -> None:
    with pytest.raises(CaskError, match="names another key"):
        sign.sign_statement(U1, packs.statement(packs.pack_files(), "tool:r", T1))


# ---------------------------------------------------------------- grants
def grant(**changes: str) -> Grant:
    fields = {
        "toolpack": "shop",
        "challenge": "c1",
        "tool": "w",
        "arguments": canon.digest({"order_id": 7}),
        "lock": canon.digest(None),
        "caller": "stdio",
        "verdict": "grant",
        "key": T1.id,
        "issued_at": "2026-11-21T11:59:00Z",
        "not_after": "2026-11-21T12:04:00Z",
        **changes,
    }
    return Grant.model_validate(fields)


def refused(signed: SignedGrant, confirmers: dict[str, Key] | None = None, at: str = NOON) -> str:
    with pytest.raises(CaskError) as caught:
        verify_grant(signed, {T1.id: T1.key} if confirmers is None else confirmers, at=at)
    assert caught.value.code == "CASK-R006"
    return caught.value.what


def test_a_grant_by_a_confirmer_holds() -> None:
    signed = sign.sign_grant(T1, grant())
    assert verify_grant(signed, {T1.id: T1.key}, at=NOON) == grant()


def test_a_grant_by_anybody_else_does_not_hold() -> None:
    forged = sign.sign_grant(U1, grant(key=U1.id))
    assert refused(forged) == "the grant is not signed by a confirmer of the trust root"
    assert refused(SignedGrant(grant=grant(), signature=forged.signature)) == "the signature of t1 on the grant does not hold"
    assert refused(sign.sign_grant(T1, grant()), confirmers={}) == "the grant is not signed by a confirmer of the trust root"


def test_a_key_under_another_keys_id_confirms_nothing() -> None:
    forged = SignedGrant(grant=grant(), signature=sign.sign_grant(U1, grant(key=U1.id)).signature)
    assert refused(forged, {T1.id: U1.key}) == "the grant is not signed by a confirmer of the trust root"


@pytest.mark.parametrize("field", ["challenge", "tool", "arguments", "lock", "caller", "not_after", "toolpack"])
def test_a_grant_with_one_field_changed_does_not_hold(field: str) -> None:
    signed = sign.sign_grant(T1, grant())
    changed = SignedGrant(grant=grant(**{field: "2026-11-21T23:00:00Z"}), signature=signed.signature)
    assert refused(changed) == "the signature of t1 on the grant does not hold"


def test_a_grant_ends() -> None:
    signed = sign.sign_grant(T1, grant())
    assert verify_grant(signed, {T1.id: T1.key}, at="2026-11-21T12:04:00Z").tool == "w"
    assert refused(signed, at="2026-11-21T12:04:01Z") == "the grant expired at 2026-11-21T12:04:00Z"
    assert refused(sign.sign_grant(T1, grant(not_after="whenever"))) == "the grant expired at whenever"


def test_a_statement_is_no_grant_though_the_same_key_signed_it() -> None:
    assert GRANT_TYPE != PAYLOAD_TYPE
    payload = grant().payload()
    signature = encode(T1.private.sign(pae(PAYLOAD_TYPE, canon.dump(payload))))
    assert refused(SignedGrant(grant=grant(), signature=signature)) == "the signature of t1 on the grant does not hold"


def test_a_grant_that_names_another_key_is_not_signed() -> None:
    with pytest.raises(CaskError, match="names another key"):
        sign.sign_grant(U1, grant())
