"""A conversion is believed as a whole or not at all: by its lines, by its last one, and by the exit status."""

import os
import signal
import time
from pathlib import Path

import pytest

from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.errors import CaskError
from caskmcp.record import convert, session
from caskmcp.record.mitmdump import Program
from tests.support.standin import standin

SECRET = "s3cr3t-" + "pL83xQvTz"


def read(folder: Path, code: str) -> list[str]:
    (folder / "x.mitm").write_bytes(b"the file")
    return [each.place for each in convert.exchanges(standin(folder, code), folder / "x.mitm")]


def refused(folder: Path, code: str) -> tuple[str, str | None]:
    with pytest.raises(CaskError) as raised:
        read(folder, code)
    assert SECRET not in str(raised.value)
    return raised.value.code, raised.value.place


def test_what_ends_well_is_given(tmp_path: Path) -> None:
    assert read(tmp_path, "begin(); exchange(1); exchange(2); end(2)") == ["flow 0", "flow 1"]


def test_the_program_gets_the_file_and_not_its_name(tmp_path: Path) -> None:
    code = """
begin()
assert sys.stdin.buffer.read() == b"the file"
assert not any("x.mitm" in word for word in sys.argv), sys.argv
end(0)
"""
    assert read(tmp_path, code) == []


def test_it_gets_a_private_folder_that_is_gone_afterwards_and_none_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", SECRET)
    code = f"""
begin()
confdir = next(word for word in sys.argv if word.startswith("confdir=")).removeprefix("confdir=")
assert os.stat(confdir).st_mode & 0o777 == 0o700
open(os.path.join(confdir, "mitmproxy-ca.pem"), "w").write("key")
open({str(tmp_path / "told")!r}, "w").write(confdir)
assert "SOME_TOKEN" not in os.environ, "environment"
end(0)
"""
    assert read(tmp_path, code) == []
    confdir = Path((tmp_path / "told").read_text())
    assert not confdir.exists()
    assert not confdir.is_relative_to(tmp_path)


# fmt: off
REFUSED = {
    "its exit status":            ("begin(); exchange(1); end(1); sys.exit(1)",                    ("CASK-C001", None)),
    "killed after the end":       ("begin(); exchange(1); end(1); os.kill(os.getpid(), 9)",        ("CASK-C001", None)),
    "what it could not read":     ("begin(); exchange(1); say(**{'is': 'failed'}); end(1)",        ("CASK-C001", "flow 1")),
    "no end":                     ("begin(); exchange(1)",                                         ("CASK-C001", None)),
    "half a line":                ("begin(); os.write(settings['out'], b'{\"is\"')",                ("CASK-C001", None)),
    "another count":              ("begin(); exchange(1); end(2)",                                 ("CASK-C001", None)),
    "a line that is none":        (f"begin(); os.write(settings['out'], b'{SECRET}\\n'); end(0)",   ("CASK-C001", "line 2")),
}
# fmt: on


@pytest.mark.parametrize("name", REFUSED)
def test_refused_because_of(name: str, tmp_path: Path) -> None:
    code, expected = REFUSED[name]
    assert refused(tmp_path, code) == expected


@pytest.mark.parametrize(
    "code",
    [
        "sys.exit(0)",
        "sys.exit(1)",
        "exchange(1); end(1)",
        f"print('{SECRET}'); print('{SECRET}', file=sys.stderr); raise SystemExit(2)",
        "say(**{'is': 'begun', 'version': '10.4.2'}); end(0)",
        "say(**{'is': 'begun', 'version': '13.0.0'}); end(0)",
        "say(**{'is': 'begun', 'version': ''}); end(0)",
    ],
    ids=["ends at once", "fails at once", "no beginning", "talks", "too old", "too new", "no version"],
)
def test_a_program_that_is_not_the_right_one_is_named_as_such(code: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert refused(tmp_path, code) == ("CASK-C020", str(tmp_path / "mitmdump"))
    assert SECRET not in "".join(capfd.readouterr())


def test_a_file_that_is_no_program_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "mitmdump").write_bytes(b"\x7fELF nothing")
    (tmp_path / "mitmdump").chmod(0o755)
    (tmp_path / "x.mitm").write_bytes(b"")
    with pytest.raises(CaskError) as raised:
        list(convert.exchanges(Program(tmp_path / "mitmdump", "a stand-in", {}), tmp_path / "x.mitm"))
    assert raised.value.code == "CASK-C020"


def test_a_program_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "SILENCE", 0.3)
    # Whoever waited to its end, after an hour, would find it complete.
    assert refused(tmp_path, "begin(); exchange(1); time.sleep(3600); end(1)") == ("CASK-C001", None)


def test_it_ends_with_its_children_also_where_it_does_not_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "GRACE", 0.5)
    code = f"""
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)
open({str(tmp_path / "pids")!r}, "w").write(f"{{os.getpid()}} {{child}}")
begin(); os.write(settings["out"], b"nonsense\\n"); time.sleep(60)
"""
    assert refused(tmp_path, code) == ("CASK-C001", "line 2")
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        assert is_gone(pid)


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody waited for counts."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_who_stops_asking_ends_it(tmp_path: Path) -> None:
    code = f'open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid())); begin(); exchange(1); exchange(2); time.sleep(60)'
    (tmp_path / "x.mitm").write_bytes(b"")
    items = convert.exchanges(standin(tmp_path, code), tmp_path / "x.mitm")
    assert isinstance(next(items), Recorded)
    items.close()  # type: ignore[attr-defined]
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_ctrl_c_ends_a_conversion_as_it_ends_any_command(tmp_path: Path) -> None:
    code = "import threading\nbegin(); exchange(1); os.kill(os.getppid(), signal.SIGINT); time.sleep(60)"
    (tmp_path / "x.mitm").write_bytes(b"")
    with pytest.raises(KeyboardInterrupt):
        list(convert.exchanges(standin(tmp_path, code), tmp_path / "x.mitm"))
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
