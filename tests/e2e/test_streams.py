"""What the standard streams can do to a command: closed, full, a reader that goes away, too narrow, not UTF-8; and Ctrl-C."""

import json
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.spoilt import PACK, Place, approved, tree
from tests.support.terminal import CASK, Terminal, environment


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return approved(tmp_path_factory.mktemp("approved") / "desk")


@pytest.fixture
def place(base: Place, tmp_path: Path) -> Place:
    return base.copy(tmp_path / "desk")


def shell(place: Place, line: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run one line of a shell in which `cask` is a command."""
    script = f'cask() {{ {shlex.join(CASK)} "$@"; }}\n{line}'
    return subprocess.run(
        ["/bin/bash", "-c", script], cwd=place.project, env=environment(place.home, **env), capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("line", "status", "error"),
    [
        # streams that were closed before the start
        ("cask gate status >&-", 0, ""),
        ("cask build <&- >&- 2>&-", 0, ""),
        ("cask gate nothing <&- >&- 2>&-", 3, ""),
        ("cask keys new bob <&-", 4, "CASK-A001"),
        ("cask keys new bob >&-", 4, "CASK-A001"),
        ("cask serve <&-", 5, "CASK-W001 stdin or stdout is closed"),
        ("cask serve >&- </dev/null", 5, "CASK-W001 stdin or stdout is closed"),
        # a disk that is full
        ("cask gate status >/dev/full", 5, "CASK-W001 no space left on device · stdout · run: df -h"),
        ("cask gate status --format json >/dev/full", 5, "CASK-W001 no space left on device · stdout · run: df -h"),
        ("cask build >/dev/full", 5, "CASK-W001 no space left on device · stdout · run: df -h"),
        ("cask --help >/dev/full", 5, "CASK-W001 no space left on device"),
        ("cask gate nothing --format json >/dev/full", 3, "CASK-I001"),
        ("cask gate nothing 2>/dev/full", 3, ""),
        # a reader that goes away
        ("cask gate list --format json | true; exit ${PIPESTATUS[0]}", 5, ""),
        ("cask gate status | true; exit ${PIPESTATUS[0]}", 5, ""),
        ("cask --help-all | true; exit ${PIPESTATUS[0]}", 5, ""),
    ],
)
def test_a_stream_that_takes_nothing_has_an_exit_status_and_no_traceback(place: Place, line: str, status: int, error: str) -> None:
    if not Path("/dev/full").exists() and "/dev/full" in line:
        pytest.skip("this system has no /dev/full")
    done = shell(place, line)
    assert done.returncode == status, done
    assert error in done.stderr
    assert done.stderr.count("error: ") == (1 if error else 0), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("line", ["gate list", "gate list --format json", "build --explain", "diff", "--help", "graph"])
def test_the_first_line_alone_can_be_read(place: Place, line: str) -> None:
    done = shell(place, f"cask {line} | head -1")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_a_stdout_that_is_not_utf_8_shows_escapes(place: Place, env: dict[str, str]) -> None:
    done = shell(place, "cask gate status", **env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "toolpack: shop \\xb7 trust: pinned" in done.stdout
    assert shell(place, "cask gate nothing", **env).stderr == "error: CASK-I001 No such command 'nothing' \\xb7 run: cask gate --help\n"


def test_a_terminal_of_20_columns_gets_the_same_words(place: Place) -> None:
    wide = shell(place, "cask gate status")
    narrow = shell(place, "cask gate status", COLUMNS="20", LINES="5")
    assert (narrow.returncode, narrow.stdout) == (0, wide.stdout)
    for name in ("--help", "gate allow --help", "capture --help"):
        assert shell(place, f"cask {name}", COLUMNS="20").returncode == 0


@pytest.mark.parametrize("words", [("gate", "nothing"), ("build", "--jobs", "0"), ("config",), ("keys", "new")])
def test_an_error_on_the_command_line_is_json_as_well(place: Place, words: tuple[str, ...]) -> None:
    for form in (("--format", "json"), ("--format=json",)):
        done = shell(place, shlex.join(["cask", *words, *form]))
        found = json.loads(done.stdout)
        assert (done.returncode, found["schema"], found["summary"]) == (3, "caskmcp/error/1", {"exit": 3})
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("words", "shown"), [(("gate", "status", "--toolpack", "other", "--debug"), False), (("gate", "status"), False)])
def test_debug_shows_the_traceback_of_a_bug_alone(place: Place, words: tuple[str, ...], shown: bool) -> None:
    done = shell(place, shlex.join(["cask", *words]))
    assert ("Traceback" in done.stderr) is shown


def test_a_bug_is_one_line_and_its_mend_shows_the_traceback(place: Place) -> None:
    """A library that is broken stands for a bug of ours."""
    broken = place.folder / "broken"
    broken.mkdir()
    (broken / "platformdirs.py").write_text("def user_config_dir(*_, **__):\n    raise KeyError('entries')\n")
    code = f"import sys; sys.path.insert(0, {str(broken)!r}); from caskmcp.cli.main import main; sys.exit(main(sys.argv[1:]))"
    env = {key: value for key, value in environment(place.home).items() if key != "XDG_CONFIG_HOME"}
    run = [CASK[0], "-c", code, "gate", "status"]
    done = subprocess.run(run, cwd=place.project, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (70, "")
    # What stands in quotes may be what was read: it is never repeated.
    assert done.stderr == "error: CASK-W003 KeyError: '…' · run: cask gate status --debug\n"
    again = subprocess.run([*run, "--debug"], cwd=place.project, env=env, capture_output=True, text=True)
    assert again.returncode == 70
    assert again.stderr.startswith("Traceback (most recent call last):\n")
    assert "in user_config_dir" in again.stderr
    assert again.stderr.endswith("KeyError: '…'\nerror: CASK-W003 KeyError: '…' · run: cask gate status --debug\n")


@pytest.mark.parametrize(("jobs", "moment"), [("1", 0.4), ("2", 0.0), ("2", 1.0)])
def test_ctrl_c_on_a_terminal_ends_a_build_with_status_5_and_the_next_build_is_right(place: Place, jobs: str, moment: float) -> None:
    with Terminal.spawn([*CASK, "build"], place.project, environment(place.home)) as person:
        assert person.finish().exit == 0
    wanted = tree(place.project / PACK)
    shutil.rmtree(place.project / ".caskmcp" / "cache")
    recording = json.loads((place.project / "shop.har").read_bytes())
    recording["log"]["entries"] *= 400
    place.put("cask.yaml", 'version: 1\nname: shop\nhosts: [api.shop.example]\nsources: [{har: "*.har"}]\n')
    place.put("long.har", json.dumps(recording))
    with Terminal.spawn([*CASK, "build", "--jobs", jobs], place.project, environment(place.home)) as person:
        temporary, end = place.project / ".caskmcp" / "cache" / "tmp", time.monotonic() + 30
        while not temporary.is_dir():
            assert time.monotonic() < end, person.transcript
            time.sleep(0.01)
        time.sleep(moment)
        done = person.interrupt().finish()
    assert done.exit == 5, done.transcript
    assert f"error: CASK-W004 interrupted; what was finished is kept · run: cask build --jobs {jobs}\n" in done.transcript
    assert "Traceback" not in done.transcript
    assert tree(place.project / PACK) == wanted
    (place.project / "long.har").unlink()
    assert shell(place, "cask build").returncode == 0
    assert shell(place, "cask build --locked").returncode == 0
    assert not any(temporary.iterdir())
