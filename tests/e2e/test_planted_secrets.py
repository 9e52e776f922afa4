"""The corpus of planted secrets through the command line: nothing of it is anywhere under the root, in any output or artifact."""

import gzip
import re
from pathlib import Path

import pytest

from tests.e2e.test_first_hour import Desk
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
def test_no_planted_secret_is_anywhere_after_capture_and_build(desk: Desk) -> None:
    source = desk.project / "vault.har"
    source.write_bytes(recording(cases(), repeat=3))
    minted = desk.run("mint", "vault.har", "-a", HOST)
    assert minted.exit == 0, minted.errors
    files = left_behind(desk.project, but=source)
    assert any(name.startswith(".caskmcp/captures/") for name in files)
    assert any(name.endswith("artifact/tools.json") for name in files)
    assert leaks(SECRETS, *files.values(), minted.transcript.encode(), minted.errors.encode()) == []
    assert leaks(SECRETS, source.read_bytes()) == [case.id for case in SECRETS]


@pytest.mark.feature(12)
def test_a_recording_of_other_hosts_is_refused_and_the_hosts_are_named(desk: Desk) -> None:
    (desk.project / "vault.har").write_bytes(recording(cases("survives")))
    refused = desk.run("capture", "import", "vault.har", "-a", "api.shop.example")
    assert refused.exit == 3
    told = refused.transcript + refused.errors
    assert re.search(rf"CASK-C003 0 of \d+ entries kept; hosts seen: {re.escape(HOST)}", told), told
    assert list((desk.project / ".caskmcp").rglob("exchanges*")) == []
