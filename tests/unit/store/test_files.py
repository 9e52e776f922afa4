"""The file system adapter on a real disk: whole writes, private modes, journals, globs, and what the disk refuses."""

import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.ports import Files
from caskmcp.store.files import LocalFiles, prepare, spooled, sweep
from tests.support.syntax import ROOT

FILES: Files = LocalFiles()


def bits(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refused(code: str, call: object, *arguments: object, **options: object) -> CaskError:
    assert callable(call)
    with pytest.raises(CaskError) as caught:
        call(*arguments, **options)
    assert caught.value.code == code
    assert caught.value.place
    return caught.value


def as_nobody(code: str, *arguments: Path) -> str:
    """Run code as a user without rights; returns what it prints."""
    drop = "import os, sys; os.getuid() or (os.setgroups([]), os.setgid(65534), os.setuid(65534))\n"
    head = "from pathlib import Path\nfrom caskmcp.store.files import LocalFiles\nfrom caskmcp.errors import CaskError\n"
    done = subprocess.run(
        [sys.executable, "-c", head + drop + code, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.strip()


# ---------------------------------------------------------------- reading
def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\r\ntwo")
    assert FILES.read(tmp_path / "a") == b"one\r\ntwo"
    assert list(FILES.chunks(tmp_path / "a", 3)) == [b"one", b"\r\nt", b"wo"]


def test_a_file_of_exactly_the_limit_is_read_and_a_larger_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert FILES.read(tmp_path / "a", 5) == b"12345"
    assert refused("CASK-C005", FILES.read, tmp_path / "a", 4).what == "larger than 4 bytes"


@pytest.mark.parametrize("name", ["absent", "a/below-a-file", "n" * 300, "loop"])
def test_what_is_not_there_is_an_error_of_input_with_place_and_mend(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    error = refused("CASK-I002", FILES.read, tmp_path / name)
    assert error.place == str(tmp_path / name)
    assert error.mend == f"ls {(tmp_path / name).parent}"


def test_a_path_with_a_null_byte_is_an_error_of_input() -> None:
    assert "null byte" in refused("CASK-I002", FILES.read, Path("/tmp/a\0b")).what
    refused("CASK-I002", FILES.write, Path("/tmp/a\0b"), b"")


def test_a_folder_is_not_read_as_a_file(tmp_path: Path) -> None:
    assert "folder" in refused("CASK-I002", FILES.read, tmp_path).what
    assert "folder" in refused("CASK-I002", lambda: list(FILES.chunks(tmp_path))).what


def test_reading_without_permission_says_what_to_look_at(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"x")
    secret.chmod(0)
    for parent in tmp_path.relative_to("/tmp").parents if tmp_path.is_relative_to("/tmp") else ():
        (Path("/tmp") / parent).chmod(0o755)
    tmp_path.chmod(0o755)
    code = "try: LocalFiles().read(Path(sys.argv[1]))\nexcept CaskError as e: print(e)"
    assert as_nobody(code, secret) == f"CASK-W001 permission denied · {secret} · ls -ld {secret}"


def test_a_stat_key_changes_with_content_time_and_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1")
    first = FILES.stat_key(path)
    assert first == FILES.stat_key(path)
    assert first[2] == 1
    os.utime(path, ns=(5, 5))
    assert FILES.stat_key(path)[3] == 5
    assert FILES.stat_key(path) != first
    refused("CASK-I002", FILES.stat_key, tmp_path / "b")


def test_stat_keys_are_those_of_each_and_say_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1")
    assert FILES.stat_keys([path, tmp_path / "b", tmp_path / "a" / "c", Path("\0")]) == (
        FILES.stat_key(path),
        "FileNotFoundError",
        "NotADirectoryError",
        "ValueError",
    )


def test_the_mode_is_told_with_its_owner(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "a").chmod(0o640)
    assert FILES.mode(tmp_path / "a") == (0o640, os.getuid())


# ---------------------------------------------------------------- writing
def test_a_write_makes_folders_and_replaces_the_whole_file(tmp_path: Path) -> None:
    FILES.write(tmp_path / "x" / "y" / "a", b"first, longer")
    FILES.write(tmp_path / "x" / "y" / "a", b"second")
    assert (tmp_path / "x" / "y" / "a").read_bytes() == b"second"
    assert os.listdir(tmp_path / "x" / "y") == ["a"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_a_private_file_and_its_new_folders_are_closed_to_others_under_any_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        FILES.write(tmp_path / "state" / "keys" / "a", b"secret", private=True)
        FILES.append(tmp_path / "log" / "a", b"line")
        with FILES.stream(tmp_path / "captures" / "a", private=True) as sink:
            sink.write(b"x")
    finally:
        os.umask(before)
    assert bits(tmp_path / "state" / "keys" / "a") == bits(tmp_path / "captures" / "a") == 0o600
    assert bits(tmp_path / "log" / "a") & 0o177 == 0
    assert {bits(tmp_path / name) for name in ("state", "state/keys", "log", "captures")} == {0o700}


def test_a_public_file_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        FILES.write(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert bits(tmp_path / "a") == 0o640


def test_a_write_over_a_link_replaces_the_link_and_leaves_what_it_led_to(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"mine")
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    FILES.write(tmp_path / "a", b"new")
    assert (tmp_path / "elsewhere").read_bytes() == b"mine"
    assert not (tmp_path / "a").is_symlink()


def test_a_stream_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    FILES.write(tmp_path / "a", b"old")

    def half() -> None:
        with FILES.stream(tmp_path / "a") as sink:
            sink.write(b"half")
            raise RuntimeError("the reader broke")

    with pytest.raises(RuntimeError, match="the reader broke"):
        half()
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_full_disk_is_an_error_of_the_world_and_the_old_file_stays(tmp_path: Path) -> None:
    FILES.write(tmp_path / "a", b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        error = refused("CASK-W001", FILES.write, tmp_path / "a", b"x" * 5000)
        refused("CASK-W001", FILES.append, tmp_path / "log", b"y" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert error.mend == f"df -h {tmp_path / 'a'}"
    assert (tmp_path / "a").read_bytes() == b"old"
    assert (tmp_path / "log").read_bytes() == b""
    assert sorted(os.listdir(tmp_path)) == ["a", "log"]


def test_a_device_that_is_full_is_told_by_its_own_words() -> None:
    assert refused("CASK-W001", FILES.append, Path("/dev/full"), b"x", durable=False).what in {
        "no space left on device",
        "invalid argument",
    }


def test_writing_where_nothing_may_be_written_says_which_folder(tmp_path: Path) -> None:
    assert refused("CASK-W001", FILES.write, Path("/proc/cask/a"), b"").place == "/proc/cask/a"
    tmp_path.chmod(0o555)
    for parent in tmp_path.relative_to("/tmp").parents if tmp_path.is_relative_to("/tmp") else ():
        (Path("/tmp") / parent).chmod(0o755)
    code = "try: LocalFiles().write(Path(sys.argv[1]), b'')\nexcept CaskError as e: print(e)"
    assert as_nobody(code, tmp_path / "a") == f"CASK-W001 permission denied · {tmp_path / 'a'} · ls -ld {tmp_path}"
    tmp_path.chmod(0o755)


def test_a_file_in_the_way_of_a_folder_is_an_error_of_the_world(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    refused("CASK-W001", FILES.write, tmp_path / "a" / "b", b"")


# ---------------------------------------------------------------- temporary files
def test_below_a_prepared_root_temporary_files_lie_in_its_cache(tmp_path: Path) -> None:
    prepare(tmp_path)
    with FILES.stream(tmp_path / "toolpacks" / "shop" / "tools.json") as sink:
        sink.write(b"x")
        assert [name.endswith(".cask-tmp") for name in os.listdir(tmp_path / "cache" / "tmp")] == [True]
        assert os.listdir(tmp_path / "toolpacks" / "shop") == []
    assert os.listdir(tmp_path / "cache" / "tmp") == []
    assert bits(tmp_path / "cache") == bits(tmp_path / "cache" / "tmp") == 0o700


def test_a_strangers_cache_folder_above_takes_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "cache" / "tmp").mkdir(parents=True)
    with FILES.stream(tmp_path / "shop" / "a"):
        assert os.listdir(tmp_path / "cache" / "tmp") == []
        assert len(os.listdir(tmp_path / "shop")) == 1


def test_a_folder_for_temporary_files_that_comes_and_goes_is_missed_by_no_write(tmp_path: Path) -> None:
    target = tmp_path / "toolpacks" / "shop" / "tools.json"

    def beside() -> bool:
        """Write once more; whether the temporary file stood beside its target meanwhile."""
        with FILES.stream(target) as sink:
            sink.write(b"x")
            return len(os.listdir(target.parent)) > target.parent.joinpath("tools.json").exists()

    found = [beside()]
    prepare(tmp_path)
    found += [beside(), beside()]
    (tmp_path / "cache" / "tmp").rmdir()
    found += [beside()]
    prepare(tmp_path)
    found += [beside()]
    assert found == [True, False, False, True, False]
    assert target.read_bytes() == b"x"


HOLDING = (
    "import sys; from pathlib import Path; from caskmcp.store.files import LocalFiles\n"
    "with LocalFiles().stream(Path(sys.argv[1])) as sink:\n    print('open', flush=True); sys.stdin.read(); sink.write(b'whole')"
)


def test_a_sweep_removes_what_dead_writers_left_and_nothing_of_living_ones(tmp_path: Path) -> None:
    prepare(tmp_path)
    folder = tmp_path / "cache" / "tmp"
    for name in ("1-0.cask-tmp", "nonsense.cask-tmp", "notes.txt"):  # process 1 lives, and did not write this
        (folder / name).write_bytes(b"")
    (folder / "link.cask-tmp").symlink_to(tmp_path / "cache" / "CACHEDIR.TAG")
    alive = subprocess.Popen([sys.executable, "-c", HOLDING, str(tmp_path / "a")], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert alive.stdout is not None
    assert alive.stdout.readline() == b"open\n"
    with FILES.stream(tmp_path / "b") as sink:
        sweep(tmp_path)
        sink.write(b"ours")
    alive.communicate(b"")
    assert alive.returncode == 0
    assert sorted(os.listdir(folder)) == ["link.cask-tmp", "notes.txt"]
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == (b"whole", b"ours")


def test_a_writer_killed_outside_a_root_is_cleaned_up_after_by_the_next_write_of_that_file(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from caskmcp.store.files import LocalFiles\n"
        "with LocalFiles().stream(Path(sys.argv[1])) as sink:\n    sink.write(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], cwd=ROOT, check=False)
    assert len(os.listdir(tmp_path)) == 1
    FILES.write(tmp_path / "b", b"another file")
    assert len(os.listdir(tmp_path)) == 2
    FILES.write(tmp_path / "a", b"whole")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_what_is_spooled_appears_under_the_name_given_at_the_end_or_not_at_all(tmp_path: Path) -> None:
    with spooled(tmp_path / "tmp") as (sink, move):
        sink.write(b"one ")
        sink.write(b"two")
        move(tmp_path / "blobs" / "a")
    assert (tmp_path / "blobs" / "a").read_bytes() == b"one two"
    assert bits(tmp_path / "blobs" / "a") == 0o600
    with pytest.raises(ZeroDivisionError), spooled(tmp_path / "tmp") as (sink, _):
        sink.write(b"x" * (1 // 0))
    assert os.listdir(tmp_path / "tmp") == []


# ---------------------------------------------------------------- journals
def test_lines_are_appended_with_one_end_each(tmp_path: Path) -> None:
    FILES.append(tmp_path / "log", b"one")
    FILES.append(tmp_path / "log", b"two\n")
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"one\nha", b"one\nnew\n"), (b"half", b"new\n"), (b"a\n" + b"x" * 9000, b"a\nnew\n"), (b"", b"new\n"), (b"one\n", b"one\nnew\n")],
)
def test_a_torn_last_line_is_cut_before_the_next_one(tmp_path: Path, before: bytes, after: bytes) -> None:
    (tmp_path / "log").write_bytes(before)
    FILES.append(tmp_path / "log", b"new")
    assert (tmp_path / "log").read_bytes() == after


def test_lines_of_several_processes_stay_whole(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from caskmcp.store.files import LocalFiles\n"
        "for n in range(200): LocalFiles().append(Path(sys.argv[1]), (sys.argv[2] * 300 + str(n)).encode(), durable=False)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "log"), letter], cwd=ROOT) for letter in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    lines = (tmp_path / "log").read_text().splitlines()
    assert sorted(lines) == sorted(f"{letter * 300}{n}" for letter in "ab" for n in range(200))


# ---------------------------------------------------------------- removing and listing
def test_removing_what_is_absent_is_well(tmp_path: Path) -> None:
    FILES.remove(tmp_path / "a")
    FILES.remove_tree(tmp_path / "a")


def test_a_tree_is_removed_and_links_in_it_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a").write_bytes(b"")
    (tmp_path / "tree" / "below").mkdir(parents=True)
    (tmp_path / "tree" / "below" / "link").symlink_to(tmp_path / "kept")
    FILES.remove_tree(tmp_path / "tree")
    assert os.listdir(tmp_path) == ["kept"]
    assert os.listdir(tmp_path / "kept") == ["a"]


def test_a_listing_is_sorted_and_empty_for_what_is_no_folder(tmp_path: Path) -> None:
    for name in ("b", "a", "ä", "B"):
        (tmp_path / name).write_bytes(b"")
    assert FILES.listing(tmp_path) == ("B", "a", "b", "ä")
    assert FILES.listing(tmp_path / "absent") == FILES.listing(tmp_path / "a") == ()


def test_existing_folders_are_told_from_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert FILES.exists(tmp_path / "a")
    assert not FILES.exists(tmp_path / "b")
    assert FILES.is_folder(tmp_path)
    assert not FILES.is_folder(tmp_path / "a")


# ---------------------------------------------------------------- globs
@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.har", "b.har", "b.txt", "x/c.har", "x/y/d.har", ".hidden/e.har", ".f.har", "x/[1].har"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "o.har").write_bytes(b"")
    (tmp_path / "in" / "link.har").symlink_to(tmp_path / "out" / "o.har")
    (tmp_path / "in" / "inner.har").symlink_to(tmp_path / "in" / "a.har")
    (tmp_path / "in" / "leads-out").symlink_to(tmp_path / "out")
    (tmp_path / "in" / "x" / "round").symlink_to(tmp_path / "in")
    return tmp_path / "in"


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.har", ["a.har", "b.har", "inner.har"]),
        ("a.har", ["a.har"]),
        ("./a.har", ["a.har"]),
        ("absent.har", []),
        ("*/*.har", ["x/[1].har", "x/c.har"]),
        ("**/*.har", ["a.har", "b.har", "inner.har", "x/[1].har", "x/c.har", "x/y/d.har"]),
        ("x/**", ["x/[1].har", "x/c.har", "x/y/d.har"]),
        (".*.har", [".f.har"]),
        (".hidden/*.har", [".hidden/e.har"]),
        ("[ab].har", ["a.har", "b.har"]),
        ("x/[[]1].har", ["x/[1].har"]),
        ("?.txt", ["b.txt"]),
        ("x", []),
        ("link.har", []),
        ("leads-out/*.har", []),
        ("leads-out/o.har", []),
        ("x/round/a.har", ["x/round/a.har"]),
    ],
)
def test_a_glob_gives_sorted_files_below_its_base_alone(tree: Path, pattern: str, found: list[str]) -> None:
    assert [path.relative_to(tree).as_posix() for path in FILES.glob(tree, pattern)] == found


@pytest.mark.parametrize("pattern", ["/etc/*", "../*", "x/../../out/*.har"])
def test_a_pattern_that_leaves_its_base_is_refused(tree: Path, pattern: str) -> None:
    with pytest.raises(CaskError, match="CASK-I005"):
        FILES.glob(tree, pattern)


# ---------------------------------------------------------------- locks
HOLD = (
    "import sys, time; from pathlib import Path; from caskmcp.store.files import LocalFiles\n"
    "with LocalFiles().lock(Path(sys.argv[1]), 5):\n    print('held', flush=True); sys.stdin.read()"
)


def test_a_held_lock_is_waited_for_and_then_refused_with_its_place(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "state" / "lock")], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(CaskError, match="CASK-B003") as caught, FILES.lock(tmp_path / "state" / "lock", 0.1):
        pass
    assert caught.value.place == str(tmp_path / "state" / "lock")
    other.kill()  # the kernel frees the lock
    other.wait()
    other.stdin.close()
    other.stdout.close()
    with FILES.lock(tmp_path / "state" / "lock", 1):
        assert bits(tmp_path / "state" / "lock") == 0o600
        assert bits(tmp_path / "state") == 0o700


def test_a_lock_can_be_taken_again_after_it_was_freed(tmp_path: Path) -> None:
    for _ in range(2):
        with FILES.lock(tmp_path / "lock", 0):
            pass
