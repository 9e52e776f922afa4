"""A folder of one's own for `cask` as a process: a project, a home, and a folder that takes every temporary file."""

import gzip
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.terminal import CASK, environment


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Desk:
    """Everything of one project lies below `base`."""

    base: Path

    @classmethod
    def at(cls, base: Path) -> "Desk":
        """A desk with its folders."""
        for name in ("project", "home", "tmp"):
            (base / name).mkdir()
        return cls(base)

    @property
    def project(self) -> Path:
        """Where commands run."""
        return self.base / "project"

    @property
    def temporary(self) -> Path:
        """Where temporary files go."""
        return self.base / "tmp"

    def start(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        """Start a command. more: variables of its environment."""
        env = {**environment(self.base / "home"), "TMPDIR": str(self.temporary), **more}
        pipe = subprocess.PIPE
        return subprocess.Popen([*CASK, *words], cwd=self.project, env=env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)

    def cask(self, *words: str, **more: str) -> Done:
        """Run a command to its end."""
        with self.start(*words, **more) as process:
            out, err = process.communicate(timeout=90)
        return Done(process.returncode, out, err)

    def captures(self) -> list[Path]:
        """The captures of the project."""
        return sorted((self.project / ".caskmcp" / "captures").glob("*/exchanges.ndjson.gz"))

    def exchanges(self) -> list[dict[str, Any]]:
        """The exchanges of its only capture."""
        (path,) = self.captures()
        return [json.loads(line)["exchange"] for line in gzip.decompress(path.read_bytes()).splitlines()]

    def artifact(self, name: str) -> bytes:
        """An artifact of its only toolpack."""
        (path,) = self.project.glob(f".caskmcp/toolpacks/*/artifact/{name}")
        return path.read_bytes()

    def left(self, *but: Path) -> bytes:
        """Every byte below the desk with the names of the files, packed ones unpacked, but of some files."""
        data = []
        for path in sorted(self.base.rglob("*")):
            if path.is_file() and path not in but:
                content = path.read_bytes()
                data += [str(path.relative_to(self.base)).encode(), content]
                data += [gzip.decompress(content)] if content.startswith(b"\x1f\x8b") else []
        return b"\n".join(data)
