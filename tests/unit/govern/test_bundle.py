"""The manifest of a bundle, and whether its members belong together."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import bundle, sign, trust
from caskmcp.govern.sign import Signer
from tests.support import bundles, packs
from tests.support.packs import ROOT, T1, T2, U1

GOOD = packs.approved_pack()
CHAIN = trust.chain(GOOD.roots, "shop")
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Members:
    return bundles.made(bundles.laid(GOOD, tmp_path_factory.mktemp("pack")))


def refused(members: Members) -> str:
    with pytest.raises(CaskError) as caught:
        bundle.opened(members)
    return str(caught.value)


def test_what_belongs_together_is_the_pack_that_was_made(members: Members) -> None:
    handed = bundle.opened(members)
    assert replace(handed.files, contents={}) == GOOD
    assert {f"lockfile/content/{digest[7:]}.json" for digest in handed.files.contents} == {name for name in members if "/content/" in name}
    assert handed.id == "shop"
    assert set(handed.members) == set(members) - {"bundle.json"}
    assert sorted(handed.members)[-2:] == ["toolpack.yaml", "trust/1.root.json"]


def test_the_manifest_names_each_file_with_its_digest_and_size(members: Members) -> None:
    value = json.loads(members["bundle.json"])
    assert value["signatures"] == []
    assert value["signed"]["schema"] == "caskmcp/bundle/1"
    assert value["signed"]["toolpack"] == "shop"
    assert value["signed"]["members"]["artifact/auth.yaml"] == {"digest": str(canon.digest_bytes(GOOD.auth)), "size": len(GOOD.auth)}


# ---------------------------------------------------------------- the manifest
def drop(name: str) -> Callable[[Members], None]:
    return lambda found: found.__delitem__(name)


def add(name: str, data: bytes = b"{}") -> Callable[[Members], None]:
    return lambda found: found.update({name: data})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (add("artifact/evil.sh"), "`artifact/evil.sh` is not listed"),
        (add("trust/2.root.json"), "`trust/2.root.json` is not listed"),
        (drop("artifact/tools.json"), "`artifact/tools.json` is listed and missing"),
        (lambda found: found.update({"artifact/auth.yaml": GOOD.auth + b"\n"}), "`artifact/auth.yaml` is not what the manifest lists"),
        (drop("bundle.json"), "it has no bundle.json"),
        (add("bundle.json", b"{"), "its manifest cannot be read"),
        (add("bundle.json", b"[]"), "its manifest cannot be read"),
        (add("bundle.json", b'{"signed": {}, "signed": {}}'), "its manifest cannot be read"),
    ],
)
def test_what_the_manifest_does_not_list_is_refused(members: Members, change: Callable[[Members], None], said: str) -> None:
    changed = dict(members)
    change(changed)
    assert said in refused(changed)
    assert "CASK-P003" in refused(changed)


def test_a_manifest_of_another_version_is_named_with_its_version(members: Members) -> None:
    def newer(value: dict[str, Any]) -> None:
        value["signed"]["schema"] = "caskmcp/bundle/2"

    assert "CASK-I008 its manifest has the schema `caskmcp/bundle/2`" in refused(bundles.manifest_edited(members, newer))


def test_a_manifest_of_another_toolpack_is_refused(members: Members) -> None:
    def other(value: dict[str, Any]) -> None:
        value["signed"]["toolpack"] = "bank"

    assert "its manifest is of `bank`, its toolpack is `shop`" in refused(bundles.manifest_edited(members, other))


# ---------------------------------------------------------------- with a manifest made anew
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (add("state/keys/alice"), "`state/keys/alice` is no file of a toolpack"),
        (add("captures/2f/exchanges.ndjson.gz"), "is no file of a toolpack"),
        (add("artifact/more/tools.json"), "is no file of a toolpack"),
        (add("lockfile/caskmcp.lock.pending.yaml"), "is no file of a toolpack"),
        (add("cask.yaml"), "is no file of a toolpack"),
        (add("lockfile/content/evil.json"), "is no file of a toolpack"),
        (add("trust/01.root.json"), "is no file of a toolpack"),
        (add("trust/3.root.json"), "a version of the trust root is missing"),
        (drop("trust/1.root.json"), ""),
        (add("artifact/evil.sh"), "`artifact/evil.sh` is not what toolpack.yaml hands over"),
        (drop("artifact/tools.json"), "`artifact/tools.json` is not what toolpack.yaml hands over"),
        (add("artifact/tools.json"), "`artifact/tools.json` is not what toolpack.yaml hands over"),
        (drop("toolpack.yaml"), "it has no toolpack.yaml"),
        (add("lockfile/content/" + "0" * 64 + ".json"), "no approval names the content sha256:000000000000…"),
    ],
)
def test_members_that_do_not_belong_together_are_refused_whatever_the_manifest_says(
    members: Members, change: Callable[[Members], None], said: str
) -> None:
    changed = bundles.edited(members, change)
    if said:
        assert said in refused(changed)
    else:
        assert bundle.opened(changed).files.roots == ()  # the door refuses a pack without a trust root


@pytest.mark.parametrize("data", [None, b"{", b"{}", b'{"a": 1, "a": 2}'])
def test_approved_content_has_to_be_what_its_name_says(members: Members, data: bytes | None) -> None:
    name = next(name for name in members if name.startswith("lockfile/content/"))
    changed = bundles.edited(members, drop(name) if data is None else add(name, data))
    assert "is missing or was edited" in refused(changed)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"id: [", "CASK-L002"),
        (
            b"schema: caskmcp/toolpack/1\nid: ../evil\ntoolchain: {cask: '1', digest: '', libraries: {}}\nartifacts: {}\n",
            "is no toolpack id",
        ),
        (b"schema: caskmcp/toolpack/9\nid: shop\ntoolchain: {cask: '1', digest: '', libraries: {}}\nartifacts: {}\n", "CASK-I008"),
        (b"schema: caskmcp/toolpack/1\nid: shop\ntoolchain: {cask: '1', digest: '', libraries: {}}\nartifacts: {}\n", "hands over"),
    ],
)
def test_a_handoff_of_another_form_is_refused(members: Members, data: bytes, said: str) -> None:
    assert said in refused(bundles.edited(members, add("toolpack.yaml", data)))


def test_a_handoff_without_the_artifacts_that_are_served_is_refused(members: Members) -> None:
    def both(found: Members) -> None:
        del found["artifact/auth.yaml"]
        lines = found["toolpack.yaml"].splitlines(keepends=True)
        found["toolpack.yaml"] = b"".join(line for line in lines if b"auth.yaml" not in line)

    assert "`artifact/auth.yaml` is missing" in refused(bundles.edited(members, both))


@pytest.mark.parametrize("data", [b"", b"schema: [", b"schema: caskmcp/lock/1\ntoolpack: bank\nsubjects: {}\n"])
def test_a_lock_that_cannot_be_read_or_is_another_toolpacks_is_refused(members: Members, data: bytes) -> None:
    assert "CASK-L001" in refused(bundles.edited(members, add("lockfile/caskmcp.lock.yaml", data)))


# ---------------------------------------------------------------- signatures
def signed(members: Members, *people: Signer) -> bundle.Handed:
    handed = bundle.opened(members)
    rows = tuple(sign.sign_bundle(by, handed.manifest.signed) for by in people)
    return bundle.opened(bundle.sealed(handed.manifest.signed, dict(handed.members), rows))


def test_who_signed_is_told_by_name_and_nobody_has_to(members: Members) -> None:
    both = trust.chain((packs.root_bytes(sign.sign_root(packs.root(T1, T2), T1)),), "shop")
    assert bundle.signers(bundle.opened(members), CHAIN) == ()
    assert bundle.signers(signed(members, T1), CHAIN) == ("t1",)
    assert bundle.signers(signed(members, T2, T1), both) == ("t1", "t2")


def test_a_signature_of_a_stranger_is_refused(members: Members) -> None:
    with pytest.raises(CaskError, match="CASK-P004 it is signed by a key that the trust root does not name"):
        bundle.signers(signed(members, U1), CHAIN)


def test_a_signature_over_another_manifest_is_refused(members: Members) -> None:
    one = signed(members, T1).manifest.signatures
    other = bundles.edited(members, drop("lockfile/caskmcp.lock.yaml"))
    found = bundles.manifest_edited(other, lambda value: value.update(signatures=[row.model_dump() for row in one]))
    contentless = {name: data for name, data in found.items() if not name.startswith("lockfile/content/")}
    value = json.loads(contentless["bundle.json"])
    value["signed"]["members"] = {name: row for name, row in value["signed"]["members"].items() if name in contentless}
    with pytest.raises(CaskError, match="CASK-P004 the signature of t1 over the bundle does not hold"):
        bundle.signers(bundle.opened({**contentless, "bundle.json": canon.pretty(value)}), CHAIN)


def test_a_signature_of_another_kind_is_none_over_a_bundle(members: Members) -> None:
    """A root's signature over the very same words: the kind of what is signed is part of what is signed."""
    handed = bundle.opened(members)
    other = sign._sign(T1, "application/vnd.caskmcp.trust-root+json", handed.manifest.signed.payload())
    row = sign.sign_bundle(T1, handed.manifest.signed).model_copy(update={"signature": other})
    again = bundle.opened(bundle.sealed(handed.manifest.signed, dict(handed.members), (row,)))
    with pytest.raises(CaskError, match="CASK-P004"):
        bundle.signers(again, CHAIN)


def test_a_key_that_was_revoked_vouches_for_nothing(members: Members) -> None:
    later = sign.sign_root(packs.root(T2, version=2), T1)
    chain = trust.chain((*GOOD.roots, packs.root_bytes(later)), "shop")
    assert chain.first == trust.root_digest(ROOT)
    with pytest.raises(CaskError, match="CASK-P004"):
        bundle.signers(signed(members, T1), chain)


def test_the_digests_that_a_lock_names_are_those_of_its_approvals(tmp_path: Path) -> None:
    blocked = packs.block(GOOD, "tool:x", sequence=2)
    pack = bundles.laid(GOOD, tmp_path)
    assert {f"{digest.removeprefix('sha256:')}.json" for digest in bundle.named_contents(bundle.opened(bundles.made(pack)).lock)} == {
        path.name for path in pack.contents.iterdir()
    }
    assert bundle.named_contents(bundle.lockfile.read(blocked.lock, "shop")) == bundle.named_contents(
        bundle.lockfile.read(GOOD.lock, "shop")
    )
