"""The runtime's key: made once, private, signs seals of the record and nothing that anybody else would take."""

from pathlib import Path

import pytest

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import seal
from caskmcp.govern.public import encode, key_id
from caskmcp.govern.seal import RecordSealer
from caskmcp.govern.verify import holds
from caskmcp.model import statement, trust
from caskmcp.model.audit import SEAL_TYPE, Seal, Sealed
from caskmcp.model.bundle import BUNDLE_TYPE
from caskmcp.store.files import LocalFiles
from tests.support.world import CountingEntropy

SEAL = Seal(segment="a-0001.decisions.jsonl", toolpacks=("shop",), first=1, last=3, digest="sha256:0")


def sealer(folder: Path, seed: str = "test") -> RecordSealer:
    return RecordSealer(LocalFiles(), folder, CountingEntropy(seed))


def sealed(by: RecordSealer, what: Seal = SEAL) -> Sealed:
    signature = encode(by.seal(canon.dump(what.payload())))
    return Sealed(sequence=4, prev="sha256:0", seal=what, key=by.key, signature=signature)


def test_the_key_is_made_once_and_its_public_half_lies_beside_it(tmp_path: Path) -> None:
    first, second = sealer(tmp_path), sealer(tmp_path, "another")
    assert first.key == second.key
    assert set(seal.keys(LocalFiles(), tmp_path)) == {first.key}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["runtime.key", f"{first.key.removeprefix('sha256:')}.pub.json"])
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_seal_holds_and_a_changed_one_does_not(tmp_path: Path) -> None:
    row = sealed(sealer(tmp_path))
    known = seal.keys(LocalFiles(), tmp_path)
    assert seal.unsound(row, known) == ""
    changed = row.model_copy(update={"seal": SEAL.model_copy(update={"last": 2})})
    assert seal.unsound(changed, known) == "its signature does not hold"
    assert seal.unsound(row, {}) == "it is by a key whose public half is not beside the record"


def test_a_seal_by_a_stranger_does_not_hold(tmp_path: Path) -> None:
    own, row = sealer(tmp_path / "own").key, sealed(sealer(tmp_path / "other", "other"))
    known = seal.keys(LocalFiles(), tmp_path / "own")
    assert set(known) == {own}
    assert seal.unsound(row, known) == "it is by a key whose public half is not beside the record"
    assert seal.unsound(row.model_copy(update={"key": own}), known) == "its signature does not hold"


def test_what_the_runtimes_key_signs_is_no_approval_no_grant_no_root_and_no_bundle(tmp_path: Path) -> None:
    """Whatever bytes it is given: it signs under a type of its own."""
    by = sealer(tmp_path)
    signature = encode(by.seal(canon.dump(SEAL.payload())))
    key = seal.keys(LocalFiles(), tmp_path)[by.key]
    types = (statement.PAYLOAD_TYPE, statement.GRANT_TYPE, trust.PAYLOAD_TYPE, BUNDLE_TYPE)
    assert [holds(key, kind, SEAL.payload(), signature) for kind in types] == [False] * 4
    assert holds(key, SEAL_TYPE, SEAL.payload(), signature)


def test_a_key_that_others_can_read_and_one_of_another_size_are_refused(tmp_path: Path) -> None:
    _ = sealer(tmp_path).key
    (tmp_path / "runtime.key").chmod(0o640)
    with pytest.raises(CaskError, match="CASK-K001 others can read the key"):
        _ = sealer(tmp_path).key
    (tmp_path / "runtime.key").chmod(0o600)
    (tmp_path / "runtime.key").write_bytes(b"short")
    with pytest.raises(CaskError, match="CASK-K002 the key that seals the record is damaged"):
        _ = sealer(tmp_path).key


def test_a_public_half_that_is_not_what_its_name_says_is_none(tmp_path: Path) -> None:
    own = sealer(tmp_path).key
    public = tmp_path / f"{own.removeprefix('sha256:')}.pub.json"
    (tmp_path / f"{'0' * 64}.pub.json").write_bytes(public.read_bytes())
    (tmp_path / f"{'1' * 64}.pub.json").write_bytes(b"{")
    assert set(seal.keys(LocalFiles(), tmp_path)) == {own}


def test_a_lost_public_half_comes_back_with_the_next_server(tmp_path: Path) -> None:
    own = sealer(tmp_path).key
    next(tmp_path.glob("*.pub.json")).unlink()
    assert sealer(tmp_path).key == own
    assert [key_id(key) for key in seal.keys(LocalFiles(), tmp_path).values()] == [own]
