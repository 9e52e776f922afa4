"""The corpus of planted secrets through the command line: nothing of it is anywhere under the root, in any output or artifact."""

import gzip
import re
from pathlib import Path

import anyio
import pytest
from mcp import Client

from caskmcp.govern import content, offer, sign, trust
from caskmcp.store import archive
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack
from tests.e2e.test_first_hour import Desk
from tests.support import packs
from tests.support.secrets import HOST, cases, leaks, recording

SECRETS = [case for case in cases("gone") if case.where != "otel.attr"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def left_behind(folder: Path, but: Path) -> dict[str, bytes]:
    """Every file below a folder with its name, decompressed, but one."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != but:
            data = path.read_bytes()
            name = str(path.relative_to(folder))
            found[name] = name.encode() + b"\n" + (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)
    return found


@pytest.mark.feature(14)
def test_no_planted_secret_is_anywhere_after_capture_build_approval_serving_and_bundling(desk: Desk) -> None:
    source = desk.project / "vault.har"
    source.write_bytes(recording(cases(), repeat=3))
    minted = desk.run("mint", "vault.har", "-a", HOST)
    assert minted.exit == 0, minted.errors
    files = left_behind(desk.project, but=source)
    assert any(name.startswith(".caskmcp/captures/") for name in files)
    assert any(name.endswith("artifact/tools.json") for name in files)
    assert leaks(SECRETS, *files.values(), minted.transcript.encode(), minted.errors.encode()) == []
    assert leaks(SECRETS, source.read_bytes()) == [case.id for case in SECRETS]
    approve(desk)
    seen, done = anyio.run(served, desk), desk.run("bundle", "--out", "handed.zip")
    assert (done.exit, len(seen) > 1000) == (0, True), done.errors
    handed = archive.unpack((desk.project / "handed.zip").read_bytes())
    assert sum(name.startswith("lockfile/content/") for name in handed) > 5
    files = left_behind(desk.project, but=source)
    assert any(name.endswith("decisions.jsonl") for name in files)
    blobs = (*files.values(), *handed.values(), *(name.encode() for name in handed), seen, done.transcript.encode(), done.errors.encode())
    assert leaks(SECRETS, *blobs) == []


def approve(desk: Desk) -> None:
    """Sign every subject, with a key that no terminal has to open; what is told of the trust root stands in the environment."""
    (toolpack,) = (desk.project / ".caskmcp/toolpacks").iterdir()
    store, pack = LocalFiles(), Pack(toolpack)
    root = packs.root(packs.T1, toolpack=toolpack.name)
    files = packs.with_roots(offer.read(store, pack), sign.sign_root(root, packs.T1))
    contents = offer.parse(files).contents
    approved = packs.approve(files, *contents)
    store.write(pack.trust_root(1), approved.roots[0])
    store.write(pack.lock, approved.lock or b"")
    for record in contents.values():
        content.keep(store, pack, record)
    desk.env["CASK_TRUST_PIN"] = trust.root_digest(root)


async def served(desk: Desk) -> bytes:
    """What an agent sees of it: the list, and the answer of a call that is not sent."""

    async def story(client: Client) -> bytes:
        found = await client.list_tools()
        free = next(tool for tool in found.tools if not tool.input_schema.get("required"))
        answer = await client.call_tool(free.name, {})
        return (found.model_dump_json() + answer.model_dump_json()).encode()

    return bytes(await desk.agent(story, "--dry-run"))


@pytest.mark.feature(12)
def test_a_recording_of_other_hosts_is_refused_and_the_hosts_are_named(desk: Desk) -> None:
    (desk.project / "vault.har").write_bytes(recording(cases("survives")))
    refused = desk.run("capture", "import", "vault.har", "-a", "api.shop.example")
    assert refused.exit == 3
    told = refused.transcript + refused.errors
    assert re.search(rf"CASK-C003 0 of \d+ entries kept; hosts seen: {re.escape(HOST)}", told), told
    assert list((desk.project / ".caskmcp").rglob("exchanges*")) == []
