"""Public keys: which encodings are refused, and what their id is made of."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from caskmcp.errors import CaskError
from caskmcp.govern.public import decode, encode, key_id, of_bytes, public_key, weakness
from caskmcp.model.trust import Key
from tests.support.packs import T1

P = 2**255 - 19
# The encodings of libsodium's `ge25519_has_small_order`, with and without the sign bit, and their non-canonical twins.
SMALL = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def with_sign(encoding: str) -> str:
    data = bytearray.fromhex(encoding)
    data[31] |= 0x80
    return data.hex()


@pytest.mark.parametrize("encoding", [*SMALL, *map(with_sign, SMALL)])
def test_each_point_of_small_order_is_refused_when_a_key_is_made_and_when_it_is_loaded(encoding: str) -> None:
    data = bytes.fromhex(encoding)
    assert weakness(data)
    with pytest.raises(CaskError) as caught:
        of_bytes(data, "nobody")
    assert caught.value.code == "CASK-K002"
    with pytest.raises(CaskError):
        public_key(Key(scheme="ed25519", public=encode(data), name="nobody"))


def test_the_library_alone_would_take_a_signature_by_a_point_of_small_order() -> None:
    """The guard is needed: R = the identity and S = 0 verify over any message under the identity as a key."""
    identity = bytes.fromhex(SMALL[1])
    Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"anything")


def test_every_encoding_that_is_not_canonical_is_refused() -> None:
    for y in range(P, 2**255):
        assert weakness(y.to_bytes(32, "little")) == "its encoding is not canonical"


def test_an_honest_key_is_taken() -> None:
    assert weakness(base64.b64decode(T1.key.public)) == ""
    assert public_key(T1.key).public_bytes_raw() == base64.b64decode(T1.key.public)


def test_a_key_id_is_the_digest_of_scheme_and_point_and_says_nothing_of_the_name() -> None:
    key = Key(scheme="ed25519", public="11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", name="alice")
    # sha256 of {"public":"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=","scheme":"ed25519"}
    assert key_id(key) == "sha256:dde7cd492aa5f4b7399f8638dd294c081609e845b2a3b104f3eb0fe3197a0a47"
    assert key_id(key) == key_id(key.model_copy(update={"name": "bob"}))
    assert key_id(key) != key_id(T1.key)


@pytest.mark.parametrize(
    "text",
    ["", "AAAA", "A" * 44, "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
     " 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n",
     "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo==", "é" * 44],
)  # fmt: skip
def test_only_canonical_base64_of_the_right_size_is_read(text: str) -> None:
    assert decode(text, 32) is None


def test_canonical_base64_is_read() -> None:
    assert decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", 32) == bytes.fromhex(
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )
