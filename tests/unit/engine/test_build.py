"""Builds of the toy pipeline: what runs, what is restored, what is left alone, and what is said about it."""

import os
import shutil
from pathlib import Path

import pytest

from caskmcp.compiler.pipeline import Inputs, Outputs
from caskmcp.errors import CaskError
from tests.support import toy
from tests.support.toy import Bench, done, step, worked


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    toy.calls.clear()
    bench = Bench(tmp_path)
    bench.source("a.txt", "fruit apple\nfruit pear\n")
    bench.source("b.txt", "fruit apple\nstone flint\n")
    return bench


def pack(bench: Bench, name: str) -> Path:
    return bench.root.path / "packs" / "toy" / name


def test_a_first_build_runs_every_step_and_lays_every_output(bench: Bench) -> None:
    plan = bench.build()
    assert done(plan) == dict.fromkeys(
        (
            "read a.txt",
            "read b.txt",
            "count a.txt",
            "count b.txt",
            "join",
            "look fruit",
            "look stone",
            "mark fruit",
            "mark stone",
            "write",
            "seal",
        ),
        "ran",
    )
    assert pack(bench, "all.json").read_bytes() == (
        b'{\n  "fruit": {\n    "apple": 2,\n    "pear": 1\n  },\n  "stone": {\n    "flint": 1\n  }\n}\n'
    )
    assert pack(bench, "files/stone.json").read_bytes() == b'[\n  [\n    "flint"\n  ],\n  [\n    "flint!"\n  ]\n]\n'
    assert pack(bench, "lock.txt").read_bytes() == b'["fruit.json", "stone.json"]'
    assert len(list(bench.root.captures.glob("*/lines.txt"))) == 2


def test_private_targets_are_closed_to_others_and_public_ones_are_not(bench: Bench) -> None:
    bench.build()
    (one, *_) = bench.root.captures.glob("*/lines.txt")
    assert [path.stat().st_mode & 0o777 for path in (one, one.parent, bench.root.captures)] == [0o600, 0o700, 0o700]
    assert pack(bench, "lock.txt").stat().st_mode & 0o044


@pytest.mark.feature(51)
def test_a_second_build_has_nothing_to_do(bench: Bench) -> None:
    bench.build()
    toy.calls.clear()
    plan = bench.build()
    assert worked(plan) == []
    assert plan.stale() == []
    assert not toy.calls
    assert {step.why for step in plan.steps.values()} == {"nothing changed"}


def test_touching_or_renaming_a_source_changes_nothing(bench: Bench) -> None:
    bench.build()
    before = bench.tree()
    os.utime(bench.sources / "a.txt", ns=(1, 1))
    os.rename(bench.sources / "b.txt", bench.sources / "z = *.txt")
    plan = bench.build()
    assert worked(plan) == []
    assert bench.tree() == before
    assert step(plan, "read z = *.txt").why == "never built (known result)"


def test_a_second_file_of_the_same_content_adds_nothing(bench: Bench) -> None:
    bench.build()
    before = bench.tree()
    shutil.copy(bench.sources / "a.txt", bench.sources / "copy.txt")
    assert worked(bench.build()) == []
    assert bench.tree() == before


def test_white_space_runs_the_first_stage_alone(bench: Bench) -> None:
    bench.build()
    bench.source("a.txt", "fruit apple  \n\nfruit pear\n")
    plan = bench.build()
    assert worked(plan) == ["read a.txt"]
    assert step(plan, "read a.txt").why == "input source changed"
    assert step(plan, "count a.txt").why == "inputs came out the same"


@pytest.mark.feature(33)
def test_a_changed_source_runs_its_own_steps_and_the_groups_that_it_touches(bench: Bench) -> None:
    bench.build()
    bench.source("b.txt", "fruit apple\nstone flint\nstone slate\n")
    plan = bench.build()
    assert worked(plan) == ["count b.txt", "join", "look stone", "mark stone", "read b.txt", "seal", "write"]
    assert step(plan, "seal").why == "input write.files changed (stone.json)"


def test_a_new_group_adds_its_steps_and_a_vanished_one_takes_its_file_from_the_map(bench: Bench) -> None:
    bench.build()
    bench.source("b.txt", "fruit apple\nwood oak\n")
    plan = bench.build()
    assert worked(plan) == ["count b.txt", "join", "look wood", "mark wood", "read b.txt", "seal", "write"]
    assert pack(bench, "lock.txt").read_bytes() == b'["fruit.json", "wood.json"]'


def test_a_changed_parameter_runs_what_reads_it_and_names_both_values(bench: Bench) -> None:
    bench.build()
    bench.params["marks"] = "?"
    plan = bench.build()
    assert worked(plan) == ["mark fruit", "mark stone", "seal", "write"]
    assert step(plan, "mark fruit").why == 'parameter project.marks: "!" -> "?"'
    assert step(plan, "write").why == "input mark.note changed (fruit, stone)"


def test_another_toolchain_runs_everything_and_says_so(bench: Bench) -> None:
    bench.build()
    bench.toolchain = "sha256:" + "1" * 64
    plan = bench.build()
    assert set(done(plan).values()) == {"ran"}
    assert {step.why for step in plan.steps.values()} == {"the toolchain changed"}


def test_an_input_that_is_turned_back_is_restored_without_a_stage(bench: Bench) -> None:
    bench.build()
    before = bench.tree()
    bench.source("b.txt", "stone slate\n")
    bench.build()
    bench.source("b.txt", "fruit apple\nstone flint\n")
    toy.calls.clear()
    plan = bench.build()
    assert not toy.calls
    assert worked(plan) == ["join", "write"]
    assert step(plan, "join").why == "all.json was changed"
    assert {name: data for name, data in bench.tree().items() if name.startswith("packs")} == {
        name: data for name, data in before.items() if name.startswith("packs")
    }


@pytest.mark.parametrize("name", ["all.json", "files/fruit.json", "lock.txt"])
@pytest.mark.parametrize("damage", ["edited", "deleted"])
def test_an_edited_or_deleted_output_is_restored_without_a_stage(bench: Bench, name: str, damage: str) -> None:
    bench.build()
    before = bench.tree()
    toy.calls.clear()
    if damage == "deleted":
        pack(bench, name).unlink()
    else:
        pack(bench, name).write_bytes(b"tampered")
    plan = bench.build()
    (restored,) = worked(plan)
    assert step(plan, restored).why == f"{Path(name).name} {'is missing' if damage == 'deleted' else 'was changed'}"
    assert not toy.calls
    assert bench.tree() == before


def test_an_output_edited_to_the_same_size_and_time_is_restored(bench: Bench) -> None:
    bench.build()
    path = pack(bench, "lock.txt")
    stat = path.stat()
    path.write_bytes(path.read_bytes().replace(b"fruit", b"fruix"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert worked(bench.build()) == ["seal"]
    assert b"fruit" in path.read_bytes()


def test_with_all_blobs_gone_nothing_runs_until_they_are_needed_and_targets_give_theirs_back(bench: Bench) -> None:
    bench.build()
    before = bench.tree()
    shutil.rmtree(bench.root.blobs)
    plan = bench.build()
    assert "seal" not in worked(plan)
    assert step(plan, "count a.txt").why == "a blob was lost"
    assert bench.tree() == before


def test_with_the_whole_cache_gone_everything_runs_to_the_same_bytes(bench: Bench) -> None:
    bench.build()
    before = bench.tree()
    shutil.rmtree(bench.root.cache)
    bench.last = {}
    plan = bench.build()
    assert set(done(plan).values()) == {"ran"}
    assert bench.tree() == before


def test_a_damaged_blob_behind_an_edited_output_makes_its_stage_run(bench: Bench) -> None:
    plan = bench.build()
    before = bench.tree()
    outs = step(plan, "seal").outs
    assert outs is not None
    plan.site.blobs.path(outs["lock"]).write_bytes(b"rotten")  # type: ignore[arg-type]
    pack(bench, "lock.txt").write_bytes(b"tampered")
    toy.calls.clear()
    assert worked(bench.build()) == ["seal"]
    assert toy.calls == {"seal": 1}
    assert bench.tree() == before


def test_no_sources_and_committed_parts_build_everything_behind_the_merge(bench: Bench) -> None:
    for path in bench.sources.iterdir():
        path.unlink()
    bench.committed = {"p1": {"fruit fig": 3}}
    plan = bench.build()
    assert list(done(plan)) == ["join", "look fruit", "mark fruit", "write", "seal"]
    assert pack(bench, "lock.txt").read_bytes() == b'["fruit.json"]'


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_any_number_of_jobs_gives_the_same_bytes(tmp_path: Path, jobs: int) -> None:
    trees = []
    for name, count in (("one", 1), ("many", jobs)):
        (tmp_path / name).mkdir()
        bench = Bench(tmp_path / name)
        for number in range(12):
            bench.source(f"{number}.txt", f"g{number % 5} w{number}\ng{number % 3} v\n")
        bench.build(jobs=count)
        trees.append(bench.tree())
    assert trees[0] == trees[1]
    assert len(trees[0]) == 12 + 7


def test_the_order_and_names_of_sources_do_not_matter(tmp_path: Path) -> None:
    texts = [f"g{number % 3} w{number}\n" for number in range(6)]
    trees = []
    for name, order in (("up", texts), ("down", texts[::-1])):
        (tmp_path / name).mkdir()
        bench = Bench(tmp_path / name)
        for number, text in enumerate(order):
            bench.source(f"{name}{number}.txt", text)
        bench.build()
        trees.append(bench.tree())
    assert trees[0] == trees[1]


def test_the_cache_of_another_folder_is_as_good(bench: Bench, tmp_path: Path) -> None:
    bench.build()
    (tmp_path / "clone").mkdir()
    clone = Bench(tmp_path / "clone")
    shutil.rmtree(clone.root.path)
    shutil.copytree(bench.root.path, clone.root.path)
    for path in bench.sources.iterdir():
        shutil.copy(path, clone.sources)
    assert worked(clone.build()) == []


# ---------------------------------------------------------------- failures
def test_an_error_of_a_source_comes_out_as_itself(bench: Bench) -> None:
    bench.source("bad.txt", "fruit fig\nBAD\n")
    with pytest.raises(CaskError, match="CASK-C001 a word is bad · line 2"):
        bench.build()


def test_what_was_finished_before_a_failure_is_kept(bench: Bench) -> None:
    bench.source("0.txt", "BUG\n")
    with pytest.raises(KeyError):
        bench.build()
    (bench.sources / "0.txt").unlink()
    toy.calls.clear()
    bench.build()
    assert toy.calls["read"] + toy.calls["count"] < 4


def test_a_stage_that_gives_other_outputs_than_its_row_says_is_a_bug(bench: Bench) -> None:
    def wrong(inputs: Inputs) -> Outputs:
        return {"lock": b"", "extra": b""}

    bench.resolve = lambda name: wrong if name == "seal" else toy.resolve(name)
    with pytest.raises(CaskError, match=r"CASK-B001 seal gave \['extra', 'lock'\] instead of \['lock'\]"):
        bench.build()


def test_a_stage_that_gives_other_bytes_for_the_same_inputs_is_found(bench: Bench) -> None:
    plan = bench.build()
    outs = step(plan, "seal").outs
    assert outs is not None
    plan.site.blobs.remove(outs["lock"])  # type: ignore[arg-type]
    pack(bench, "lock.txt").unlink()
    bench.resolve = lambda name: (lambda inputs: {"lock": b"by the clock"}) if name == "seal" else toy.resolve(name)
    with pytest.raises(CaskError, match="CASK-B002 seal gave other bytes"):
        bench.build()


def test_a_source_that_changes_while_it_is_read_leaves_no_receipt(bench: Bench) -> None:
    def slow(inputs: Inputs) -> Outputs:
        blocks = inputs.blocks("source")
        first = next(blocks)
        bench.source("a.txt", "stone slate\n")
        return toy.read(type("Same", (), {"blocks": lambda self, role: iter([first, *blocks])})())

    bench.resolve = lambda name: slow if name == "read" else toy.resolve(name)
    with pytest.raises(CaskError, match="CASK-C001 it was changed while it was read"):
        bench.build()
    bench.resolve = toy.resolve
    bench.build()
    assert b'"slate": 1' in pack(bench, "all.json").read_bytes()


def test_two_sources_that_give_one_capture_settle_on_one_content_and_stay_there(bench: Bench) -> None:
    bench.source("same.txt", "fruit pear\nfruit apple\n")
    bench.build()
    before = bench.tree()
    assert worked(bench.build()) == []
    assert bench.tree() == before
    assert len(list(bench.root.captures.iterdir())) == 2
