"""`cask state`: damage is named file by file, garbage is what nobody needs and nothing else, and a lock that is held stays."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.finding import Report
from caskmcp.runtime.state import State
from caskmcp.store import garbage
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Root
from caskmcp.store.locks import holder
from caskmcp.workflows import state
from tests.support import bundles, packs, shop_recording
from tests.support.builds import PACK, built, counts, pack, recording, shop
from tests.support.bundles import tree
from tests.support.syntax import ROOT
from tests.support.world import world


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example project, built twice with another recording in between."""
    folder = shop(tmp_path_factory.mktemp("state") / "shop")
    recording(folder, "morning.har", shop_recording.entries()[:50])
    built(folder)
    recording(folder, "morning.har", shop_recording.entries())
    built(folder)
    return folder


@pytest.fixture
def folder(done: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(done, tmp_path / "shop"))


def root(folder: Path) -> Root:
    return Root(folder / ".caskmcp")


def found(report: Report) -> list[tuple[str, str, str]]:
    return [(row.code, str(row.severity), row.place) for row in report.findings]


def checked(report: Report) -> dict[str, tuple[int, int]]:
    return {row["what"]: (row["checked"], row["damaged"]) for row in report.tables["checks"]}


# ---------------------------------------------------------------- verify
def test_what_a_build_left_is_whole(folder: Path) -> None:
    before = tree(folder)
    report = state.verify(world(folder))
    assert (report.exit, report.findings) == (0, ())
    rows = checked(report)
    assert list(rows) == ["blobs", "receipts", "artifacts", "locks", "contents", "baselines", "captures", "journals", "confirmations"]
    assert rows["captures"] == (len(list((folder / ".caskmcp/captures").iterdir())), 0)
    assert rows["artifacts"] == (1 + len(list((folder / PACK / "artifact").iterdir())), 0)
    assert rows["blobs"][0] == len([path for path in (folder / ".caskmcp/cache/blobs").rglob("*") if path.is_file()]) > 10
    assert tree(folder) == before


def flip(path: Path, at: int = -3) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x20
    path.write_bytes(bytes(data))


def first(folder: Path, pattern: str) -> Path:
    return sorted(path for path in folder.glob(pattern) if path.is_file())[0]


@pytest.mark.parametrize(
    ("pattern", "code", "severity", "mend"),
    [
        ("cache/blobs/*/*", "CASK-S001", "review", "cask state gc"),
        ("cache/receipts/*/*.json", "CASK-S001", "review", "cask state gc"),
        ("toolpacks/*/artifact/tools.json", "CASK-L006", "refused", "cask build"),
        ("captures/*/exchanges.ndjson.gz", "CASK-S002", "refused", "cask capture forget"),
    ],
)
def test_a_changed_byte_is_named_with_its_file_and_the_mend(folder: Path, pattern: str, code: str, severity: str, mend: str) -> None:
    path = first(folder / ".caskmcp", pattern)
    flip(path)
    report = state.verify(world(folder))
    assert found(report) == [(code, severity, path.relative_to(folder / ".caskmcp").as_posix())]
    assert report.findings[0].mend.startswith(mend)


def test_a_missing_artifact_and_a_handoff_that_cannot_be_read_are_named(folder: Path) -> None:
    (folder / PACK / "artifact/tools.json").unlink()
    assert found(state.verify(world(folder)))[0][0] == "CASK-L006"
    (folder / PACK / "toolpack.yaml").write_text("id: [")
    assert [code for code, _, _ in found(state.verify(world(folder)))] == ["CASK-L002", "CASK-L002"]


def test_lock_trust_chain_and_content_are_looked_at(tmp_path: Path) -> None:
    here = bundles.laid(packs.approved_pack(), tmp_path / ".caskmcp")
    report = state.verify(world(tmp_path))
    assert (report.exit, checked(report)["locks"], checked(report)["contents"]) == (0, (2, 0), (5, 0))
    content = first(here.contents, "*.json")
    flip(content)
    assert found(state.verify(world(tmp_path))) == [("CASK-L004", "refused", f"toolpacks/shop/lockfile/content/{content.name}")]
    flip(content)
    good = here.trust_root(1).read_bytes()
    here.trust_root(1).write_bytes(good.replace(b"2026-11-20", b"2026-11-19"))
    assert found(state.verify(world(tmp_path))) == [("CASK-T003", "refused", "trust/1.root.json")]
    here.trust_root(1).write_bytes(good)
    here.lock.write_bytes(b"a: 1\na: 2\n")
    assert [row[0] for row in found(state.verify(world(tmp_path)))] == ["CASK-L001"]


def test_a_baseline_that_cannot_be_read_is_named(folder: Path) -> None:
    path = folder / ".caskmcp/baselines/storefront/baseline.json"
    path.parent.mkdir(parents=True)
    path.write_bytes((folder / PACK / "artifact/baseline.json").read_bytes())
    assert state.verify(world(folder)).findings == ()
    path.write_text("{")
    assert [row[0] for row in found(state.verify(world(folder)))] == ["CASK-L002"]


def test_a_damaged_line_of_a_journal_is_named_by_its_number_and_a_torn_end_is_no_damage(tmp_path: Path) -> None:
    audit = tmp_path / ".caskmcp/state/audit"
    audit.mkdir(parents=True)
    (audit / "decisions.jsonl").write_bytes(b'{"at": 1}\n{"at": \n[]\n{"at": 4}\n{"at"')
    report = state.verify(world(tmp_path))
    assert found(report) == [
        ("CASK-S002", "refused", "state/audit/decisions.jsonl:2"),
        ("CASK-S002", "refused", "state/audit/decisions.jsonl:3"),
        ("CASK-S002", "info", "state/audit/decisions.jsonl:5"),
    ]
    (audit / "decisions.jsonl").write_bytes(b'{"at": 1}\n{"at"')
    assert state.verify(world(tmp_path)).exit == 0


def test_a_database_that_is_none_any_more_is_named(tmp_path: Path) -> None:
    path = root(tmp_path).confirmations
    kept = State(path)
    assert kept.problem() == ""
    kept.close()
    assert state.verify(world(tmp_path)).findings == ()
    path.write_bytes(b"no database at all" * 100)
    report = state.verify(world(tmp_path))
    assert found(report) == [("CASK-S002", "refused", "state/confirmations.db")]


def test_an_empty_folder_has_nothing_to_verify(tmp_path: Path) -> None:
    report = state.verify(world(tmp_path))
    assert (report.summary, list(tmp_path.iterdir())) == ({"checked": 0, "damaged": 0}, [])


# ---------------------------------------------------------------- gc
def test_what_the_last_build_rests_on_stays_and_the_rest_goes(folder: Path) -> None:
    listed = state.gc(world(folder), dry_run=True)
    before = tree(folder)
    assert listed.summary["would go"] > 0
    assert tree(folder) == before
    done = state.gc(world(folder), dry_run=False)
    assert done.summary == {"removed": listed.summary["would go"]}
    after = tree(folder)
    assert set(before) - set(after) == {f".caskmcp/{row['file']}" for row in done.tables["files"]}
    assert {row["kind"] for row in done.tables["files"]} == {"blob", "receipt"}
    assert all("/cache/" in name for name in set(before) - set(after))
    assert {name: before.get(name) for name in after} == after
    assert counts(built(folder, explain=True)) == (0, 0)  # nothing that a build needs is gone
    assert state.gc(world(folder), dry_run=False).summary == {"removed": 0}


def test_what_was_removed_is_made_again_to_the_same_bytes(folder: Path) -> None:
    state.gc(world(folder), dry_run=False)
    recording(folder, "morning.har", shop_recording.entries()[:50])
    built(folder)
    recording(folder, "morning.har", shop_recording.entries())
    built(folder)
    assert state.verify(world(folder)).exit == 0


def test_a_damaged_blob_goes_although_it_is_needed_and_the_build_makes_it_again(folder: Path) -> None:
    before = pack(folder)
    for path in sorted((folder / ".caskmcp/cache/blobs").glob("*/*")):
        flip(path, 0)
    assert state.verify(world(folder)).exit == 1
    state.gc(world(folder), dry_run=False)
    assert list((folder / ".caskmcp/cache/blobs").glob("*/*")) == []
    built(folder)
    assert pack(folder) == before
    assert state.verify(world(folder)).exit == 0


def test_content_that_no_statement_names_goes_and_what_one_names_stays(tmp_path: Path) -> None:
    here = bundles.laid(packs.block(packs.approved_pack(), "tool:x", sequence=3), tmp_path / ".caskmcp")
    kept = tree(here.path)
    (here.contents / ("0" * 64 + ".json")).write_text("{}")
    (here.contents / "notes.txt").write_text("mine")
    report = state.gc(world(tmp_path), dry_run=False)
    assert [row["file"] for row in report.tables["files"]] == [f"toolpacks/shop/lockfile/content/{'0' * 64}.json"]
    assert tree(here.path) == {**kept, "lockfile/content/notes.txt": b"mine"}


@pytest.mark.parametrize("damage", [b"a: 1\na: 2\n", b"schema: caskmcp/lock/9\ntoolpack: shop\nsubjects: {}\n"])
def test_nothing_approved_goes_where_the_lock_cannot_be_read(tmp_path: Path, damage: bytes) -> None:
    here = bundles.laid(packs.approved_pack(), tmp_path / ".caskmcp")
    here.lock.write_bytes(damage)
    before = tree(here.path)
    assert state.gc(world(tmp_path), dry_run=False).summary == {"removed": 0}
    assert tree(here.path) == before


def test_a_statement_of_a_wrong_form_keeps_all_content(tmp_path: Path) -> None:
    files = packs.approved_pack()
    value = packs.lock_value(files)
    value["subjects"]["tool:r"][0]["statement"]["sequence"] = "one"
    here = bundles.laid(files, tmp_path / ".caskmcp")
    here.lock.write_bytes(packs.edited_lock(files, value).lock or b"")
    assert state.gc(world(tmp_path), dry_run=False).summary == {"removed": 0}


def test_captures_keys_evidence_and_files_of_others_are_never_touched(folder: Path) -> None:
    mine = ("cache/blobs/README", "cache/blobs/ab/short", "cache/notes", "state/keys/alice.pub", "evidence/1/seen.json", "captures/x/more")
    for name in mine:
        path = folder / ".caskmcp" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    state.gc(world(folder), dry_run=False)
    assert all((folder / ".caskmcp" / name).read_text() == "mine" for name in mine)
    assert len(list((folder / ".caskmcp/captures").iterdir())) >= 2


def test_folders_of_a_killed_installation_go_but_never_the_only_copy(tmp_path: Path) -> None:
    here = bundles.laid(packs.approved_pack(), tmp_path / ".caskmcp")
    for name in (".shop.new", ".shop.old", ".bank.old"):
        (here.path.parent / name).mkdir()
    report = state.gc(world(tmp_path), dry_run=False)
    assert [row["file"] for row in report.tables["files"]] == ["toolpacks/.shop.new", "toolpacks/.shop.old"]
    assert sorted(path.name for path in here.path.parent.iterdir()) == [".bank.old", "shop"]


def test_gc_without_a_root_makes_none(tmp_path: Path) -> None:
    assert state.gc(world(tmp_path), dry_run=False).lines == ("Nothing to remove.",)
    assert list(tmp_path.iterdir()) == []


def test_a_torn_index_or_list_of_steps_is_no_error(folder: Path) -> None:
    for path in (folder / ".caskmcp/cache/index").iterdir():
        path.write_bytes(path.read_bytes()[:20])
    assert garbage.needed_receipts(LocalFiles(), root(folder)) == frozenset()
    before = pack(folder)
    state.gc(world(folder), dry_run=False)
    built(folder)
    assert pack(folder) == before


# ---------------------------------------------------------------- unlock
HOLD = """
import sys
from pathlib import Path
from caskmcp.store.locks import hold
with hold(Path(sys.argv[1]), 5):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the root's lock."""
    root(tmp_path).state.mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root(tmp_path).lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_that_is_held_stays_and_its_holder_is_named(tmp_path: Path, held: "subprocess.Popen[str]") -> None:
    with pytest.raises(CaskError) as caught:
        state.unlock(world(tmp_path))
    assert (caught.value.code, caught.value.exit) == ("CASK-B003", 5)
    assert root(tmp_path).lock.exists()
    assert holder(LocalFiles(), root(tmp_path).lock) in (held.pid, None)
    assert "holds the lock and is at work" in caught.value.what
    with pytest.raises(CaskError, match="CASK-B003"), LocalFiles().lock(root(tmp_path).lock, 0):
        pass
    held.kill()
    held.wait()
    assert state.unlock(world(tmp_path)).summary == {"removed": 1}
    assert not root(tmp_path).lock.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a lock")
def test_linux_tells_who_holds_a_lock(tmp_path: Path, held: "subprocess.Popen[str]") -> None:
    path = root(tmp_path).lock
    stat = path.stat()
    line = f"1: FLOCK  ADVISORY  WRITE 4711 {stat.st_dev >> 8:02x}:{stat.st_dev & 0xFF:02x}:{stat.st_ino} 0 EOF\n"

    class Listed(LocalFiles):
        def read(self, path: Path, limit: int | None = None) -> bytes:
            return line.encode()

    if stat.st_dev < 0x10000:
        assert holder(Listed(), path) == 4711
    assert holder(LocalFiles(), tmp_path / "nothing") is None


def test_a_lock_file_that_nobody_holds_is_removed_and_none_is_well(tmp_path: Path) -> None:
    here = world(tmp_path)
    assert state.unlock(here).lines == ("Nothing is locked.",)
    with here.files.lock(root(tmp_path).lock, 1), here.files.lock(here.config / "pins/.lock", 1):
        pass
    rows = state.unlock(here).tables["locks"]
    assert [row["lock"] for row in rows] == ["root", "pins"]
    assert not root(tmp_path).lock.exists()


def test_who_waited_for_a_lock_that_is_removed_still_is_alone(tmp_path: Path) -> None:
    """The file goes while it is held; one that waits finds its name gone and takes the new file's lock, as the next one does."""
    path = root(tmp_path).lock
    files = LocalFiles()
    with files.lock(path, 1):
        waiting = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        files.remove(path)
    with waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "held\n"
        with pytest.raises(CaskError, match="CASK-B003"), files.lock(path, 0):
            pass
        waiting.kill()


def test_the_report_is_one_object(tmp_path: Path) -> None:
    value = json.loads(json.dumps(state.verify(world(tmp_path)).json_value()))
    assert value["schema"] == "caskmcp/state-verify/1"
