"""Attacks on what is handed over and on the cache (d-15, d-16, d-20): refused with nothing written, or made again; and with the guards out,
each of them goes through."""

from collections.abc import Callable
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.govern import admit, bundle, offer, pins, sign
from caskmcp.store import archive
from caskmcp.store.blobs import Blobs
from caskmcp.store.layout import Root
from caskmcp.workflows import check, install
from tests.support import bundles, packs, zips
from tests.support.builds import PACK, built, pack, shop
from tests.support.bundles import tree
from tests.support.packs import PIN, ROOT, T1, U1
from tests.support.world import world

Members = dict[str, bytes]
Patch = pytest.MonkeyPatch
LINK = 0o120777 << 16


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """What an honest maker handed over."""
    return bundles.made(bundles.laid(packs.approved_pack(), tmp_path_factory.mktemp("made")))


def zipped(members: Members, *, link: str = "") -> bytes:
    """The members as a zip that `archive.pack` would not write."""
    rows = (zips.Entry(name.encode(), data, external=LINK if name == link else zips.FILE) for name, data in sorted(members.items()))
    return zips.zipped(*rows)


def installed(tmp_path: Path, data: bytes) -> Path:
    """Install in an empty project that pinned the honest maker; its root."""
    (tmp_path / "there").mkdir(exist_ok=True)
    here = world(tmp_path / "there")
    pins.write(here.files, here.config, PIN)
    (tmp_path / "b.zip").write_bytes(data)
    install.run(here, file=str(tmp_path / "b.zip"))
    return here.cwd / ".caskmcp"


def refused(tmp_path: Path, data: bytes) -> str:
    with pytest.raises(CaskError) as caught:
        installed(tmp_path, data)
    assert caught.value.exit == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip", "there", "there-config"]
    assert list((tmp_path / "there").rglob("*")) == []
    assert [path.name for path in (tmp_path / "there-config").rglob("*") if path.is_file()] == [".lock", "shop.json"]
    return caught.value.code


def without(patch: Patch, *names: str) -> None:
    """Take guards of the zip out, and the comparison of the whole."""
    patch.setattr(archive, "GUARDS", tuple(guard for guard in archive.GUARDS if guard.name not in (*names, "one form")))


def nothing(*_: object) -> None:
    """A guard that was taken out."""


# ---------------------------------------------------------------- d-15
def outward(members: Members) -> bytes:
    return zipped(bundles.edited(members, lambda found: found.update({"../../evil": b"evil"})))


def test_a_member_that_leads_out_is_refused_and_nothing_is_written(members: Members, tmp_path: Path) -> None:
    assert refused(tmp_path, outward(members)) == "CASK-P002"


def test_without_the_guards_of_names_and_places_it_would_lie_outside_of_the_toolpack(
    members: Members, tmp_path: Path, monkeypatch: Patch
) -> None:
    without(monkeypatch, "names")
    assert refused(tmp_path, outward(members)) == "CASK-P003"  # the second guard: it is no file of a toolpack
    monkeypatch.setattr(bundle, "_require_places", nothing)
    assert (installed(tmp_path, outward(members)) / "evil").read_bytes() == b"evil"


def test_a_member_that_is_a_link_is_refused_and_nothing_is_written(members: Members, tmp_path: Path, monkeypatch: Patch) -> None:
    found = {**members, "artifact/auth.yaml": b"/etc/passwd"}
    assert refused(tmp_path, zipped(found, link="artifact/auth.yaml")) == "CASK-P002"
    # Without that guard its bytes are those of a file like any other, and no link is ever made of them.
    without(monkeypatch, "kind")
    assert refused(tmp_path, zipped(found, link="artifact/auth.yaml")) == "CASK-P003"
    root = installed(tmp_path, zipped(members, link="artifact/auth.yaml"))
    assert not any(path.is_symlink() for path in root.rglob("*"))


# ---------------------------------------------------------------- d-16
@pytest.mark.parametrize(
    "name", ["artifact/evil.sh", "lockfile/more.yaml", "evil", "trust/2.root.json", "lockfile/content/" + "0" * 64 + ".json"]
)
def test_a_member_that_the_manifest_does_not_list_is_refused(members: Members, tmp_path: Path, name: str) -> None:
    assert refused(tmp_path, zipped({**members, name: b"{}"})) == "CASK-P003"


def test_listing_it_in_a_manifest_made_anew_does_not_help(members: Members, tmp_path: Path) -> None:
    found = bundles.edited(members, lambda found: found.update({"artifact/evil.sh": b"evil"}))
    assert refused(tmp_path, zipped(found)) == "CASK-P003"


def test_without_the_guards_of_the_manifest_and_the_handoff_it_would_be_installed(
    members: Members, tmp_path: Path, monkeypatch: Patch
) -> None:
    data = zipped({**members, "artifact/evil.sh": b"evil"})
    monkeypatch.setattr(bundle, "_require_listed", nothing)
    assert refused(tmp_path, data) == "CASK-P003"
    monkeypatch.setattr(bundle, "_require_artifacts", nothing)
    assert (installed(tmp_path, data) / "toolpacks/shop/artifact/evil.sh").read_bytes() == b"evil"


# ---------------------------------------------------------------- what is signed
def with_files(change: Callable[[packs.PackFiles], packs.PackFiles], tmp_path: Path) -> bytes:
    """A bundle that somebody made of an honest pack after a change, all digests made anew."""
    return archive.pack(bundles.made(bundles.laid(change(packs.approved_pack()), tmp_path / "forged")))


def theirs(files: packs.PackFiles) -> packs.PackFiles:
    return packs.with_roots(files, sign.sign_root(packs.root(U1), U1))


def unsigned_root(files: packs.PackFiles) -> packs.PackFiles:
    wider = packs.root(T1, U1, version=2)
    return packs.with_roots(files, sign.sign_root(ROOT, T1), sign.sign_root(wider, U1))


def of_a_stranger(files: packs.PackFiles) -> packs.PackFiles:
    return packs.approve(files, "tool:x", by=U1)


@pytest.mark.parametrize(
    ("change", "code"), [(theirs, "CASK-T002"), (unsigned_root, "CASK-T003"), (of_a_stranger, "CASK-L004")], ids=["root", "version", "key"]
)
def test_a_bundle_that_was_signed_by_somebody_else_is_refused(
    change: Callable[[packs.PackFiles], packs.PackFiles], code: str, tmp_path: Path
) -> None:
    data = with_files(change, tmp_path)
    there = tmp_path / "a"
    there.mkdir()
    assert refused(there, data) == code


def vouched_by_a_stranger(members: Members) -> bytes:
    handed = bundle.opened(members)
    rows = (sign.sign_bundle(U1, handed.manifest.signed),)
    return archive.pack(bundle.sealed(handed.manifest.signed, dict(handed.members), rows))


def with_content_that_nobody_approved(members: Members) -> bytes:
    return archive.pack(bundles.edited(members, lambda found: found.update({"lockfile/content/" + "0" * 64 + ".json": b"{}"})))


@pytest.mark.parametrize(
    ("forged", "guard", "code"),
    [
        (vouched_by_a_stranger, "signers", "CASK-P004"),
        (with_content_that_nobody_approved, "_require_contents", "CASK-P003"),
    ],
    ids=["signature", "content"],
)
def test_what_a_guard_of_the_bundle_stops_would_be_installed_without_it(
    members: Members, tmp_path: Path, monkeypatch: Patch, forged: Callable[[Members], bytes], guard: str, code: str
) -> None:
    data = forged(members)
    assert refused(tmp_path, data) == code
    monkeypatch.setattr(bundle, guard, lambda *_: ())
    assert (installed(tmp_path, data) / "toolpacks/shop/toolpack.yaml").exists()


def test_a_changed_tool_is_installed_without_being_served(tmp_path: Path) -> None:
    """Whoever makes the digests of a bundle anew needs no key; the statement on the tool is what a key is needed for."""

    def retitled(row: dict[str, object]) -> None:
        row["title"] = "Another title"

    data = with_files(lambda files: packs.edited_tools(files, "r", retitled), tmp_path)
    (tmp_path / "a").mkdir()
    with pytest.raises(CaskError) as caught:
        installed(tmp_path / "a", data)
    assert caught.value.code == "CASK-P003"  # what was approved is not there any more as content of its digest
    pack_ = bundles.laid(packs.edited_tools(packs.approved_pack(), "r", retitled), tmp_path / "kept")
    honest = bundles.laid(packs.approved_pack(), tmp_path / "honest")
    for path in honest.contents.iterdir():
        (pack_.contents / path.name).write_bytes(path.read_bytes())
    root = installed(tmp_path / "a", archive.pack(bundles.made(pack_)))
    files = offer.read(world(root.parent).files, Root(root).pack("shop"))
    served = admit.admit(files, pin=PIN, condition=None, environment=None, at=packs.EARLIER)
    assert list(served.tools) == ["w"]


# ---------------------------------------------------------------- d-20
@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shop(tmp_path_factory.mktemp("cache") / "shop")
    built(folder)
    return folder


def cached(folder: Path, name: str) -> Path:
    """The blob of an artifact."""
    data = (folder / PACK / "artifact" / name).read_bytes()
    return next(path for path in (folder / ".caskmcp/cache/blobs").glob("*/*") if path.read_bytes() == data)


def altered(path: Path) -> bytes:
    """Change one byte, to what still can be read."""
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"Get ', b'"Got ', 1))
    assert path.read_bytes() != data
    return path.read_bytes()


def test_a_changed_byte_of_a_cached_artifact_is_never_laid_down(project: Path) -> None:
    before = pack(project)
    altered(cached(project, "tools.json"))
    (project / PACK / "artifact/tools.json").unlink()
    built(project)
    assert pack(project) == before


def test_without_that_check_of_the_cache_it_would_be_and_the_gate_would_refuse_it(project: Path, monkeypatch: Patch) -> None:
    wrong = altered(cached(project, "tools.json"))
    (project / PACK / "artifact/tools.json").unlink()
    monkeypatch.setattr(Blobs, "check", nothing)
    built(project)
    assert (project / PACK / "artifact/tools.json").read_bytes() == wrong
    report = check.run(world(project), only=("reproducible",))
    assert (report.exit, report.findings[0].code) == (4, "CASK-L006")
    assert tree(project)
