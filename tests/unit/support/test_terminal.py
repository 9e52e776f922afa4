"""The terminal driver does what it says, shown on small Python programs."""

import sys
from pathlib import Path

import pytest

from tests.support.terminal import Answer, Terminal, environment, reviewer, shim, without_terminal

ASKS = """
import getpass, sys
secret = getpass.getpass("Passphrase for alice: ")
reason = input("Reason: ")
name = input("Type `shop` to sign: ")
print("\\x1b[32msigned\\x1b[0m", name, reason, len(secret), sys.stdin.isatty() and sys.stdout.isatty())
sys.exit(0 if name == "shop" else 4)
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_person_answers_each_prompt_and_the_exit_status_is_told(tmp_path: Path, env: dict[str, str]) -> None:
    with Terminal.spawn(python(ASKS), tmp_path, env) as person:
        person.expect("Passphrase for alice:").send("correct horse")
        person.expect("Reason:").send("first review")
        person.expect("Type `shop` to sign:").send("shop")
        done = person.finish()
    assert done.exit == 0
    assert "signed shop first review 13 True" in done.transcript


def test_a_passphrase_is_not_in_the_transcript_where_the_program_hides_it(tmp_path: Path, env: dict[str, str]) -> None:
    with Terminal.spawn(python(ASKS), tmp_path, env) as person:
        done = person.converse(reviewer("correct horse", "looks right"))
    assert done.exit == 0
    assert "correct horse" not in done.transcript
    assert "looks right" in done.transcript


def test_a_wrong_answer_gives_the_programs_own_exit_status(tmp_path: Path, env: dict[str, str]) -> None:
    with Terminal.spawn(python(ASKS), tmp_path, env) as person:
        done = person.converse([Answer(":", lambda _: "no")])
    assert done.exit == 4


def test_a_text_that_never_comes_is_a_failure_that_shows_what_was_printed(tmp_path: Path, env: dict[str, str]) -> None:
    with (
        Terminal.spawn(python("print('hello there')"), tmp_path, env) as person,
        pytest.raises(AssertionError, match=r"(?s)the command ended.*hello there"),
    ):
        person.expect("Passphrase for alice:")


def test_a_command_that_hangs_is_a_failure_and_not_a_wait_for_ever(tmp_path: Path, env: dict[str, str]) -> None:
    with (
        Terminal.spawn(python("import time; print('stuck', flush=True); time.sleep(30)"), tmp_path, env) as person,
        pytest.raises(AssertionError, match=r"(?s)nothing for 1 s.*stuck"),
    ):
        person.finish(timeout=1)


def test_ctrl_c_reaches_the_program(tmp_path: Path, env: dict[str, str]) -> None:
    code = "import time\ntry: print('up', flush=True); time.sleep(30)\nexcept KeyboardInterrupt: print('bye')"
    with Terminal.spawn(python(code), tmp_path, env) as person:
        done = person.expect("up").interrupt().finish()
    assert (done.exit, "bye" in done.transcript) == (0, True)


def test_escape_sequences_and_carriage_returns_are_taken_out(tmp_path: Path, env: dict[str, str]) -> None:
    with Terminal.spawn(python("print('\\x1b[1;31mred\\x1b[0m'); print('\\x1b]0;title\\x07next')"), tmp_path, env) as person:
        done = person.finish()
    assert done.transcript == "red\nnext\n"


def test_without_a_terminal_the_streams_are_apart_and_no_terminal(tmp_path: Path, env: dict[str, str]) -> None:
    code = "import sys; print(sys.stdin.isatty(), sys.stdout.isatty()); print('prose', file=sys.stderr); sys.exit(4)"
    done = without_terminal(python(code), cwd=tmp_path, env=env)
    assert (done.exit, done.transcript, done.errors) == (4, "False False\n", "prose\n")


def test_the_environment_is_the_given_one_alone(tmp_path: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASK_TRUST_PIN", "sha256:0")
    code = "import os; print(os.environ.get('CASK_TRUST_PIN'), os.environ['HOME'])"
    assert without_terminal(python(code), cwd=tmp_path, env=env).transcript == f"None {tmp_path}\n"


def test_the_shim_is_an_executable_called_cask(tmp_path: Path) -> None:
    script = shim(tmp_path / "bin")
    assert (script.name, script.stat().st_mode & 0o111) == ("cask", 0o111)
