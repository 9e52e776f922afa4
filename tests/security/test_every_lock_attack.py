"""The twenty tamper cases of `fixtures/hostile/lock_attacks.md`: which test tries which, and those that need a running server, a cache or two people.

Each is also made with its guard taken out, and then has to succeed. A case that no test tries and a test that is gone are found.

| case | tried by |
|---|---|
| d-01 … d-09, d-11, d-18 | `test_lock_attacks.py`, at the door, with files and keys as they are |
| d-10, d-12, d-13 | `test_lock_attacks.py` at the door, and here under a running server |
| d-14 | `tests/e2e/test_gate_on_a_terminal.py` with two people at two terminals; its guard here |
| d-15, d-16 | `test_hostile_zips.py`, `tests/unit/govern/test_bundle.py` |
| d-17 | `test_record.py`, with every other edit of the record |
| d-19 | `tests/e2e/test_faults.py` |
| d-20 | here; for `gate allow`, `tests/unit/workflows/test_gate.py` |
"""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp.govern import lockfile
from caskmcp.govern.lockfile import ReadLock
from caskmcp.store.blobs import Blobs
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import build, subjects
from tests.support import packs
from tests.support.packs import SHARED, T1
from tests.support.serving import Project, Served, project
from tests.support.syntax import ROOT
from tests.support.upstream import Upstream
from tests.support.world import world
from tests.unit.workflows import test_gate
from tests.unit.workflows.test_gate import Desk

built = test_gate.built
desk = test_gate.desk

LOCK: Final = "tests/security/test_lock_attacks.py"
HERE: Final = "tests/security/test_every_lock_attack.py"
ZIPS: Final = "tests/security/test_hostile_zips.py"
RECORD: Final = "tests/security/test_record.py"
FAULTS: Final = "tests/e2e/test_faults.py"
# fmt: off
TRIED: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "d-01": ((LOCK, "test_d01_d02_a_changed_tool_is_gone_and_the_others_are_not"),),
    "d-02": ((LOCK, "test_d01_d02_a_changed_tool_is_gone_and_the_others_are_not"), (LOCK, "test_d02_unsigned_digests_that_are_computed_again_bring_nothing")),
    "d-03": ((LOCK, "test_d03_an_approval_that_was_written_by_hand_does_not_count"), (LOCK, "test_d03_a_status_that_is_set_to_approved_is_no_authority")),
    "d-04": ((LOCK, "test_d04_a_signature_that_was_copied_to_another_tool_does_not_count"),),
    "d-05": ((LOCK, "test_d05_a_tool_whose_signature_was_removed_is_gone"),),
    "d-06": ((LOCK, "test_d06_there_is_no_algorithm_to_choose"),),
    "d-07": ((LOCK, "test_d07_a_stranger_who_brings_the_public_key_is_still_a_stranger"), (LOCK, "test_d07_a_stranger_in_the_trust_root_refuses_the_pack")),
    "d-08": ((LOCK, "test_d08_a_flipped_bit_of_a_signature_takes_that_tool_away"),),
    "d-09": ((LOCK, "test_d09_a_subject_that_stands_twice_refuses_the_pack"), (LOCK, "test_d09_a_key_that_stands_twice_in_a_tool_refuses_the_pack")),
    "d-10": ((LOCK, "test_d10_what_was_served_before_is_not_served_again_after_the_newer_one"), (HERE, "test_d10_yesterdays_files_are_not_served_by_a_running_server")),
    "d-11": ((LOCK, "test_d11_an_approval_that_expired_yesterday_is_gone"),),
    "d-12": ((LOCK, "test_d12_without_the_lock_nothing_is_served"), (HERE, "test_d12_the_call_after_the_lock_was_deleted_is_denied")),
    "d-13": ((LOCK, "test_d13_what_replaces_a_file_after_the_check_is_not_what_was_checked"), (HERE, "test_d13_tools_that_were_replaced_between_start_and_call_do_not_run")),
    "d-14": (("tests/e2e/test_gate_on_a_terminal.py", "test_d14_two_approvals_at_once_are_both_kept"), (HERE, "test_d14_two_writers_of_one_lock_lose_nothing")),
    "d-15": ((ZIPS, "test_a_zip_that_lies_is_refused_by_the_guard_that_stands_against_it"), (ZIPS, "test_what_each_guard_would_have_to_find_the_comparison_of_the_whole_finds_too")),
    "d-16": (("tests/unit/govern/test_bundle.py", "test_what_the_manifest_does_not_list_is_refused"),),
    "d-17": ((RECORD, "test_d17_one_of_ten_thousand_lines_is_named"), (RECORD, "test_d17_without_the_comparison_of_digests_a_removed_line_is_not_missed")),
    "d-18": ((LOCK, "test_d18_a_key_that_others_can_read_does_not_sign"),),
    "d-19": ((FAULTS, "test_files_are_old_or_new_and_the_same_command_again_does_its_work"), (FAULTS, "test_without_whole_writes_the_same_trials_find_half_a_lock")),
    "d-20": (("tests/unit/workflows/test_gate.py", "test_a_poisoned_cache_does_not_fool_the_approval"), (HERE, "test_d20_a_cached_artifact_with_a_changed_byte_is_made_again")),
}
# fmt: on


# ---------------------------------------------------------------- the list
def test_each_of_the_twenty_is_tried() -> None:
    listed = re.findall(r"^\| (d-\d\d) \|", (ROOT / "fixtures/hostile/lock_attacks.md").read_text(), re.M)
    assert sorted(listed) == sorted(TRIED) == [f"d-{number:02d}" for number in range(1, 21)]


@pytest.mark.parametrize("case", TRIED)
def test_the_tests_that_are_named_exist(case: str) -> None:
    for path, name in TRIED[case]:
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.M), (path, name)


# ---------------------------------------------------------------- under a running server
UNGUARDED: Final = """
import sys
from caskmcp.govern import lockfile, statements
from caskmcp.cli.main import main
weigh, read, last = statements._weigh, lockfile.read, []
def remembered(data, toolpack):
    if data is not None:
        last[:] = [read(data, toolpack)]
    return last[0] if last else read(data, toolpack)
lockfile.read = remembered
statements.older_than_seen = lambda subject, examined, pin: ""
statements._weigh = lambda subject, digest, rows, *rest: weigh(subject, rows[0].digest if rows else digest, rows, *rest)
sys.exit(main())
"""
"""A server that remembers a lock that is gone, has no memory of sequences, and takes a statement on any content."""


class Unguarded(Project):
    """A project whose server looks away."""

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-c", UNGUARDED, "serve", "--env", "local", *words]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[tuple[Served, Served]]:
    """One as it is, one without its guards; each serves `r` and `w`."""
    guarded = project(tmp_path_factory.mktemp("guarded"), upstream)
    other = project(tmp_path_factory.mktemp("unguarded"), upstream)
    with Served(guarded) as server, Served(Unguarded(other.folder, other.upstream, other.pack, other.files)) as lax:
        yield server, lax


@contextmanager
def put_back(server: Served) -> Iterator[Project]:
    """The server's project, which is afterwards as it was, but for what its pin has seen."""
    shop = server.project
    try:
        yield shop
    finally:
        shop.rewrite(shop.files)


def renamed(tool: dict[str, Any]) -> None:
    tool["title"] = "Order by somebody"


def moved(tool: dict[str, Any]) -> None:
    tool["request"]["segments"][0]["pieces"][0]["text"] = "customers"


def test_d12_the_call_after_the_lock_was_deleted_is_denied(servers: tuple[Served, Served], upstream: Upstream) -> None:
    outcome = []
    for server in servers:
        with put_back(server) as shop:
            assert server.tools() == ["r", "w"]
            shop.pack.lock.unlink()
            sent = len(upstream.heard)
            outcome.append((server.code("r", order_id=7), server.tools(), len(upstream.heard) - sent))
    assert outcome == [("-32602", [], 0), ("", ["r", "w"], 1)]


def test_d13_tools_that_were_replaced_between_start_and_call_do_not_run(servers: tuple[Served, Served], upstream: Upstream) -> None:
    outcome = []
    for server in servers:
        with put_back(server) as shop:
            assert server.tools() == ["r", "w"]
            shop.pack.artifact("tools.json").write_bytes(packs.edited_tools(shop.files, "r", moved).tools)
            sent = len(upstream.heard)
            outcome.append((server.code("r", order_id=7), [heard.target for heard in upstream.heard[sent:]]))
    assert outcome == [("-32602", []), ("", ["/customers/7/r"])]


def test_d10_yesterdays_files_are_not_served_by_a_running_server(servers: tuple[Served, Served]) -> None:
    outcome = []
    for server in servers:
        shop, yesterday = server.project, server.project.files
        newer = packs.approve(packs.edited_tools(yesterday, "r", renamed), "tool:r", sequence=20)
        shop.rewrite(newer)
        seen = server.tools()
        shop.rewrite(yesterday)
        older = server.tools()
        shop.rewrite(packs.approve(newer, *SHARED, sequence=30))
        all_seen = server.tools()
        shop.rewrite(newer)
        outcome.append((seen, older, all_seen, server.tools()))
        shop.rewrite(packs.approve(newer, *SHARED, sequence=30))
    both = ["r", "w"]
    assert outcome == [(both, ["w"], both, []), (both, both, both, both)]


# ---------------------------------------------------------------- two writers
def both_write(writers: "Writers", patch: pytest.MonkeyPatch | None) -> set[str]:
    """Two gates that read the lock before either has written it, if nothing keeps them apart; the subjects that are left."""
    meeting = threading.Barrier(2, timeout=0.4)

    def change(subject: str) -> Callable[[ReadLock], ReadLock]:
        def add(lock: ReadLock) -> ReadLock:
            with suppress(threading.BrokenBarrierError):
                meeting.wait()  # in vain where the other one waits for us, as it should
            signed = lockfile.read(packs.approve(writers.files, subject, by=T1).lock, "shop").lock.subjects[subject]
            return lockfile.replaced(lock, subject, signed)

        return add

    if patch is not None:
        patch.setattr(LocalFiles, "lock", lambda self, path, wait: nullcontext())
    work = [
        threading.Thread(target=lambda subject=subject: subjects.rewrite(world(writers.folder), writers.pack, "shop", change(subject)))
        for subject in ("tool:r", "tool:w")
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    return set(lockfile.read(writers.pack.lock.read_bytes(), "shop").subjects)


class Writers:
    """A pack without any statement."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = packs.pack_files()
        self.pack = packs.write(self.files, folder / ".caskmcp")


def test_d14_two_writers_of_one_lock_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    assert both_write(Writers(tmp_path / "one"), None) == {"tool:r", "tool:w"}
    assert len(both_write(Writers(tmp_path / "other"), monkeypatch)) == 1, (
        "without the lock on the root the second one overwrites the first"
    )


# ---------------------------------------------------------------- the cache
def test_d20_a_cached_artifact_with_a_changed_byte_is_made_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.pack.artifact("tools.json")
    good = path.read_bytes()
    poisoned = good.replace(b"changes nothing", b"changes nothin!", 1)
    assert poisoned != good

    def poison() -> bytes:
        blobs = [
            blob for blob in (desk.cwd / ".caskmcp/cache/blobs").rglob("*") if blob.is_file() and blob.read_bytes() in (good, poisoned)
        ]
        for blob in blobs:
            blob.chmod(0o600)
            blob.write_bytes(poisoned)
        assert blobs
        path.unlink()
        build.run(desk.world())
        return path.read_bytes()

    assert poison() == good
    monkeypatch.setattr(Blobs, "check", lambda self, digest: None)
    assert poison() == poisoned, "without the check the cache is believed"
