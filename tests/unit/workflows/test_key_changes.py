"""`cask keys rotate` and `revoke`: the next version of the trust root, what waits because of it, and what only a person may do."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.govern import keys as private
from caskmcp.govern import offer, pins, sign, sshsig, trust
from caskmcp.govern.public import key_id
from caskmcp.model.finding import Report
from caskmcp.model.pack import PackFiles
from caskmcp.model.trust import Approver, Key, Role, Root
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack
from caskmcp.workflows import gate, keys
from tests.support import packs
from tests.support.packs import ID, PIN, T1, T2, U1, approved_pack, root, with_roots
from tests.support.world import ScriptedConsole, world

FILES = LocalFiles()
WORD = "correct horse"
NEW = [("Passphrase for t9:", WORD)] * 2
OLD = ("Passphrase for t1:", WORD)
NAME = (f"Type `{ID}` to sign:", ID)
APPROVED = ["auth:api.example.com", "env:local", "policy", "r", "w"]
"""What `approved_pack` approves, as people type it."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose trust root is T1's, with T1's key and the pin in the configuration folder."""
    return lay(tmp_path / "project", approved_pack(), T1)


def lay(cwd: Path, files: PackFiles, *holders: sign.FileSigner) -> Path:
    packs.write(files, cwd / ".caskmcp")
    here = world(cwd)
    for holder in holders:
        private.save(FILES, here.config, holder, WORD)
    pins.write(FILES, here.config, PIN)
    return cwd


def refused(call: object) -> CaskError:
    assert callable(call)
    with pytest.raises(CaskError) as caught:
        call()
    return caught.value


def rotate(cwd: Path, *answers: tuple[str, str], old: str = "t1", to: str = "t9") -> Report:
    return keys.rotate(world(cwd, console=ScriptedConsole(answers)), old=old, to=to)


def revoke(cwd: Path, name: str, *answers: tuple[str, str]) -> Report:
    return keys.revoke(world(cwd, console=ScriptedConsole(answers)), name=name)


def present(cwd: Path) -> Root:
    pack = Pack(cwd / ".caskmcp" / "toolpacks" / ID)
    return trust.chain(offer.read(FILES, pack).roots, ID).current


def holders(root: Root) -> list[list[str]]:
    return [[root.keys[key].name for key in role.keys] for role in trust.roles(root)]


def status(cwd: Path) -> dict[str, str]:
    report = gate.status(world(cwd))
    return {row["id"]: row["status"] for row in (*report.tables["tools"], *report.tables["shared"])}


def waiting(report: Report) -> list[tuple[str, str]]:
    return [(row.subject, row.mend) for row in report.findings]


# ---------------------------------------------------------------- rotate
def test_a_new_key_stands_for_the_old_one_in_every_role(project: Path) -> None:
    report = rotate(project, *NEW, OLD, NAME)
    assert (report.exit, report.summary["version"], report.summary["signed_by"]) == (0, 2, ["t1"])
    assert holders(present(project)) == [["t9"], ["t9"], ["t9"]]
    assert [key.name for key in present(project).keys.values()] == ["t9"]


@pytest.mark.feature(55)
def test_what_the_old_key_approved_waits_and_is_listed_with_its_mend(project: Path) -> None:
    assert status(project) == {"r": "approved", "w": "approved", "x": "pending", "auth:api.example.com": "approved", "env:local": "approved", "policy": "approved"}  # fmt: skip
    report = rotate(project, *NEW, OLD, NAME)
    assert sorted(waiting(report)) == sorted(
        (name if ":" in name or name == "policy" else f"tool:{name}", f"cask gate allow {name}") for name in APPROVED
    )
    assert {row.code for row in report.findings} == {"CASK-L003"}
    assert set(status(project).values()) == {"pending"}


def test_nothing_is_signed_again(project: Path) -> None:
    lock = project / ".caskmcp" / "toolpacks" / ID / "lockfile" / "caskmcp.lock.yaml"
    before = lock.read_bytes()
    rotate(project, *NEW, OLD, NAME)
    assert lock.read_bytes() == before


def test_a_key_that_lies_there_is_taken_and_not_made(project: Path) -> None:
    here = world(project)
    private.save(FILES, here.config, packs.signer("t9"), WORD)
    rotate(project, OLD, NAME)
    assert present(project).root.keys == (packs.signer("t9").id,)


def test_a_rotation_that_is_not_named_leaves_the_trust_root_and_may_be_done_again(project: Path) -> None:
    assert refused(lambda: rotate(project, *NEW, OLD, (NAME[0], "no"))).code == "CASK-A002"
    assert present(project).version == 1
    assert set(status(project).values()) == {"approved", "pending"}
    rotate(project, OLD, NAME)
    assert holders(present(project)) == [["t9"]] * 3


@pytest.mark.feature(56)
def test_without_a_terminal_nothing_is_rotated_or_revoked_and_nothing_is_asked(project: Path) -> None:
    console = ScriptedConsole([*NEW, OLD, NAME], interactive=False)
    there = world(project, console=console)
    assert refused(lambda: keys.rotate(there, old="t1", to="t9")).code == "CASK-A001"
    assert refused(lambda: keys.revoke(there, name="t1")).code == "CASK-A001"
    assert refused(lambda: keys.new(there, name="t9", held="")).code == "CASK-A001"
    assert console.asked == []
    assert not private.place(there.config, "t9").private.exists()


def test_a_name_that_the_trust_root_does_not_have_is_told_with_those_that_it_has(project: Path) -> None:
    for call in (lambda: rotate(project, old="bob"), lambda: revoke(project, "bob")):
        error = refused(call)
        assert (error.code, error.exit, error.what) == ("CASK-I010", 3, "no key of the trust root is called `bob`; it has t1")


def test_a_key_is_not_exchanged_for_one_that_is_in_the_trust_root(tmp_path: Path) -> None:
    both = lay(tmp_path / "p", with_roots(approved_pack(), sign.sign_root(root(T1, T2), T1, T2)), T1, T2)
    pins.write(FILES, world(both).config, packs.pin_of(root(T1, T2)))
    assert refused(lambda: rotate(both, to="t2")).code == "CASK-T010"


def test_two_keys_of_the_trust_root_never_get_one_name(tmp_path: Path) -> None:
    other = root(T1, sign.signer(T2.private, "t9"))
    both = lay(tmp_path / "p", with_roots(approved_pack(), sign.sign_root(other, T1)), T1)
    pins.write(FILES, world(both).config, packs.pin_of(other))
    assert refused(lambda: rotate(both)).what == "a key of the trust root is called `t9` already"


def test_the_same_point_under_another_scheme_may_take_its_own_place_and_no_second_one(tmp_path: Path) -> None:
    """A key file that is moved into an agent is exchanged; beside itself it would make up a threshold of two alone."""
    twin = T1.key.model_copy(update={"scheme": "ssh-ed25519", "name": "t9"})
    moved = trust.require_form
    single = root(T1).model_copy(update={"keys": {str(key_id(twin)): twin}, **_roles(str(key_id(twin)))})
    moved(single, 1, ID)
    double = single.model_copy(update={"keys": {**single.keys, T1.id: T1.key}})
    assert refused(lambda: moved(double, 1, ID)).what == "two of its keys are one key in two forms"


@dataclass(frozen=True)
class Twin:
    """A person's own key once more, as an agent that holds it would sign."""

    key: Key

    @property
    def id(self) -> Digest:
        return key_id(self.key)

    def sign(self, message: bytes) -> str:
        return sshsig.wrap(self.key, sshsig.string(b"ssh-ed25519") + sshsig.string(T1.private.sign(sshsig.framed(message))))


def test_without_that_guard_one_person_would_be_two() -> None:
    twin = Twin(T1.key.model_copy(update={"scheme": "ssh-ed25519", "name": "t9"}))
    double = root(T1, twin, threshold=2)
    signed = sign.sign_root(double, T1, twin)
    assert len(trust.signers(signed, double)) == 2
    assert refused(lambda: trust.chain((packs.root_bytes(signed),), ID)).code == "CASK-T003"


def _roles(key: str) -> dict[str, object]:
    role = Role(keys=(key,))
    return {"root": role, "confirmer": role, "approvers": (Approver(keys=(key,)),)}


# ---------------------------------------------------------------- revoke
def of_two(tmp_path: Path, *here: sign.FileSigner, threshold: int = 1) -> Path:
    first = root(T1, T2, threshold=threshold)
    cwd = lay(tmp_path / "project", with_roots(approved_pack(), sign.sign_root(first, T1, T2)), *here)
    pins.write(FILES, world(cwd).config, packs.pin_of(first))
    return cwd


@pytest.mark.feature(55)
def test_what_a_revoked_key_approved_waits_and_what_another_approved_stands(tmp_path: Path) -> None:
    cwd = of_two(tmp_path, T2)
    report = revoke(cwd, "t1", ("Passphrase for t2:", WORD), NAME)
    assert holders(present(cwd)) == [["t2"], ["t2"], ["t2"]]
    assert len(waiting(report)) == len(APPROVED)
    assert set(status(cwd).values()) == {"pending"}


def test_a_key_that_approved_nothing_leaves_every_approval(tmp_path: Path) -> None:
    cwd = of_two(tmp_path, T1)
    report = revoke(cwd, "t2", OLD, NAME)
    assert (waiting(report), report.lines[-1]) == ([], "Every approval still counts.")
    assert status(cwd)["r"] == "approved"


def test_the_last_key_of_a_role_goes_after_its_name_was_typed(project: Path) -> None:
    console = ScriptedConsole([("Type `t1` to sign:", "t1"), OLD, NAME])
    keys.revoke(world(project, console=console), name="t1")
    assert holders(present(project)) == [[], [], []]
    assert set(status(project).values()) == {"pending"}
    assert "Nothing is served until `cask trust init --replace`." in console.text


def test_the_last_key_stays_where_another_name_was_typed(project: Path) -> None:
    assert refused(lambda: revoke(project, "t1", ("Type `t1` to sign:", "shop"))).code == "CASK-A002"
    assert present(project).version == 1


def test_a_threshold_that_the_rest_cannot_meet_is_not_lowered_in_passing(tmp_path: Path) -> None:
    cwd = of_two(tmp_path, T1, T2, threshold=2)
    error = refused(lambda: revoke(cwd, "t2"))
    assert (error.code, error.exit) == ("CASK-T010", 3)
    assert present(cwd).version == 1


def test_where_two_have_to_sign_one_signature_changes_nothing_yet(tmp_path: Path) -> None:
    cwd = of_two(tmp_path, T1, threshold=2)
    report = rotate(cwd, *NEW, OLD, NAME)
    assert (report.summary["signatures"], report.summary["of"]) == (1, 2)
    assert present(cwd).version == 1
    assert {row["name"]: row["roles"] for row in keys.listing(world(cwd)).tables["keys"]} == {"t1": ["root", "approver", "confirmer"], "t9": []}  # fmt: skip


def test_a_stranger_cannot_take_a_key_away(tmp_path: Path) -> None:
    cwd = of_two(tmp_path, U1)
    assert refused(lambda: revoke(cwd, "t2")).code == "CASK-K002"
    assert refused(lambda: keys.revoke(world(cwd, console=ScriptedConsole([("Passphrase for u1:", WORD)])), name="t2", key="u1")).code == "CASK-K002"  # fmt: skip
    assert present(cwd).version == 1


def test_a_trust_root_that_nobody_accepted_here_is_not_changed(project: Path) -> None:
    pins.place(world(project).config, ID).unlink()
    assert refused(lambda: rotate(project)).code == "CASK-T001"
    assert refused(lambda: revoke(project, "t1")).code == "CASK-T001"
