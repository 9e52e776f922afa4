"""What a hostile reader found in approvals: files that change between the proof and the signature, grants that were asked for once and hold for ever.

The attacker writes any file of the project and of the private state, and has no key. Each test is an attack that once went through.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.govern import keys
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack, Root
from caskmcp.workflows import build, gate
from tests.support import packs
from tests.support.world import ScriptedConsole, world

PASS = ("Passphrase for alice:", "word")
NAME = ("Type `shop` to sign:", "shop")
MANIFEST = "version: 1\nname: shop\nhosts: [api.shop.example]\nsources: [{openapi: shop.yaml}]\n"
SPEC = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
servers: [{url: https://api.shop.example}]
paths:
  /orders/{order_id}:
    get:
      operationId: getOrder
      parameters: [{name: order_id, in: path, required: true, schema: {type: integer}}]
      responses: {"200": {description: ok}}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was built, and alice's key; no trust root yet."""
    folder = tmp_path_factory.mktemp("built")
    project = folder / "project"
    project.mkdir()
    (project / "cask.yaml").write_text(MANIFEST, encoding="utf-8")
    (project / "shop.yaml").write_text(SPEC, encoding="utf-8")
    here = world(project)
    build.run(here)
    keys.save(LocalFiles(), here.config, packs.signer("alice"), "word")
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    for name in ("project", "project-config"):
        shutil.copytree(built / name, tmp_path / name)
    return tmp_path / "project"


def pack_of(project: Path) -> Pack:
    return Root(project / ".caskmcp").pack("shop")


@dataclass
class Raced(ScriptedConsole):
    """A person who is slower than the attacker: something happens before each answer."""

    meanwhile: Callable[[str], None] = field(default=lambda prompt: None)

    def ask(self, prompt: str) -> str:
        self.meanwhile(prompt)
        return super().ask(prompt)


# ---------------------------------------------------------------- between the proof and the signature
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("tools.json", b'"orders"', b'"admin"'),
        ("auth.yaml", b"schema:", b"hosts: {api.shop.example: {scheme: bearer, from: env:HOME}}\nschema:"),
    ],
)
def test_what_is_swapped_while_a_passphrase_is_asked_for_is_not_signed(project: Path, name: str, old: bytes, new: bytes) -> None:
    """`gate allow` derived the artifacts, then asked for a passphrase to make the trust root, then read the files again."""
    path = pack_of(project).artifact(name)

    def swap(prompt: str) -> None:
        data = path.read_bytes()
        assert old in data or new in data
        path.write_bytes(data.replace(old, new))

    here = world(project, console=Raced([PASS, NAME], meanwhile=swap))
    with pytest.raises(CaskError) as caught:
        gate.allow(here, subjects=(), everything=True, reason="first review")
    assert (caught.value.code, caught.value.exit) == ("CASK-L006", 4)
    assert not pack_of(project).lock.exists()


def test_a_toolpack_that_calls_itself_another_one_is_not_signed(project: Path) -> None:
    """The id in `toolpack.yaml` is no artifact, so nothing compared it."""
    pack = pack_of(project)
    pack.toolpack.write_bytes(pack.toolpack.read_bytes().replace(b"id: shop", b"id: prod"))
    here = world(project, console=ScriptedConsole())
    with pytest.raises(CaskError) as caught:
        gate.allow(here, subjects=(), everything=True, reason="first review")
    assert (caught.value.code, caught.value.exit) == ("CASK-L006", 4)
    assert not pack.lock.exists()
