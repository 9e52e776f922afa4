"""Real Redis and PostgreSQL servers for a test: on a loopback port, in a folder of their own, ended with the test. Each can be killed and started again.

They are what Debian's packages `redis-server` and `postgresql` install. Opt-in by CASK_STATE_SERVERS=1: starting them takes seconds that the usual run
has not got. PostgreSQL refuses to run as root, so it is then started as the user `postgres` or `nobody`.
"""

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

ASKED: Final = os.environ.get("CASK_STATE_SERVERS") == "1"
PASSWORD: Final = "s3rver-passw0rd"
STARTS: Final = 30.0
"""Seconds that a start may take."""


@dataclass
class Server:
    """A server, and how it is started."""

    url: str
    start: Callable[[], "subprocess.Popen[bytes]"]
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    def up(self) -> None:
        """Start, and wait until it takes connections."""
        self.process = self.start()
        end = time.monotonic() + STARTS
        while time.monotonic() < end:
            if self._answers():
                return
            time.sleep(0.05)
        raise AssertionError("the server does not start")

    def _answers(self) -> bool:
        if self.url.startswith("redis"):
            import redis

            try:  # it takes connections before it has read what it keeps
                return bool(redis.Redis.from_url(self.url, socket_timeout=2).ping())
            except redis.RedisError:
                return False
        import psycopg

        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """As a machine that loses its power."""
        assert self.process is not None
        own = children(self.process.pid)
        self.process.kill()
        self.process.wait()
        for child in own:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        while any(Path(f"/proc/{child}").exists() for child in own):
            time.sleep(0.01)


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(child) for child in found]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def _folder() -> Iterator[Path]:
    made = tempfile.mkdtemp(prefix="cask-state-")
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def redis_server() -> Iterator[Server]:
    """Redis, with a password and everything kept on disk. Skips where it is not asked for or not there."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if not ASKED or program is None or find_spec("redis") is None:
        pytest.skip("CASK_STATE_SERVERS=1, the package redis-server and the extra `redis` start it")
    port = _free_port()
    with _folder() as folder:
        words = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--requirepass", PASSWORD, "--save", ""]
        words += ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
        yield from _running(f"redis://:{PASSWORD}@127.0.0.1:{port}/0", port, words, None)


@contextmanager
def postgres_server() -> Iterator[Server]:
    """PostgreSQL, with a password. Skips where it is not asked for or not there."""
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not ASKED or not programs or find_spec("psycopg") is None:
        pytest.skip("CASK_STATE_SERVERS=1, the package postgresql and the extra `postgres` start it")
    user, port = _other_user(), _free_port()
    with _folder() as folder:
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="ascii")
        data = folder / "data"
        if user is not None:
            for path in (folder, secret):
                os.chown(path, pwd.getpwnam(user).pw_uid, -1)
        init = [f"{programs[-1]}/initdb", "-D", str(data), "-U", "cask", "-A", "scram-sha-256", "--pwfile", str(secret), "-N"]
        subprocess.run(init, check=True, capture_output=True, user=user, cwd="/")
        words = [f"{programs[-1]}/postgres", "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)]
        yield from _running(f"postgresql://cask:{PASSWORD}@127.0.0.1:{port}/postgres", port, words, user)


def _other_user() -> str | None:
    """Who runs it where we are root."""
    if os.getuid() != 0:
        return None
    names = {row.pw_name for row in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _running(url: str, port: int, words: list[str], user: str | None) -> Iterator[Server]:
    more: dict[str, Any] = {"user": user} if user else {}

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **more)

    server = Server(url, start, port)
    try:
        server.up()
        yield server
    finally:
        server.kill()
