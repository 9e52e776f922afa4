"""Builds of the example project by the real pipeline."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from caskmcp.errors import CaskError, Exit
from caskmcp.text import parse_yaml
from caskmcp.workflows import build, fresh
from tests.support import shop_recording
from tests.support.builds import PACK, built, captured, counts, did, edited, pack, recording, shop, why
from tests.support.syntax import ROOT
from tests.support.world import world

ARTIFACTS = {
    "auth.yaml",
    "baseline.json",
    "contracts.yaml",
    "coverage.json",
    "environments.yaml",
    "observations.json",
    "openapi.json",
    "policy.yaml",
    "scopes.suggested.yaml",
    "tools.json",
    "toolsets.yaml",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built project; copied, never changed."""
    folder = shop(tmp_path_factory.mktemp("finished") / "shop")
    built(folder)
    return folder


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A built project to change. Its index holds for another folder, so the first build here decides by content."""
    return Path(shutil.copytree(finished, tmp_path / "shop"))


def artifact(folder: Path, name: str) -> Path:
    return folder / PACK / "artifact" / name


def given(folder: Path) -> dict[str, dict[str, list[str]]]:
    rows: dict[str, dict[str, list[str]]] = json.loads((folder / ".caskmcp" / "state" / "given.json").read_bytes())["sources"]
    return rows


def parts(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(artifact(folder, "observations.json").read_bytes())["parts"]
    return found


# ---------------------------------------------------------------- what a build gives
def test_the_committed_example_is_what_its_script_writes() -> None:
    folder = ROOT / "fixtures" / "projects" / "storefront"
    assert {name: (folder / name).read_bytes() for name in shop_recording.project()} == shop_recording.project()


def test_a_first_build_makes_the_whole_pack(finished: Path) -> None:
    found = pack(finished)
    assert set(found) == {f"artifact/{name}" for name in ARTIFACTS} | {"lockfile/caskmcp.lock.pending.yaml", "toolpack.yaml"}
    record = parse_yaml(found["toolpack.yaml"], "toolpack.yaml").value
    assert record["id"] == "storefront"
    assert set(record["artifacts"]) == ARTIFACTS
    assert record["toolchain"]["cask"] == "0.1.0"
    assert len(json.loads(found["artifact/tools.json"])["tools"]) == 22


def test_captures_are_kept_private_and_hold_no_secret(finished: Path) -> None:
    folders = sorted((finished / ".caskmcp" / "captures").iterdir())
    assert len(folders) == 2
    for folder in (*folders, finished / ".caskmcp" / "state", finished / ".caskmcp" / "cache"):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o077 for path in folder.rglob("*") if path.is_file()} == {0}
    everything = [*captured(finished), *(path.read_bytes() for path in (finished / ".caskmcp").rglob("*") if path.is_file())]
    assert [name for name, secret in shop_recording.SECRETS.items() if any(secret.encode() in data for data in everything)] == []


def test_the_report_counts_what_was_done(tmp_path: Path) -> None:
    report = built(shop(tmp_path), explain=True)
    assert report.exit is Exit.CLEAN
    counts = {"ran": 33, "restored": 0, "up_to_date": 0, "tools": 22, "toolpack": "storefront", "disagreements": 23}
    assert report.summary == {**counts, "tokens": report.summary["tokens"]}
    assert f"about {report.summary['tokens']} tokens in a list" in report.lines
    assert {row["why"] for row in report.tables["steps"]} == {"never built"}
    assert [row["step"] for row in report.tables["steps"]][:3] == [
        "capture captures/morning.har",
        "capture specs/returns.yaml",
        "vocabulary",
    ]


# ---------------------------------------------------------------- nothing to do
@pytest.mark.feature(51)
def test_a_second_build_does_nothing_and_asks_nothing_but_times(project: Path) -> None:
    built(project)
    before = pack(project)
    report = built(project)
    assert counts(report) == (0, 0)
    assert report.summary["up_to_date"] == 33
    assert fresh.look(world(project)) is not None
    assert pack(project) == before


def test_the_first_no_op_after_a_build_is_the_fast_one(tmp_path: Path) -> None:
    built(shop(tmp_path))
    assert fresh.look(world(tmp_path)) is not None


def test_nothing_to_do_writes_nothing(project: Path) -> None:
    built(project)
    before = {path: path.stat().st_ctime_ns for path in project.rglob("*")}
    built(project)
    built(project, locked=True)
    assert {path: path.stat().st_ctime_ns for path in project.rglob("*")} == before


@pytest.mark.parametrize("heavy", ["doit", "genson", "pydantic", "msgspec", "mcp", "filelock", "caskmcp.engine", "caskmcp.compiler"])
def test_nothing_to_do_loads_nothing_heavy(project: Path, heavy: str) -> None:
    built(project)
    code = (
        "import sys; from caskmcp.cli.main import main\n"
        f"assert main(['build']) == 0; print(sorted(name for name in sys.modules if (name + '.').startswith('{heavy}.')), file=sys.stderr)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-c", "from caskmcp.cli.main import main; main(['build'])"], cwd=project, env=env, check=True, capture_output=True
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, env=env, check=True, capture_output=True, text=True)
    assert done.stderr.strip() == "[]"
    assert "ran: 0" in done.stdout


@pytest.mark.parametrize("change", ["a source is touched", "a source is renamed", "the manifest is touched", "a source is copied"])
def test_what_changes_no_content_runs_nothing(project: Path, change: str) -> None:
    built(project)
    before = pack(project)
    source = project / "captures" / "morning.har"
    if change == "a source is touched":
        os.utime(source, ns=(1, 1))
    elif change == "a source is renamed":
        source.rename(source.with_name("evening.har"))
    elif change == "a source is copied":
        shutil.copy(source, source.with_name("copy.har"))
    else:
        os.utime(project / "cask.yaml")
    assert fresh.look(world(project)) is None
    assert counts(built(project)) == (0, 0)
    assert fresh.look(world(project)) is not None
    assert pack(project) == before


# ---------------------------------------------------------------- outputs that were edited
@pytest.mark.parametrize("name", [*sorted(ARTIFACTS), "../lockfile/caskmcp.lock.pending.yaml", "../toolpack.yaml"])
@pytest.mark.parametrize("damage", ["edited", "deleted", "emptied"])
def test_an_edited_or_deleted_output_is_restored_and_no_stage_runs(project: Path, name: str, damage: str) -> None:
    built(project)
    before = pack(project)
    path = artifact(project, name)
    if damage == "deleted":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b" x" if damage == "edited" else b"")
    ran, restored = counts(built(project))
    assert (ran, restored) == (0, 0 if name.endswith("toolpack.yaml") else 1)
    assert pack(project) == before


def test_an_edit_that_keeps_size_and_time_is_found(project: Path) -> None:
    built(project)
    path = artifact(project, "tools.json")
    before, stat = path.read_bytes(), path.stat()
    path.write_bytes(before.replace(b"order", b"ordre", 1))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert counts(built(project)) == (0, 1)
    assert path.read_bytes() == before


def test_an_artifact_that_is_no_longer_emitted_goes_and_a_strangers_file_stays(project: Path) -> None:
    built(project)
    artifact(project, "notes.txt").write_text("mine")
    manifest = project / "cask.yaml"
    manifest.write_text(manifest.read_text() + "emit: [tools, toolsets, policy, baseline, contracts, scopes]\n")
    report = built(project, explain=True)
    assert why(report, "emit").startswith("parameter project.emit changed")
    assert not artifact(project, "openapi.json").exists()
    assert artifact(project, "notes.txt").exists()


def test_another_toolchain_with_the_same_bytes_leaves_the_handoff_alone(project: Path) -> None:
    path = project / PACK / "toolpack.yaml"
    digest = parse_yaml(path.read_bytes(), "t").value["toolchain"]["digest"]
    other = path.read_bytes().replace(digest.encode(), b"sha256:" + b"0" * 64)
    path.write_bytes(other)
    built(project)
    assert path.read_bytes() == other
    assert not build.derive(world(project)).same_toolchain


# ---------------------------------------------------------------- sources that come, change and go
@pytest.mark.feature(33)
def test_a_new_recording_runs_its_own_steps_and_the_groups_that_it_touches(project: Path) -> None:
    built(project)
    wanted = [row for row in shop_recording.entries() if row["request"]["url"].endswith("/api/v1/cart")]
    wanted[0]["request"]["queryString"] = []
    recording(project, "cart.har", wanted)
    found = did(built(project, explain=True), stages=("capture", "normalize", "infer"))
    assert found == {
        "capture captures/cart.har": "ran",
        "normalize captures/cart.har": "ran",
        "infer GET api.shop.example/api/v1/cart": "ran",
    }


def test_a_changed_recording_replaces_the_part_and_the_capture_that_it_gave(project: Path) -> None:
    before, kept = set(parts(project)), given(project)["openapi specs/returns.yaml"]
    recording(project, "morning.har", shop_recording.entries()[:40])
    built(project)
    (part,) = set(parts(project)) - before
    assert set(parts(project)) == {part, *kept["parts"]}
    row = given(project)["har captures/morning.har"]
    assert row["parts"][-1] == part
    assert sorted(os.listdir(project / ".caskmcp" / "captures")) == sorted([row["captures"][-1], *kept["captures"]])


def test_a_recording_that_is_gone_leaves_its_part_and_its_capture(project: Path) -> None:
    before = pack(project)
    (project / "captures" / "morning.har").unlink()
    report = built(project)
    assert "`captures/*.har` matches no file; its committed part stands" in report.lines
    assert pack(project) == before
    assert len(os.listdir(project / ".caskmcp" / "captures")) == 2


def test_a_recording_that_comes_back_changed_replaces_what_it_gave_before_it_went(project: Path) -> None:
    source = project / "captures" / "morning.har"
    source.unlink()
    built(project)
    recording(project, "morning.har", shop_recording.entries()[:40])
    built(project)
    assert len(parts(project)) == 2


def test_a_source_without_a_file_is_an_error_with_its_line_if_there_is_no_part_at_all(tmp_path: Path) -> None:
    (tmp_path / "cask.yaml").write_text("version: 1\nname: shop\nhosts: [api.shop.example]\nsources:\n  - har: captures/*.har\n")
    with pytest.raises(CaskError) as caught:
        built(tmp_path)
    assert (caught.value.code, caught.value.place) == ("CASK-C004", "cask.yaml:5")
    assert not (tmp_path / ".caskmcp" / "toolpacks").exists()


def test_a_manifest_without_sources_and_parts_has_nothing_to_compile(tmp_path: Path) -> None:
    (tmp_path / "cask.yaml").write_text("version: 1\nname: shop\nhosts: [api.shop.example]\n")
    with pytest.raises(CaskError, match="CASK-N001"):
        built(tmp_path)


def test_a_broken_recording_is_named_and_what_was_built_stays(project: Path) -> None:
    before = pack(project)
    (project / "captures" / "broken.har").write_bytes(b'{"log": {"entries": [')
    with pytest.raises(CaskError) as caught:
        built(project)
    assert caught.value.code == "CASK-C001"
    assert str(caught.value.place).startswith("captures/broken.har")
    assert pack(project) == before


def test_one_recording_in_two_orders_settles_on_one_capture(project: Path) -> None:
    recording(project, "reversed.har", shop_recording.entries()[::-1])
    before = pack(project)
    built(project)
    assert counts(built(project)) == (0, 0)
    assert counts(built(project, explain=True)) == (0, 0)
    assert pack(project) == before


def test_an_imported_capture_is_a_source_and_its_folder_is_not_written(project: Path) -> None:
    (capture,) = given(project)["har captures/morning.har"]["captures"]
    (project / "captures" / "morning.har").unlink()
    manifest = project / "cask.yaml"
    manifest.write_text(manifest.read_text().replace("har: captures/*.har", f"capture: {capture}"))
    folder = project / ".caskmcp" / "captures" / capture
    receipt = (folder / "redaction.json").read_bytes()
    before = pack(project)
    built(project)
    assert pack(project) == before
    assert (folder / "redaction.json").read_bytes() == receipt
    assert json.loads(receipt)["kind"] == "har"


# ---------------------------------------------------------------- clones
def clone(project: Path, to: Path) -> Path:
    """What git would give: the manifest, the documents and the pack; no traffic, no cache, no state."""
    to.mkdir()
    shutil.copy(project / "cask.yaml", to)
    shutil.copytree(project / "specs", to / "specs")
    shutil.copytree(project / PACK, to / PACK)
    return to


def test_a_clone_rebuilds_everything_from_the_observations_byte_for_byte(finished: Path, tmp_path: Path) -> None:
    folder = clone(finished, tmp_path / "clone")
    before = pack(folder)
    for path in (folder / PACK).rglob("*"):
        if path.is_file() and path.name != "observations.json":
            path.unlink()
    report = built(folder)
    assert report.summary["tools"] == 22
    assert pack(folder) == before


def test_a_clone_without_documents_rebuilds_the_same(finished: Path, tmp_path: Path) -> None:
    folder = clone(finished, tmp_path / "clone")
    shutil.rmtree(folder / "specs")
    before = pack(folder)
    built(folder)
    assert pack(folder) == before


def test_a_clone_keeps_the_parts_of_others_beside_its_own(finished: Path, tmp_path: Path) -> None:
    folder = clone(finished, tmp_path / "clone")
    theirs = set(parts(folder))
    (folder / "captures").mkdir()
    recording(folder, "mine.har", shop_recording.entries()[:30])
    built(folder)
    (mine,) = set(parts(folder)) - theirs
    assert theirs < set(parts(folder))
    recording(folder, "mine.har", shop_recording.entries()[:35])
    built(folder)
    assert theirs < set(parts(folder))
    assert mine not in parts(folder)
    assert len(parts(folder)) == 3
    recording(folder, "mine.har", shop_recording.entries()[:36])
    built(folder)
    assert mine not in given(folder)["har captures/mine.har"]["parts"]  # what is gone is forgotten at the next change


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"schema": "caskmcp/observations/9", "parts": {}}'])
def test_damaged_observations_in_a_clone_are_an_error_with_the_mend(finished: Path, tmp_path: Path, damage: bytes) -> None:
    folder = clone(finished, tmp_path / "clone")
    artifact(folder, "observations.json").write_bytes(damage)
    with pytest.raises(CaskError) as caught:
        built(folder)
    assert caught.value.exit is Exit.INPUT
    assert caught.value.mend == f"git checkout -- {artifact(folder, 'observations.json')}"


def test_damaged_observations_after_a_build_are_restored_with_the_parts_of_others(finished: Path, tmp_path: Path) -> None:
    folder = clone(finished, tmp_path / "clone")
    built(folder)
    before = pack(folder)
    artifact(folder, "observations.json").write_bytes(b"{")
    built(folder)
    assert pack(folder) == before


# ---------------------------------------------------------------- the cache
def test_without_the_cache_everything_is_built_again_to_the_same_bytes(project: Path) -> None:
    before = pack(project)
    shutil.rmtree(project / ".caskmcp" / "cache")
    assert counts(built(project)) == (33, 0)
    assert pack(project) == before


@pytest.mark.parametrize("damage", ["removed", "torn", "other bytes"])
def test_damaged_blobs_are_made_again_when_they_are_needed(project: Path, damage: str) -> None:
    built(project)
    for path in (project / ".caskmcp" / "cache" / "blobs").rglob("*"):
        if path.is_file():
            path.unlink() if damage == "removed" else path.write_bytes(b"" if damage == "torn" else b"{}")
    recording(project, "more.har", shop_recording.entries()[:12])
    before = set(pack(project))
    built(project)
    assert set(pack(project)) == before
    clean = shop(project.parent / "clean")
    recording(clean, "more.har", shop_recording.entries()[:12])
    built(clean)
    assert pack(clean) == pack(project)


def test_torn_receipts_and_indexes_only_cost_time(project: Path) -> None:
    built(project)
    before = pack(project)
    for path in (project / ".caskmcp" / "cache").rglob("*"):
        if path.is_file() and "blobs" not in path.parts:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    built(project)
    assert pack(project) == before


def test_a_poisoned_cache_does_not_fool_a_derivation(project: Path) -> None:
    """A blob with other tools, its receipt and the index of the last build, all made to fit by hand."""
    built(project)
    honest = artifact(project, "tools.json").read_bytes()
    poison = honest.replace(b'"risk": "high"', b'"risk": "safe"')
    assert poison != honest
    artifact(project, "tools.json").write_bytes(poison)
    kit_blobs = build._blobs(world(project).files, build.Root(project / ".caskmcp"))
    old, new = build.canon.digest_bytes(honest), kit_blobs.put(poison)
    for path in (project / ".caskmcp" / "cache").rglob("*"):
        if path.is_file() and "blobs" not in path.parts:
            path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))
    assert counts(built(project)) == (1, 0)  # the pending lock, of the poisoned tools
    assert artifact(project, "tools.json").read_bytes() == poison
    assert build.derive(world(project)).files["tools.json"] == honest


# ---------------------------------------------------------------- derive
def test_a_derivation_gives_every_artifact_and_writes_nothing(project: Path) -> None:
    before = {path: path.stat().st_ctime_ns for path in project.rglob("*")}
    derived = build.derive(world(project))
    assert {f"artifact/{name}": data for name, data in derived.files.items()} == {
        name: data for name, data in pack(project).items() if name.startswith("artifact/")
    }
    assert derived.pending == (project / PACK / "lockfile" / "caskmcp.lock.pending.yaml").read_bytes()
    assert {path: path.stat().st_ctime_ns for path in project.rglob("*")} == before
    assert derived.same_toolchain


def test_the_basis_is_traffic_only_where_traffic_gives_the_observations_again(project: Path, tmp_path: Path) -> None:
    assert build.derive(world(project)).basis == "traffic"
    assert build.derive(world(project), basis="observations").basis == "observations"
    assert build.derive(world(clone(project, tmp_path / "clone"))).basis == "observations"
    edited(artifact(project, "observations.json"), lambda value: value["parts"].clear())
    assert build.derive(world(project)).basis == "observations"


def test_the_basis_of_documents_alone_is_spec(tmp_path: Path) -> None:
    shop(tmp_path)
    manifest = tmp_path / "cask.yaml"
    manifest.write_text(manifest.read_text().replace("  - har: captures/*.har\n", ""))
    built(tmp_path)
    assert build.derive(world(tmp_path)).basis == "spec"


def test_leaving_the_sources_out_gives_the_same_artifacts(project: Path) -> None:
    assert build.derive(world(project), basis="observations").files == build.derive(world(project)).files


# ---------------------------------------------------------------- --locked, --out, --jobs
def test_locked_names_each_stale_output_and_writes_nothing(project: Path) -> None:
    built(project)
    artifact(project, "tools.json").write_bytes(b"{}")
    artifact(project, "policy.yaml").unlink()
    (project / PACK / "toolpack.yaml").unlink()
    before = {path: path.stat().st_ctime_ns for path in project.rglob("*")}
    report = built(project, locked=True)
    assert report.exit is Exit.REVIEW
    assert [(row.code, row.place, row.mend) for row in report.findings] == [
        ("CASK-B004", "artifact/policy.yaml", "cask build"),
        ("CASK-B004", "artifact/tools.json", "cask build"),
        ("CASK-B004", "toolpack.yaml", "cask build"),
    ]
    assert {path: path.stat().st_ctime_ns for path in project.rglob("*")} == before


def test_locked_is_clean_in_a_clone_that_never_built(finished: Path, tmp_path: Path) -> None:
    folder = clone(finished, tmp_path / "clone")
    before = sorted(folder.rglob("*"))
    assert built(folder, locked=True).exit is Exit.CLEAN
    assert sorted(folder.rglob("*")) == before


def test_locked_finds_a_changed_source(project: Path) -> None:
    recording(project, "morning.har", shop_recording.entries()[:60])
    report = built(project, locked=True)
    assert report.exit is Exit.REVIEW
    assert "observations.json" in {row.subject for row in report.findings}


def test_out_exports_a_copy_with_lock_and_trust_chain(project: Path, tmp_path: Path) -> None:
    (project / PACK / "trust").mkdir()
    (project / PACK / "trust" / "1.root.json").write_bytes(b"{}")
    built(project, out="../copy")
    copy = tmp_path / "copy"
    assert {path.relative_to(copy).as_posix(): path.read_bytes() for path in copy.rglob("*") if path.is_file()} == pack(project)


def test_several_jobs_give_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    folder = shop(tmp_path)
    built(folder, jobs=2)
    assert pack(folder) == pack(finished)


def test_two_builds_at_once_wait_for_each_other(finished: Path, tmp_path: Path) -> None:
    folder = shop(tmp_path)
    command = [sys.executable, "-m", "caskmcp", "build"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    texts = [child.communicate(timeout=60)[0] for child in both]
    assert [child.returncode for child in both] == [0, 0]
    assert sorted("ran: 33" in text for text in texts) == [False, True]
    assert pack(folder) == pack(finished)


def test_a_new_name_makes_a_new_pack_and_leaves_the_old_one(project: Path) -> None:
    manifest = project / "cask.yaml"
    manifest.write_text(manifest.read_text().replace("name: storefront", "name: renamed"))
    built(project)
    assert sorted(os.listdir(project / ".caskmcp" / "toolpacks")) == ["renamed", "storefront"]
    assert set(os.listdir(project / ".caskmcp" / "toolpacks" / "renamed" / "artifact")) == ARTIFACTS


# ---------------------------------------------------------------- hostile and odd folders
@pytest.mark.parametrize(
    "place", ["toolpacks/storefront/artifact", "toolpacks/storefront/lockfile", "toolpacks", "captures", "state", "cache"]
)
def test_a_link_in_a_checkout_cannot_say_where_else_a_build_writes(tmp_path: Path, place: str) -> None:
    folder, outside = shop(tmp_path / "shop"), tmp_path / "outside"
    outside.mkdir()
    (folder / ".caskmcp" / place).parent.mkdir(parents=True)
    (folder / ".caskmcp" / place).symlink_to(outside)
    with pytest.raises(CaskError, match=f"CASK-I005 .*{place} · rm "):
        built(folder)
    assert os.listdir(outside) == []


def test_a_source_whose_name_is_no_text_is_built_and_shown_with_escapes(tmp_path: Path) -> None:
    folder = shop(tmp_path / "shop")
    (folder / "captures" / "morning.har").rename(folder / "captures" / os.fsdecode(b"m\xff*=.har"))
    report = built(folder, explain=True)
    assert report.tables["steps"][0]["step"] == "capture captures/m\\udcff*=.har"
    assert counts(built(folder)) == (0, 0)


def test_a_root_elsewhere_takes_everything(tmp_path: Path) -> None:
    folder = shop(tmp_path / "shop")
    build.run(world(folder, root="../root"))
    assert sorted(os.listdir(folder)) == ["captures", "cask.yaml", "specs"]
    assert (tmp_path / "root" / "toolpacks" / "storefront" / "toolpack.yaml").exists()
    assert fresh.look(world(folder)) is None
    assert fresh.look(world(folder, root="../root")) is not None
