"""A real ssh-agent on a socket of its own, keys made by ssh-keygen, and an authenticator of software for keys of kind `sk`.

The authenticator is `sk_provider.c`, which OpenSSH's own helper loads: it says that it was touched whenever it is asked for that.
"""

import functools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PROGRAMS: Final = ("ssh-agent", "ssh-add", "ssh-keygen")
COMPILERS: Final = ("cc", "gcc", "clang")

needs_openssh: Final = pytest.mark.skipif(
    not all(map(shutil.which, PROGRAMS)), reason="needs OpenSSH's client programs: apt-get install openssh-client"
)
needs_compiler: Final = pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="needs a C compiler: apt-get install gcc libssl3")


@functools.cache
def provider() -> Path | None:
    """The compiled authenticator, or None where it cannot be compiled or OpenSSH's helper is missing."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        return None
    made = Path(tempfile.mkdtemp(prefix="cask-sk-")) / "sk.so"
    source = ROOT / "tests" / "support" / "sk_provider.c"
    done = subprocess.run(
        [compiler, "-O1", "-fPIC", "-shared", "-o", str(made), str(source), "-l:libcrypto.so.3"], capture_output=True, check=False
    )
    return made if done.returncode == 0 else None


def authenticator() -> Path:
    """The authenticator; skips the test where there is none."""
    made = provider()
    if made is None:
        pytest.skip("needs libcrypto 3 for the software authenticator")
    return made


def run(*argv: str | Path, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run one of OpenSSH's programs to its end."""
    return subprocess.run([*map(str, argv)], input=stdin, capture_output=True, timeout=30, check=False, env={**os.environ, **(env or {})})


def make_key(path: Path, kind: str = "ed25519", *options: str, comment: str | None = None) -> Path:
    """A key made by ssh-keygen, without a passphrase. kind: as `ssh-keygen -t`."""
    env = {"SSH_SK_PROVIDER": str(authenticator())} if kind.endswith("-sk") else {}
    done = run("ssh-keygen", "-q", "-t", kind, "-N", "", *options, "-C", comment or path.name, "-f", path, env=env)
    assert done.returncode == 0, done.stderr.decode()
    return path


@dataclass(frozen=True)
class RealAgent:
    """An ssh-agent that runs."""

    socket: Path

    @property
    def environ(self) -> dict[str, str]:
        """What a program finds it by."""
        return {"SSH_AUTH_SOCK": str(self.socket)}

    def add(self, key: Path) -> None:
        """Give it a key."""
        env = {**self.environ, **({"SSH_SK_PROVIDER": str(made)} if (made := provider()) else {})}
        done = run("ssh-add", "-q", key, env=env)
        assert done.returncode == 0, done.stderr.decode()

    def forget(self) -> None:
        """Take all keys away."""
        run("ssh-add", "-q", "-D", env=self.environ)


@contextmanager
def ssh_agent() -> Iterator[RealAgent]:
    """An ssh-agent without keys, ended with the context."""
    # A socket's path has at most 107 bytes: below pytest's own folder it can be longer.
    with tempfile.TemporaryDirectory(prefix="cask-agent-") as folder:
        path = Path(folder) / "socket"
        process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", str(path), "-P", f"{tempfile.gettempdir()}/*"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait(path)
            yield RealAgent(path)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _wait(path: Path) -> None:
    """Until somebody listens: the socket is there a moment before."""
    for _ in range(500):
        with socket.socket(socket.AF_UNIX) as link:
            if link.connect_ex(str(path)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError("the ssh-agent did not begin")
