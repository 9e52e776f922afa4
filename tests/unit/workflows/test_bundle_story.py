"""`cask bundle`: exactly the handoff, the same bytes each time, nothing private; a signature takes a person."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.govern import bundle as format_
from caskmcp.govern import keys as private
from caskmcp.govern import trust
from caskmcp.model.pack import PackFiles
from caskmcp.ports import World
from caskmcp.store import archive
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import bundle
from tests.support import bundles, packs
from tests.support.packs import PIN, ROOT
from tests.support.world import ScriptedConsole, world

GOOD = packs.approved_pack()
PASS = ("Passphrase for t1:", "word")
NAME = ("Type `shop` to sign:", "shop")
FIRST = trust.root_digest(ROOT)
HANDED = {
    "bundle.json",
    "toolpack.yaml",
    "artifact/auth.yaml",
    "artifact/environments.yaml",
    "artifact/policy.yaml",
    "artifact/tools.json",
    "artifact/toolsets.yaml",
    "lockfile/caskmcp.lock.yaml",
    "trust/1.root.json",
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration folder with the keys `t1`, which is trusted, and `u1`, which is not."""
    folder = tmp_path_factory.mktemp("keys") / "caskmcp"
    for name in ("t1", "u1"):
        private.save(LocalFiles(), folder, packs.signer(name), "word")
    return folder


def desk(base: Path, files: PackFiles = GOOD, *answers: tuple[str, str], config: Path | None = None, interactive: bool = True) -> World:
    """A person in a project with a toolpack."""
    here = world(base / "project", console=ScriptedConsole(answers, interactive=interactive), config=config)
    bundles.laid(files, here.cwd / ".caskmcp")
    return here


def written(here: World, name: str = "shop.bundle.zip") -> dict[str, bytes]:
    return archive.unpack((here.cwd / name).read_bytes())


def refused(call: Callable[[], object]) -> CaskError:
    with pytest.raises(CaskError) as caught:
        call()
    return caught.value


def test_a_bundle_holds_exactly_the_handoff(tmp_path: Path) -> None:
    here = desk(tmp_path)
    report = bundle.run(here)
    members = written(here)
    contents = {name for name in members if name.startswith("lockfile/content/")}
    assert set(members) - contents == HANDED
    assert len(contents) == 5  # r, w and the three shared subjects
    assert (report.exit, report.summary["toolpack"], report.summary["approved"], report.summary["waiting"]) == (0, "shop", 2, 1)
    assert report.summary["pin"] == f"{FIRST}@1"
    assert report.lines[-1] == f"  cask install shop.bundle.zip --trust-pin {FIRST}@1"
    assert report.summary["signed_by"] == []


def test_equal_toolpacks_give_equal_bundles_whatever_their_files_are_like(tmp_path: Path) -> None:
    one, other = desk(tmp_path / "a"), desk(tmp_path / "b" / "deeper")
    for path in sorted((other.cwd / ".caskmcp").rglob("*"), reverse=True):
        os.utime(path, (1, 1))
        path.chmod(0o700 if path.is_dir() else 0o600)
    bundle.run(one)
    bundle.run(other, out="../other.zip")
    assert (one.cwd / "shop.bundle.zip").read_bytes() == (other.cwd.parent / "other.zip").read_bytes()
    bundle.run(one)
    assert (one.cwd / "shop.bundle.zip").read_bytes() == (other.cwd.parent / "other.zip").read_bytes()


def test_what_lies_beside_the_handoff_stays_here(tmp_path: Path) -> None:
    here = desk(tmp_path)
    bundle.run(here)
    before = written(here)
    root = here.cwd / ".caskmcp"
    secrets = ("captures/2f/exchanges.ndjson.gz", "state/redaction.key", "state/keys/t1.pub", "cache/blobs/00/11", "evidence/1/seen.json")
    inside = ("artifact/.env", "artifact/notes.txt", "lockfile/content/" + "0" * 64 + ".json", "lockfile/x.bak", "trust/t1", "private.key")
    for name in (*secrets, *(f"toolpacks/shop/{name}" for name in inside)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("SECRET-VALUE")
    bundle.run(here)
    assert written(here) == before
    assert b"SECRET-VALUE" not in (here.cwd / "shop.bundle.zip").read_bytes()


def test_the_form_of_approved_content_on_disk_does_not_change_the_bundle(tmp_path: Path) -> None:
    here = desk(tmp_path)
    bundle.run(here)
    before = written(here)
    for path in (here.cwd / ".caskmcp/toolpacks/shop/lockfile/content").iterdir():
        path.write_text(json.dumps(json.loads(path.read_bytes())))
    bundle.run(here)
    assert written(here) == before


def test_a_toolpack_without_any_approval_can_be_handed_over_for_review(tmp_path: Path) -> None:
    here = desk(tmp_path, packs.with_roots(packs.pack_files(), packs.sign.sign_root(ROOT, packs.T1)))
    report = bundle.run(here)
    assert (report.summary["approved"], report.summary["waiting"], report.summary["pin"]) == (0, 3, f"{FIRST}@0")
    assert "lockfile/caskmcp.lock.yaml" not in written(here)


# ---------------------------------------------------------------- refusals
def test_an_artifact_that_was_edited_is_not_handed_over(tmp_path: Path) -> None:
    here = desk(tmp_path)
    path = here.cwd / ".caskmcp/toolpacks/shop/artifact/auth.yaml"
    path.write_bytes(path.read_bytes() + b"\n")
    cause = refused(lambda: bundle.run(here))
    assert (cause.code, cause.mend) == ("CASK-L006", "cask build")
    path.unlink()
    assert refused(lambda: bundle.run(here)).code == "CASK-L002"
    assert not (here.cwd / "shop.bundle.zip").exists()


@pytest.mark.parametrize(
    "name", ["artifact/auth.yaml", "toolpack.yaml", "lockfile/caskmcp.lock.yaml", "trust/1.root.json", "lockfile", "trust"]
)
def test_a_link_is_not_handed_over_even_if_it_leads_to_the_same_bytes(tmp_path: Path, name: str) -> None:
    here = desk(tmp_path)
    path, moved = here.cwd / ".caskmcp/toolpacks/shop" / name, tmp_path / "moved"
    path.rename(moved)
    path.symlink_to(moved)
    cause = refused(lambda: bundle.run(here))
    assert (cause.code, cause.exit) == ("CASK-I005", 3)
    assert "is a link, or lies behind one" in cause.what
    assert not (here.cwd / "shop.bundle.zip").exists()


def test_without_that_guard_a_link_would_be_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = desk(tmp_path)
    path = here.cwd / ".caskmcp/toolpacks/shop/trust/1.root.json"
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    monkeypatch.setattr(bundle, "_require_plain", lambda world, pack, path: None)
    bundle.run(here)
    assert "trust/1.root.json" in written(here)


def test_a_content_that_is_a_link_is_not_handed_over(tmp_path: Path) -> None:
    here = desk(tmp_path)
    path = next((here.cwd / ".caskmcp/toolpacks/shop/lockfile/content").iterdir())
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    assert refused(lambda: bundle.run(here)).code == "CASK-I005"


@pytest.mark.parametrize("name", ["../../state/redaction.key", "a/b.json", ".env", "con"])
def test_a_handoff_that_names_files_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    here = desk(tmp_path)
    (here.cwd / ".caskmcp/state").mkdir()
    (here.cwd / ".caskmcp/state/redaction.key").write_bytes(b"k")
    path = here.cwd / ".caskmcp/toolpacks/shop/toolpack.yaml"
    path.write_text(path.read_text().replace("artifacts:\n", f"artifacts:\n  {name}: sha256:{'0' * 64}\n"))
    cause = refused(lambda: bundle.run(here))
    assert (cause.code, "is no name for an artifact" in cause.what) == ("CASK-L002", True)


def test_without_a_trust_root_there_is_nothing_to_hand_over(tmp_path: Path) -> None:
    here = desk(tmp_path, packs.pack_files())
    cause = refused(lambda: bundle.run(here))
    assert (cause.code, cause.exit) == ("CASK-T006", 4)


def test_a_statement_that_does_not_hold_is_not_handed_over(tmp_path: Path) -> None:
    value = packs.lock_value(GOOD)
    value["subjects"]["tool:r"][0]["signature"] = value["subjects"]["tool:w"][0]["signature"]
    here = desk(tmp_path, packs.edited_lock(GOOD, value))
    cause = refused(lambda: bundle.run(here))
    assert (cause.code, cause.mend) == ("CASK-L004", "cask gate status")
    assert cause.what.startswith("tool:r: the signature of t1 does not hold")


def test_missing_content_is_refused_by_its_digest(tmp_path: Path) -> None:
    here = desk(tmp_path)
    next((here.cwd / ".caskmcp/toolpacks/shop/lockfile/content").iterdir()).unlink()
    assert refused(lambda: bundle.run(here)).code == "CASK-L004"


def test_a_folder_is_no_place_for_a_bundle(tmp_path: Path) -> None:
    here = desk(tmp_path)
    (here.cwd / "out").mkdir()
    cause = refused(lambda: bundle.run(here, out="out"))
    assert (cause.code, cause.mend) == ("CASK-I010", "cask bundle --out FILE")


# ---------------------------------------------------------------- --sign
def test_a_signature_over_the_bundle_takes_a_person_and_the_typed_name(tmp_path: Path, config: Path) -> None:
    here = desk(tmp_path, GOOD, PASS, NAME, config=config)
    report = bundle.run(here, key="t1")
    handed = format_.opened(written(here))
    assert report.summary["signed_by"] == ["t1"]
    assert format_.signers(handed, trust.chain(GOOD.roots, "shop")) == ("t1",)
    first = (here.cwd / "shop.bundle.zip").read_bytes()
    bundle.run(desk(tmp_path / "again", GOOD, PASS, NAME, config=config), key="t1")
    assert (tmp_path / "again/project/shop.bundle.zip").read_bytes() == first


def test_without_a_name_the_only_key_signs(tmp_path: Path, config: Path) -> None:
    here = desk(tmp_path, GOOD, PASS, NAME)
    for name in ("t1", "t1.pub"):
        here.files.write(here.config / "keys" / name, (config / "keys" / name).read_bytes(), private=True)
    assert bundle.run(here, key="").summary["signed_by"] == ["t1"]


def test_without_a_terminal_nothing_is_signed(tmp_path: Path, config: Path) -> None:
    here = desk(tmp_path, GOOD, config=config, interactive=False)
    cause = refused(lambda: bundle.run(here, key="t1"))
    assert (cause.code, cause.exit) == ("CASK-A001", 4)
    assert not (here.cwd / "shop.bundle.zip").exists()


def test_another_typed_name_signs_nothing(tmp_path: Path, config: Path) -> None:
    here = desk(tmp_path, GOOD, PASS, ("Type `shop` to sign:", "bank"), config=config)
    assert refused(lambda: bundle.run(here, key="t1")).code == "CASK-A002"
    assert not (here.cwd / "shop.bundle.zip").exists()


def test_a_key_that_the_receiver_could_not_know_signs_nothing(tmp_path: Path, config: Path) -> None:
    here = desk(tmp_path, GOOD, ("Passphrase for u1:", "word"), config=config)
    cause = refused(lambda: bundle.run(here, key="u1"))
    assert (cause.code, cause.exit) == ("CASK-P004", 4)
    assert PIN.root == FIRST
