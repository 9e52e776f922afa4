"""A project that was minted, approved and pinned, and the ways in which it can be spoilt: what the tests of bad input begin with."""

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.terminal import CASK, ROOT, Terminal, environment, without_terminal

RECORDING: Final = ROOT / "caskmcp" / "workflows" / "demo" / "recording.har"
PASSPHRASE: Final = "correct horse battery"
PACK: Final = ".caskmcp/toolpacks/shop"
ASK: Final = "Passphrase for alice:"
LOCK: Final = "lockfile/caskmcp.lock.yaml"
HEAD: Final = "version: 1\nname: shop\nhosts: [api.shop.example]\n"

Tree = Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """One person's project and home."""

    folder: Path

    @property
    def project(self) -> Path:
        """Where commands are typed."""
        return self.folder / "project"

    @property
    def home(self) -> Path:
        """The person's home."""
        return self.folder / "home"

    @property
    def config(self) -> Path:
        """Where keys and pins lie."""
        return self.home / ".config" / "caskmcp"

    def put(self, name: str, data: bytes | str) -> None:
        """Write a file of the project as it is given."""
        _put(self.project / name, data)

    def copy(self, folder: Path) -> "Place":
        """The same in another folder."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        return Place(folder)


def approved(folder: Path) -> Place:
    """A toolpack `shop` of eight tools: seven subjects are signed by alice, `cancel_order` and `delete_product` wait.

    A copy of what the first who asked made: it takes seconds, and the workers of one run of the tests share it."""
    shared = next((parent for parent in folder.parents if re.fullmatch(r"pytest-\d+", parent.name)), folder.parent)
    made = shared / "approved.desk"
    with (shared / "approved.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _approve(shared / "approved.begun")
            (shared / "approved.begun").rename(made)
    return Place(made).copy(folder)


def _approve(folder: Path) -> None:
    place = Place(folder)
    place.project.mkdir(parents=True)
    place.home.mkdir()
    env = environment(place.home)
    shutil.copy(RECORDING, place.project / "shop.har")
    minted = without_terminal([*CASK, "mint", "shop.har", "-a", "api.shop.example", "--name", "shop"], cwd=place.project, env=env)
    assert minted.exit == 0, minted.errors
    story = (
        (("keys", "new", "alice"), ((ASK, PASSPHRASE), (ASK, PASSPHRASE))),
        (("trust", "init", "--key", "alice"), ((ASK, PASSPHRASE),)),
        (("gate", "allow", "--all", "--reason", "first review"), ((ASK, PASSPHRASE), ("Type `shop` to sign:", "shop"))),
    )
    for words, answers in story:
        with Terminal.spawn([*CASK, *words], place.project, env) as person:
            for prompt, answer in answers:
                person.expect(prompt).send(answer)
            done = person.finish()
        assert done.exit == 0, done.transcript


def tree(folder: Path, leaving_out: Callable[[str], bool] = lambda _: False) -> Tree:
    """Every file, folder and link below a folder, with a digest of what it holds."""
    found = {os.fsencode(path.relative_to(folder)).decode("utf-8", "backslashreplace"): path for path in sorted(folder.rglob("*"))}
    return {name: _mark(path) for name, path in found.items() if not leaving_out(name)}


def _mark(path: Path) -> str:
    if path.is_symlink():
        return f"link to {os.readlink(path)}"
    return "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()


# ---------------------------------------------------------------- ways to spoil it
def _put(path: Path, data: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def _gone(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _as_folder(path: Path) -> None:
    if path.exists():
        _gone(path)
    path.mkdir(parents=True)


def _as_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("no folder")


def _emptied(place: Place) -> None:
    shutil.rmtree(place.project)
    place.project.mkdir()


def _doubled(place: Place) -> None:
    shutil.copytree(place.project / PACK, place.project / ".caskmcp/toolpacks/other")
    _gone(place.project / "cask.yaml")


def _unread(place: Place) -> None:
    _gone(place.project / ".caskmcp/cache")
    place.put(f"{PACK}/artifact/observations.json", "{garbage")


def _unread_content(place: Place) -> None:
    for path in (place.project / PACK / "lockfile/content").iterdir():
        path.write_text("{")


def _never_built(place: Place) -> None:
    _gone(place.project / ".caskmcp")
    place.put("cask.yaml", HEAD + "sources: [{har: none/*.har}]\n")


def _with_source(line: str, name: str, data: bytes) -> Callable[[Place], None]:
    def spoil(place: Place) -> None:
        place.put("cask.yaml", f"version: 1\nname: shop\nhosts: [api.shop.example]\nsources: [{{{line}}}]\n")
        if name:
            place.put(name, data)

    return spoil


def _manifest(text: bytes | str) -> Callable[[Place], None]:
    return lambda place: place.put("cask.yaml", text)


def _lint_outside(place: Place) -> None:
    _put(place.home / "lint.yaml", "version: 1\n")
    (place.project / "lint.yaml").symlink_to(place.home / "lint.yaml")


def _in_pack(name: str, data: bytes | str) -> Callable[[Place], None]:
    return lambda place: place.put(f"{PACK}/{name}", data)


def _capture(place: Place, name: str) -> Path:
    return next((place.project / ".caskmcp/captures").iterdir()) / name


# fmt: off
SPOILT: Final[Mapping[str, Callable[[Place], object]]] = {
    "sound":               lambda place: None,
    "empty":               _emptied,
    "no manifest":         lambda place: _gone(place.project / "cask.yaml"),
    "no root":             lambda place: _gone(place.project / ".caskmcp"),
    "no toolpack":         lambda place: _gone(place.project / PACK),
    "two toolpacks":       _doubled,
    "manifest folder":     lambda place: _as_folder(place.project / "cask.yaml"),
    "manifest broken":     _manifest("version: 1\nname: shop\nhosts: [api.shop.example\nsources: []\n"),
    "manifest unknown key": _manifest(HEAD + "sourcez: []\n"),
    "manifest bad name":   _manifest("version: 1\nname: Shop!\nhosts: [api.shop.example]\n"),
    "manifest not text":   _manifest(b"\xff\xfe\x00\x01"),
    "manifest empty":      _manifest(""),
    "manifest twice":      _manifest("version: 1\nversion: 1\n"),
    "manifest outside":    _with_source("har: ../shop.har", "", b""),
    "manifest other host": lambda place: place.put("cask.yaml", "version: 1\nname: shop\nhosts: [b.example]\nsources: [{har: shop.har}]\n"),
    "source missing":      _never_built,
    "capture id short":    _with_source("capture: 2f9c", "", b""),
    "har cut":             _with_source("har: shop.har", "shop.har", b'{"log": {"entries": ['),
    "har text":            _with_source("har: shop.har", "shop.har", b"hello"),
    "har empty":           _with_source("har: shop.har", "shop.har", b""),
    "spec broken":         _with_source("openapi: api.yaml", "api.yaml", b"openapi: 3.1.0\npaths: [\n"),
    "spec unknown":        _with_source("openapi: api.yaml", "api.yaml", b"openapi: 9.1.0\npaths: {}\n"),
    "lock garbage":        _in_pack(LOCK, "schema: [\x00"),
    "lock folder":         lambda place: _as_folder(place.project / PACK / LOCK),
    "lock empty":          _in_pack(LOCK, ""),
    "tools garbage":       _in_pack("artifact/tools.json", "{garbage"),
    "tools missing":       lambda place: _gone(place.project / PACK / "artifact/tools.json"),
    "tools folder":        lambda place: _as_folder(place.project / PACK / "artifact/tools.json"),
    "policy garbage":      _in_pack("artifact/policy.yaml", "{garbage: ["),
    "toolsets garbage":    _in_pack("artifact/toolsets.yaml", "{garbage: ["),
    "handoff garbage":     _in_pack("toolpack.yaml", "{garbage: ["),
    "handoff empty":       _in_pack("toolpack.yaml", ""),
    "observations garbage": _unread,
    "observations folder": lambda place: _as_folder(place.project / PACK / "artifact/observations.json"),
    "root garbage":        _in_pack("trust/1.root.json", "{garbage"),
    "no trust root":       lambda place: _gone(place.project / PACK / "trust"),
    "pin garbage":         lambda place: _put(place.config / "pins/shop.json", "{garbage"),
    "pin folder":          lambda place: _as_folder(place.config / "pins/shop.json"),
    "no pin":              lambda place: _gone(place.config / "pins/shop.json"),
    "key garbage":         lambda place: _put(place.config / "keys/alice", "garbage"),
    "root is a file":      lambda place: _as_file(place.project / ".caskmcp"),
    "cache is a file":     lambda place: _as_file(place.project / ".caskmcp/cache"),
    "config is a file":    lambda place: _as_file(place.home / ".config"),
    "given garbage":       lambda place: place.put(".caskmcp/state/given.json", "{garbage"),
    "key of redaction":    lambda place: _as_folder(place.project / ".caskmcp/state/redaction.key"),
    "lock of the root":    lambda place: _as_folder(place.project / ".caskmcp/state/lock"),
    "drafts garbage":      lambda place: place.put(".caskmcp/state/drafts/d-000000000000.json", "{garbage\n"),
    "state garbage":       lambda place: place.put(".caskmcp/state/confirmations.db", "this is no database, " * 100),
    "capture garbage":     lambda place: _capture(place, "exchanges.ndjson.gz").write_bytes(b"garbage"),
    "receipt garbage":     lambda place: _capture(place, "redaction.json").write_bytes(b"garbage"),
    "content garbage":     _unread_content,
    "client garbage":      lambda place: _put(place.home / ".cursor/mcp.json", "{garbage"),
    "contracts garbage":   _in_pack("artifact/contracts.yaml", "{garbage: ["),
    "suggested garbage":   _in_pack("artifact/scopes.suggested.yaml", "{garbage: ["),
    "own scopes broken":   lambda place: place.put("scopes.yaml", "version: 1\nscopes: {orders:read: {tools: [get_order]}}\n"),
    "lint no rule":        lambda place: place.put("lint.yaml", 'version: 1\nsuppress: [{rule: all, reason: "seen by hand"}]\n'),
    "lint no reason":      lambda place: place.put("lint.yaml", "version: 1\nsuppress:\n  - {rule: evidence-low}\n"),
    "lint every secret":   lambda place: place.put("lint.yaml", 'version: 1\nsuppress: [{rule: secret, reason: "never mind them"}]\n'),
    "lint outside":        _lint_outside,
    "evidence":            lambda place: place.put("evidence/demo.json", "{}"),
}
# fmt: on
