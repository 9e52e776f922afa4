"""A person at a terminal, for tests: runs a command under a pseudo-terminal, waits for a text, types an answer.

It promises that what it shows is what a person would read: escape sequences are taken out, lines end with `\\n`, and a text that does not
come is an AssertionError with all that was printed so far. What a command should ask, and what the answer means, is the test's business.

    with Terminal.spawn([*CASK, "gate", "allow", "--all"], cwd=project, env=env) as person:
        person.expect("Reason:").send("first review")
        person.expect("Passphrase for alice:").send("correct horse")
        person.expect("Type `shop` to sign:").send("shop")
        done = person.finish()
    assert done.exit == 0
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pexpect

ROOT: Final = Path(__file__).resolve().parents[2]
"""The checkout."""

CASK: Final = (sys.executable, str(ROOT / "tests" / "support" / "bin" / "cask.py"))
"""The command line of this checkout's `cask`; its arguments follow."""

TIMEOUT: Final = 60.0
"""Seconds that a command may take to its next question or to its end, unless a test says otherwise."""

_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# Wide enough that no line of ours wraps.
_SIZE: Final = (50, 240)


@dataclass(frozen=True)
class Finished:
    """How a command ended: its exit status (-n for signal n) and all that it printed."""

    exit: int
    transcript: str
    errors: str = ""
    """stderr, where it is apart (`without_terminal`); a terminal mixes both into `transcript`."""


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return a whole environment for a command: a home of its own, this checkout's code, and nothing of the user who runs the tests."""
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        **more,
    }


def shim(folder: Path) -> Path:
    """Write an executable `cask` into `folder`, so that a shell with that folder on its PATH finds this checkout's program."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "cask"
    script.write_text(f'#!/bin/sh\nexec "{CASK[0]}" "{CASK[1]}" "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return script


def without_terminal(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: str = "", timeout: float = TIMEOUT) -> Finished:
    """Run a command on pipes, as CI and agents do."""
    done = subprocess.run(
        argv, cwd=cwd, env=dict(env), input=stdin, capture_output=True, text=True, encoding="utf-8", timeout=timeout, check=False
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def readable(raw: str) -> str:
    """Return terminal output as a person reads it."""
    return _ESCAPES.sub("", raw).replace("\r\n", "\n").replace("\r", "\n")


class Terminal:
    """One command under a pseudo-terminal. Use it as a context manager: leaving it ends the command."""

    def __init__(self, child: "pexpect.spawn[str]", timeout: float) -> None:
        self._child = child
        self._timeout = timeout
        self._seen: list[str] = []

    @classmethod
    def spawn(
        cls, argv: Sequence[str], cwd: Path, env: Mapping[str, str], *, timeout: float = TIMEOUT, size: tuple[int, int] = _SIZE
    ) -> Self:
        """Start `argv` in `cwd` with exactly the environment `env`. size: lines and columns."""
        child = pexpect.spawn(
            argv[0], list(argv[1:]), cwd=str(cwd), env=dict(env), encoding="utf-8", codec_errors="replace", dimensions=size
        )
        # pexpect waits 50 ms before each send for programs that are slow to switch echo off; ours asks only after it has.
        child.delaybeforesend = None
        return cls(child, timeout)

    @property
    def transcript(self) -> str:
        """All that was printed up to the last thing that was waited for."""
        return readable("".join(self._seen))

    @property
    def pid(self) -> int:
        """The process id of the command."""
        return int(self._child.pid)

    def expect(self, text: str, *, timeout: float | None = None) -> Self:
        """Wait until `text` is printed, exactly. AssertionError with the transcript if the command ends or the time is up before."""
        self._wait([re.compile(re.escape(text))], timeout)
        return self

    def send(self, line: str) -> Self:
        """Type a line and Enter."""
        self._child.sendline(line)
        return self

    def press(self, keys: str) -> Self:
        """Type keys, and no Enter."""
        self._child.send(keys)
        return self

    def interrupt(self) -> Self:
        """Press Ctrl-C."""
        self._child.sendintr()
        return self

    def converse(self, answers: "Sequence[Answer]") -> Finished:
        """Answer each prompt that one of `answers` knows, as often as it comes, until the command ends."""
        patterns = [re.compile(answer.prompt) for answer in answers]
        while True:
            index, match = self._wait([*patterns, pexpect.EOF], None)
            if match is None:
                return self.finish()
            self.send(answers[index].reply(match))

    def finish(self, *, timeout: float | None = None) -> Finished:
        """Wait for the end of the command."""
        if not self._child.flag_eof:
            self._wait([pexpect.EOF], timeout)
        self._child.close()
        signal = self._child.signalstatus
        return Finished(self._child.exitstatus if signal is None else -signal, self.transcript)

    def _wait(self, wanted: list[object], timeout: float | None) -> tuple[int, re.Match[str] | None]:
        seconds = self._timeout if timeout is None else timeout
        try:
            index = self._child.expect(wanted, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF) as missing:
            self._seen.append(self._child.before if isinstance(self._child.before, str) else "")
            kind = "the command ended" if isinstance(missing, pexpect.EOF) else f"nothing for {seconds:g} s"
            names = [item.pattern for item in wanted if isinstance(item, re.Pattern)] or ["the end of the command"]
            raise AssertionError(f"waited for {names}, but {kind}. So far:\n{self.transcript}") from missing
        match = self._child.match if isinstance(self._child.match, re.Match) else None
        self._seen.append(self._child.before + (match.group(0) if match else ""))
        return index, match

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._child.close(force=True)


@dataclass(frozen=True)
class Answer:
    """What a person types at a prompt."""

    prompt: str
    """A regular expression for the end of the prompt."""
    reply: Callable[[re.Match[str]], str]
    """What to type, given the match."""


def reviewer(passphrase: str, reason: str) -> tuple[Answer, ...]:
    """Return the answers of a person who signs whatever is shown: for command blocks of the docs, where the text says what is signed."""
    return (
        Answer(r"Passphrase for [^\s:]+:", lambda _: passphrase),
        Answer(r"Reason:", lambda _: reason),
        Answer(r"Type `([^`]+)` to [a-z ]+:", lambda match: match.group(1)),
        Answer(r"\[[yY]/[nN]\]:?", lambda _: "y"),
    )
