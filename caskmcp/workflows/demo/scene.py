"""The demo's stage: a throwaway project, root and configuration folder, a service on loopback, and a key that never leaves memory.

The one place where something is signed without a person at a terminal. It signs the bundled fixture and nothing else: the folder is made
here, the recording's digest is checked against the one written below, and both folders are gone when the demo ends.
"""

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final

from caskmcp import canon, text
from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import sign
from caskmcp.govern.sign import Signer
from caskmcp.model.statement import Signed, Statement
from caskmcp.ports import Board, World
from caskmcp.store import scratch
from caskmcp.store.layout import Pack, Root
from caskmcp.workflows import build, trust
from caskmcp.workflows.approve import sign_present
from caskmcp.workflows.demo.agent import Agent, agent
from caskmcp.workflows.demo.service import TOKEN, Service

RECORDING: Final = "sha256:c1cab3da170c5c5b048c7b92e565b5a5434645fe0f1b239db60f0aef475ba31c"
"""Digest of the bundled recording: the only thing that the key in memory will sign for."""
UNAPPROVED: Final = "delete_product"
"""The tool that the demo compiles and leaves unapproved."""
HOST: Final = "api.shop.example"
TOOLPACK: Final = "demo-shop"


class Pipe:
    """A console without a person: keeps what it is told."""

    interactive = False

    def __init__(self) -> None:
        self.lines: list[str] = []

    def out(self, text: str) -> None:
        """Keep a result."""
        self.lines.append(text)

    def note(self, text: str) -> None:
        """Keep prose."""
        self.lines.append(text)

    def progress(self, text: str) -> None:
        """Nobody looks."""

    def ask(self, prompt: str) -> str:
        """Nobody answers."""
        raise CaskError("CASK-A001", f"`{prompt}` needs a person at a terminal", mend=AGAIN)

    ask_secret = ask

    def screen(self, board: Board) -> bool:
        """There is none."""
        return False


@dataclass(frozen=True)
class Scene:
    """Everything that the proofs and the attacks work on."""

    world: World
    """Throwaway: its folders lie below `folder`."""
    folder: Path
    """Removed at the end."""
    service: Service
    signer: Signer
    """The reviewer's key; nowhere but in memory."""
    stranger: Signer
    """A key that nobody trusts."""

    @property
    def project(self) -> Path:
        """The throwaway project."""
        return self.world.cwd

    @property
    def pack(self) -> Pack:
        """The compiled toolpack."""
        return Root(self.project / ".caskmcp").pack(TOOLPACK)

    @property
    def host(self) -> str:
        """The shop's approved host."""
        return HOST

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a client's process: a home of its own, and the credential that `auth:` refers to."""
        home = self.folder / "home"
        return {"HOME": str(home), "XDG_CONFIG_HOME": str(self.world.config.parent), "DEMO_SHOP_TOKEN": TOKEN, **_inherited()}

    def agent(self, environment: str = "local") -> AbstractAsyncContextManager[Agent]:
        """An agent with a `cask serve` of its own."""
        return agent(self.project, self.environ, environment)

    def without_terminal(self, *words: str) -> int:
        """Run a `cask` command as an agent's shell would: no terminal. Returns its exit status."""
        command = [sys.executable, "-m", "caskmcp", *words]
        done = subprocess.run(
            command, cwd=self.project, env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30
        )
        return done.returncode

    def sign(self, by: Signer, statement: Statement) -> Signed:
        """Sign anything with a key of one's own, as anybody can."""
        return sign.sign_statement(by, statement)

    def elsewhere(self) -> "Scene":
        """The same project in another folder, with nothing built yet."""
        other = self.folder / "elsewhere"
        for name in ("recording.har", "cask.yaml"):
            self.world.files.write(other / name, self.world.files.read(self.project / name))
        return replace(self, world=replace(self.world, cwd=other))

    def lock_bytes(self) -> bytes:
        """The lock as it lies there."""
        return self.world.files.read(self.pack.lock)

    def pending(self) -> Any:
        """The pending lock's content."""
        return text.parse_yaml(self.world.files.read(self.pack.pending), "pending").value

    def on_disk(self, needle: str) -> bool:
        """Whether a text lies anywhere below the root or the configuration folder, as it is or compressed."""
        places = [self.project / ".caskmcp", self.world.config]
        return any(needle.encode() in data for place in places for path in place.rglob("*") if path.is_file() for data in _readings(path))


@contextmanager
def scene(world: World) -> Iterator[Scene]:
    """Set the stage and clear it away, whatever happens in between."""
    with scratch.folder() as folder, Service() as service:
        project = folder / "project"
        for name, data in _bundle(service.port):
            world.files.write(project / name, data)
        inner = replace(world, console=Pipe(), cwd=project, config=folder / "config" / "caskmcp", environ={}, root=None, toolpack=None)
        yield Scene(inner, folder, service, sign.generate(world.entropy, "demo"), sign.generate(world.entropy, "stranger"))


def compile_(scene: Scene) -> dict[str, str]:
    """Compile the bundled recording. Returns the digest of each artifact by name."""
    build.run(scene.world)
    names = scene.world.files.listing(scene.pack.artifacts)
    return {name: canon.digest_bytes(scene.world.files.read(scene.pack.artifact(name))) for name in names}


def approve(scene: Scene) -> int:
    """Approve everything but `UNAPPROVED` with the key in memory. Returns how many subjects were approved.

    Raises CASK-D001 if what would be signed for is not the bundled recording in the throwaway folder.
    """
    recording = scene.world.files.read(scene.project / "recording.har")
    if canon.digest_bytes(recording) != RECORDING or not scene.project.is_relative_to(scene.folder):
        raise CaskError("CASK-D001", "the key in memory signs for the bundled recording alone", place="recording.har", mend="cask demo")
    trust.establish(scene.world, scene.pack, TOOLPACK, scene.signer)
    left_out = (f"tool:{UNAPPROVED}",)
    return sign_present(scene.world, scene.pack, scene.signer, basis="traffic", leaving_out=left_out, reason="the demo's own fixture")


def _bundle(port: int) -> Iterator[tuple[str, bytes]]:
    here = resources.files("caskmcp.workflows.demo")
    yield "recording.har", here.joinpath("recording.har").read_bytes()
    yield "cask.yaml", here.joinpath("cask.yaml").read_bytes().replace(b"PORT", str(port).encode())


def _inherited() -> dict[str, str]:
    """What a Python process needs to find its own libraries."""
    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "TMPDIR") if name in os.environ}


def _readings(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    yield data
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
