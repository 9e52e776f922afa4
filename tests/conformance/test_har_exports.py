"""Recordings of real tools, where `CASK_SHARED` names a folder with some: each entry is kept or left out with a reason, never a crash."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from caskmcp.compiler.capture.sources.har import Har
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.errors import CaskError
from caskmcp.model.exchange import REASONS
from tests.support.capturing import capture

SHARED = Path(os.environ.get("CASK_SHARED", "/nonexistent"))
FILES = sorted([*SHARED.glob("hars/*.har"), *SHARED.glob("truth/*/recording_*.har.gz")])
SECRETS = ("eyJ", "xoxb-", "ghp_", "AKIA", "sk_live_")


@pytest.mark.skipif("CASK_SHARED" not in os.environ, reason="CASK_SHARED names no folder with recordings of real tools")
@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_each_entry_of_a_real_recording_is_kept_or_left_out_with_a_reason(path: Path) -> None:
    data = path.read_bytes()
    recorded = [item for item in Har().read([data]) if isinstance(item, Recorded)]
    hosts = sorted({urlsplit(item.url).hostname or "x" for item in recorded})
    try:
        found = capture(data, *hosts)
    except CaskError as error:
        assert error.code == "CASK-C003"  # noqa: PT017 - a recording of pages alone has no call of an API
        return
    assert found.head["kept"] + sum(count for _, count in found.head["skipped"]) == len(recorded)
    assert {reason for reason, _ in found.head["skipped"]} <= set(REASONS)
    assert not any(mark in found.written.decode().replace("eyJhbGciOiJub25lIn0.eyJyZWRhY3RlZCI6I", "") for mark in SECRETS)
