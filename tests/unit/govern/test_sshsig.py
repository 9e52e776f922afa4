"""SSHSIG: what OpenSSH 9.2 signed is taken, in one spelling; everything near it is not.

`fixtures/sshsig` holds public keys and signatures alone: made with `ssh-keygen -Y sign`, the authenticator's with `sk_provider.c`, and the
private halves were thrown away.
"""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import sshsig
from caskmcp.govern.public import encode, hardware, key_id, public_key
from caskmcp.govern.verify import holds, verified
from caskmcp.model.trust import Key, Role, Root
from tests.support.packs import T1

GIVEN = Path(__file__).parents[3] / "fixtures" / "sshsig"
MESSAGE = (GIVEN / "message").read_bytes()
SIGNING = ("ed25519", "sk", "sk-application")


def key(name: str) -> Key:
    return sshsig.key_of(base64.b64decode((GIVEN / f"{name}.pub").read_text().split()[1]), "alice")


def signature(name: str) -> str:
    """The base64 between the lines of the armour."""
    return "".join((GIVEN / f"{name}.sig").read_text().split("\n")[1:-2])


def edited(name: str, at: int, new: bytes) -> str:
    data = bytearray(base64.b64decode(signature(name)))
    data[at : at + len(new)] = new
    return encode(bytes(data))


# ---------------------------------------------------------------- what holds
@pytest.mark.parametrize("name", SIGNING)
def test_a_signature_that_openssh_made_holds(name: str) -> None:
    # The message is the pre-authentication encoding of {"a":1} as type t, written by hand.
    assert MESSAGE == b'DSSEv1 1 t 7 {"a":1}'
    assert holds(key(name), "t", {"a": 1}, signature(name))


@pytest.mark.parametrize("name", SIGNING)
def test_it_holds_over_nothing_else(name: str) -> None:
    assert not holds(key(name), "t", {"a": 2}, signature(name))
    assert not holds(key(name), "u", {"a": 1}, signature(name))
    assert not verified(key(name), MESSAGE + b" ", signature(name))


def test_a_signature_holds_under_its_own_key_alone() -> None:
    for name in SIGNING:
        assert [other for other in SIGNING if verified(key(other), MESSAGE, signature(name))] == [name]


def test_the_kinds_of_key_are_told_apart() -> None:
    assert [(key(name).scheme, key(name).application, hardware(key(name))) for name in SIGNING] == [
        ("ssh-ed25519", "", False), ("sk-ed25519", "ssh:", True), ("sk-ed25519", "ssh:cask", True),
    ]  # fmt: skip
    assert not hardware(T1.key)


# ---------------------------------------------------------------- presence
def test_an_authenticators_signature_without_a_touch_counts_for_nothing() -> None:
    assert not verified(key("sk-without-presence"), MESSAGE, signature("sk-without-presence"))


def test_without_that_guard_it_would_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sshsig, "present", lambda trailer: True)
    assert verified(key("sk-without-presence"), MESSAGE, signature("sk-without-presence"))


def test_the_flag_of_presence_is_under_the_signature() -> None:
    flags = len(base64.b64decode(signature("sk-without-presence"))) - 5
    assert not verified(key("sk-without-presence"), MESSAGE, edited("sk-without-presence", flags, b"\x01"))


def test_the_counter_is_under_the_signature() -> None:
    counter = len(base64.b64decode(signature("sk"))) - 4
    assert not verified(key("sk"), MESSAGE, edited("sk", counter, b"\0\0\0\1"))


def test_a_key_that_was_made_for_another_application_is_another_key() -> None:
    other = key("sk").model_copy(update={"application": "ssh:cask"})
    assert key_id(other) != key_id(key("sk"))
    assert not verified(other, MESSAGE, signature("sk"))


def test_without_presence_nobody_can_pass_an_authenticators_key_off_as_another_kind() -> None:
    plain = key("sk").model_copy(update={"scheme": "ssh-ed25519", "application": ""})
    own = plain.model_copy(update={"scheme": "ed25519"})
    assert not any(verified(each, MESSAGE, signature("sk")) for each in (plain, own))


# ---------------------------------------------------------------- one spelling
@pytest.mark.parametrize("name", ["ed25519-namespace-git", "ed25519-sha256"])
def test_a_signature_for_another_end_or_with_another_digest_counts_for_nothing(name: str) -> None:
    assert not verified(key("ed25519"), MESSAGE, signature(name))


def test_the_namespace_is_compared_and_not_only_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sshsig, "NAMESPACE", "git")
    assert verified(key("ed25519"), MESSAGE, signature("ed25519-namespace-git"))


@pytest.mark.parametrize("name", SIGNING)
def test_no_byte_of_a_signature_can_be_another(name: str) -> None:
    data = base64.b64decode(signature(name))
    for at in range(len(data)):
        assert not verified(key(name), MESSAGE, edited(name, at, bytes([data[at] ^ 0x04]))), at


@pytest.mark.parametrize("name", SIGNING)
def test_nothing_may_stand_before_behind_or_be_missing(name: str) -> None:
    data = base64.b64decode(signature(name))
    shapes = (data + b"\0", b"\0" + data, data[:-1], data[1:], b"", data[:-64], data + data)
    assert [shape for shape in shapes if verified(key(name), MESSAGE, encode(shape))] == []


@pytest.mark.parametrize("edit", [lambda text: text + "\n", lambda text: text[:70] + "\n" + text[70:], lambda text: text.rstrip("="),
                                  lambda text: " " + text, lambda text: text.replace("A", "é", 1), lambda text: ""])  # fmt: skip
def test_only_canonical_base64_is_read(edit: "object") -> None:
    assert callable(edit)
    assert not verified(key("sk"), MESSAGE, edit(signature("sk")))


def test_an_ssh_signature_is_none_of_our_own_scheme_and_the_other_way() -> None:
    own = key("ed25519").model_copy(update={"scheme": "ed25519"})
    assert not verified(own, MESSAGE, signature("ed25519"))
    raw = base64.b64decode(signature("ed25519"))[-64:]
    assert not verified(own, MESSAGE, encode(raw))
    assert not verified(key("ed25519"), MESSAGE, encode(raw))


@given(st.text(max_size=400) | st.binary(max_size=300).map(encode))
def test_no_text_is_a_signature_by_chance(text: str) -> None:
    assert not any(verified(key(name), MESSAGE, text) for name in SIGNING)


# ---------------------------------------------------------------- public keys
@pytest.mark.parametrize("name", [*SIGNING, "sk-without-presence"])
def test_a_public_key_is_written_as_openssh_writes_it(name: str) -> None:
    assert sshsig.line(key(name)) + "\n" == (GIVEN / f"{name}.pub").read_text()


def test_an_allowed_signer_may_sign_in_our_namespace_alone() -> None:
    kind, data, _ = (GIVEN / "ed25519.pub").read_text().split()
    assert sshsig.allowed_signer(key("ed25519")) == f'alice namespaces="caskmcp" {kind} {data}'


def test_a_signature_is_armoured_as_openssh_armours_it() -> None:
    assert sshsig.armoured(signature("sk")) == (GIVEN / "sk.sig").read_text()


@pytest.mark.parametrize(("name", "said"), [("rsa", "ssh-rsa"), ("ecdsa", "ecdsa-sha2-nistp256")])
def test_other_kinds_of_keys_are_refused_by_their_name(name: str, said: str) -> None:
    with pytest.raises(CaskError, match=f"CASK-K002.*kind `{said}`"):
        key(name)


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0\7ssh-rsa", b"\xff" * 60, sshsig.string(b"\xff\xfe"), sshsig.string(b"ssh-ed25519"),
                                  sshsig.string(b"ssh-ed25519") + sshsig.string(b"x" * 31), sshsig.string(b"ssh-ed25519") + sshsig.string(b"x" * 33),
                                  sshsig.string(b"ssh-ed25519") + sshsig.string(b"x" * 32) + b"\0",
                                  sshsig.string(b"ssh-ed25519") + sshsig.string((1).to_bytes(32, "little")),
                                  sshsig.string(b"sk-ssh-ed25519@openssh.com") + sshsig.string(b"x" * 32),
                                  sshsig.string(b"sk-ssh-ed25519@openssh.com") + sshsig.string(b"x" * 32) + sshsig.string(b"https://a.example"),
                                  sshsig.string(b"sk-ssh-ed25519@openssh.com") + sshsig.string(b"x" * 32) + sshsig.string(b"ssh:\xe9")])  # fmt: skip
def test_bytes_that_are_no_usable_public_key_are_refused(data: bytes) -> None:
    with pytest.raises(CaskError, match="CASK-K002"):
        sshsig.key_of(data, "nobody")


@given(st.binary(max_size=120))
def test_no_bytes_end_a_reading_of_a_public_key_in_anything_but_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(CaskError):
        sshsig.key_of(data, "nobody")


# ---------------------------------------------------------------- the record
def test_the_id_of_an_authenticators_key_covers_what_it_was_made_for() -> None:
    one = Key(scheme="sk-ed25519", public="11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", name="alice", application="ssh:")
    # sha256 of {"application":"ssh:","public":"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=","scheme":"sk-ed25519"}
    assert key_id(one) == "sha256:1271e958e05b2b8d43ee425026474c4098a1f0a772da32846323a04e4a2a03a4"


@pytest.mark.parametrize(("scheme", "application"), [("ed25519", "ssh:"), ("ssh-ed25519", "ssh:"), ("sk-ed25519", ""), ("sk-ed25519", "https://a.example"),
                                                     ("sk-ed25519", "ssh: x"), ("sk-ed25519", "ssh:é"), ("sk-ed25519", "ssh:\n"), ("sk-ed25519", "ssh:" + "x" * 201)])  # fmt: skip
def test_an_application_belongs_to_an_authenticators_key_and_has_its_form(scheme: str, application: str) -> None:
    odd = T1.key.model_copy(update={"scheme": scheme, "application": application})
    with pytest.raises(CaskError, match="application"):
        public_key(odd)


def test_a_root_that_was_signed_before_there_were_applications_keeps_its_bytes() -> None:
    held = Key(scheme="ed25519", public="11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", name="alice")
    role = Role(keys=("k",))
    root = Root(toolpack="shop", version=1, issued_at="2026-11-20T09:00:00Z", keys={"k": held}, root=role, approvers=(), confirmer=role)
    assert canon.dump(root.payload()) == (
        b'{"approvers":[],"confirmer":{"keys":["k"],"threshold":1},"expires":null,"issued_at":"2026-11-20T09:00:00Z","keys":{"k":'
        b'{"name":"alice","public":"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=","scheme":"ed25519"}},"root":{"keys":["k"],"threshold":1},'
        b'"schema":"caskmcp/trust-root/1","toolpack":"shop","version":1}'
    )


def test_a_fingerprint_is_the_one_that_openssh_shows() -> None:
    assert sshsig.fingerprint(key("sk")) == "SHA256:R1glQTqEteKLPKo9/DOR9i2hw/KsKlAuKRpbeexDEpE"
    assert sshsig.fingerprint(key("ed25519")) == "SHA256:mZGUBHbburdyKKXPoRBnRd4OhNA4f2p3aZYeEC6V6Ko"
