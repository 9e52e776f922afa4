"""Roles that require hardware: a key that lies in a file counts for nothing in them, a key of an authenticator does."""

from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.govern import admit, sign, sshsig, trust
from caskmcp.govern.public import SCHEMES, key_id, of_bytes
from caskmcp.model.pack import AdmittedPack, PackFiles
from caskmcp.model.trust import Approver, Key, Role, Root
from tests.support import packs
from tests.support.packs import SHARED, T1
from tests.support.world import NOON


@dataclass(frozen=True)
class Token:
    """An authenticator in memory: signs as a FIDO key does, with the flags that it is given."""

    private: Ed25519PrivateKey
    key: Key
    flags: int = sshsig.PRESENT

    @property
    def id(self) -> Digest:
        return key_id(self.key)

    def sign(self, message: bytes) -> str:
        trailer = bytes([self.flags, 0, 0, 0, 7])
        made = self.private.sign(sshsig.attested(self.key, trailer, message))
        return sshsig.wrap(self.key, sshsig.string(SCHEMES[self.key.scheme].wire.encode()) + sshsig.string(made) + trailer)


def token(flags: int = sshsig.PRESENT) -> Token:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    return Token(private, of_bytes(private.public_key().public_bytes_raw(), "token", scheme="sk-ed25519", application="ssh:"), flags)


TOKEN = token()


def team(**edit: object) -> Root:
    """t1's key lies in a file, the token's does not; either may do anything unless the edit says otherwise."""
    return packs.root(T1, TOKEN).model_copy(update=edit)


HARD = team(approvers=(Approver(keys=(T1.id, TOKEN.id), requires="hardware"),))


def pack(root: Root, *, by: sign.Signer) -> PackFiles:
    files = packs.with_roots(packs.pack_files((packs.R,)), sign.sign_root(root, T1))
    return packs.approve(files, "tool:r", *SHARED, by=by)


def admitted(files: PackFiles, root: Root) -> AdmittedPack:
    return admit.admit(files, pin=packs.pin_of(root), condition=None, environment=None, at=NOON)


def test_an_approval_by_touch_is_served_and_one_by_a_file_is_not() -> None:
    assert list(admitted(pack(HARD, by=TOKEN), HARD).tools) == ["r"]
    refused = admitted(pack(HARD, by=T1), HARD)
    assert list(refused.tools) == []
    assert {row.subject: row.reason for row in refused.withheld}["tool:r"] == "approved by a key that may not, or may no longer, approve it"


def test_without_that_rule_the_file_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "counting", lambda role, keys: role)
    assert list(admitted(pack(HARD, by=T1), HARD).tools) == ["r"]


def test_an_authenticator_that_nobody_touched_signs_nothing() -> None:
    assert list(admitted(pack(HARD, by=token(flags=0)), HARD).tools) == []


def test_a_file_does_not_add_up_to_two_hardware_keys() -> None:
    root = team(approvers=(Approver(keys=(T1.id, TOKEN.id), requires="hardware", threshold=2),))
    files = packs.approve(pack(root, by=TOKEN), "tool:r", by=T1, sequence=2)
    assert {row.subject: row.reason for row in admitted(files, root).withheld}["tool:r"] == "1 of 2 signatures"


def test_a_version_of_the_root_needs_the_touch_too() -> None:
    first = team(root=Role(keys=(T1.id, TOKEN.id), requires="hardware"))
    then = first.model_copy(update={"version": 2, "auto_narrowing": True})

    def chain(by: sign.Signer) -> trust.Chain:
        return trust.chain(tuple(packs.root_bytes(row) for row in (sign.sign_root(first, TOKEN), sign.sign_root(then, by))), "shop")

    assert chain(TOKEN).current.version == 2
    with pytest.raises(CaskError, match="0 of 1 signatures"):
        chain(T1)


def test_a_confirmer_without_hardware_confirms_nothing_where_hardware_is_required() -> None:
    for requires, expected in (("", {T1.id, TOKEN.id}), ("hardware", {TOKEN.id})):
        root = team(confirmer=Role.model_validate({"keys": (T1.id, TOKEN.id), "requires": requires}))
        assert set(admitted(pack(root, by=T1), root).confirmers) == expected
