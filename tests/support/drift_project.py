"""The shop of `drifting.py` as a project: recorded, built, approved and snapshot; and its service on loopback, changed at will."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from caskmcp.govern import keys
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack, Root
from caskmcp.workflows import build, gate, trust
from tests.support import drifting, packs, upstream
from tests.support.upstream import Heard, Upstream
from tests.support.world import ScriptedConsole, world

PASS: Final = ("Passphrase for alice:", "word")
NAME: Final = ("Type `shop` to sign:", "shop")
TOKEN: Final = "tok-1ive-55e2c0a97b"
MANIFEST: Final = """\
version: 1
name: shop
hosts: [api.shop.example]
sources: [{{har: captures/*.har}}, {{openapi: specs/shop.json}}]
auth: {{api.shop.example: {{scheme: bearer, from: env:SHOP_TOKEN}}}}
environments: {{local: {{api.shop.example: {{url: "{url}", private: true}}}}}}
policy: policy.yaml
"""
POLICY: Final = "version: 1\nbudgets: {get_reports_daily: {calls: 5, per_seconds: 3600}}\n"


@dataclass
class Service:
    """Answers as the shop does; `change` is what it does differently now."""

    change: Mapping[str, Any] | None = None
    heard: list[Heard] = field(default_factory=list)
    instead: Callable[[Heard], bytes] | None = None
    """Another service, that answers in its place."""

    def __call__(self, heard: Heard) -> bytes:
        """One answer."""
        self.heard.append(heard)
        if self.instead is not None:
            return self.instead(heard)
        call = drifting.served(heard.method, heard.target.split("?")[0], self.change)
        body = call["answer"] if isinstance(call["answer"], str) else json.dumps(call["answer"])
        return upstream.answer(body.encode(), call["media"], status=f"{call['status']} Said")


@dataclass(frozen=True)
class Shop:
    """A project folder with its person's configuration beside it."""

    folder: Path

    @property
    def cwd(self) -> Path:
        """Where commands run."""
        return self.folder / "project"

    @property
    def root(self) -> Root:
        """Its root."""
        return Root(self.cwd / ".caskmcp")

    @property
    def pack(self) -> Pack:
        """Its toolpack."""
        return self.root.pack("shop")

    @property
    def baseline(self) -> Path:
        """Its approved baseline."""
        return self.root.baseline("shop")

    def world(self, *answers: tuple[str, str], interactive: bool = False) -> World:
        """The world of its person."""
        here = world(self.cwd, console=ScriptedConsole(answers, interactive=interactive or bool(answers)))
        return replace(here, credentials=ReferencedCredentials({"SHOP_TOKEN": TOKEN}))

    def approve(self) -> Report:
        """Approve all that waits."""
        return gate.allow(self.world(PASS, NAME), subjects=(), everything=True, reason="seen")

    def snapshot(self) -> Report:
        """Take the baseline."""
        return gate.snapshot(self.world(interactive=True))

    def record(self, name: str, data: bytes) -> Path:
        """A recording or a document beside the sources, which no build reads."""
        path = self.cwd / "later" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    def copy(self, folder: Path) -> "Shop":
        """The same elsewhere, with the person's configuration, and without the cache."""
        for name in ("project", "project-config"):
            shutil.copytree(self.folder / name, folder / name, ignore=shutil.ignore_patterns("cache"))
        return Shop(folder)


def make(folder: Path, at: Upstream, calls: drifting.Calls | None = None) -> Shop:
    """Build and approve it; no baseline yet. calls: what was recorded, instead of the shop's."""
    shop = Shop(folder)
    for name, data in {
        "cask.yaml": MANIFEST.format(url=at.url).encode(),
        "policy.yaml": (POLICY if calls is None else "version: 1\n").encode(),
        "captures/shop.har": drifting.har(calls or drifting.calls()),
        "specs/shop.json": drifting.spec(),
    }.items():
        (shop.cwd / name).parent.mkdir(parents=True, exist_ok=True)
        (shop.cwd / name).write_bytes(data)
    here = shop.world(PASS)
    build.run(here)
    keys.save(LocalFiles(), here.config, packs.signer("alice"), "word")
    trust.init(here, key="alice", replace=False)
    shop.approve()
    return shop


class Place(NamedTuple):
    """A shop and its service."""

    shop: Shop
    service: Service
