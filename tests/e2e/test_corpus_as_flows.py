"""The corpus of planted secrets as a flow file, which mitmdump itself writes: nothing of it is left anywhere after capture and build."""

import json
import subprocess
from pathlib import Path

import pytest

from caskmcp.redact.traces import layers
from tests.support.mitm import MITMDUMP, NEEDED
from tests.support.secrets import HOST, cases, leaks, recording
from tests.support.terminal import CASK, environment, without_terminal

SECRETS = [case for case in cases("gone") if case.where != "otel.attr"]


def as_mitmdump_reads_it(har: bytes) -> bytes:
    """With the members that mitmproxy's reader asks for."""
    document = json.loads(har)
    for entry in document["log"]["entries"]:
        entry["time"] = 12
        for message in (entry["request"], entry["response"]):
            message["httpVersion"] = "HTTP/1.1"
        if "post" in entry["request"]["method"].lower():
            entry["request"]["headers"].append({"name": "Content-Type", "value": entry["request"]["postData"]["mimeType"]})
    return json.dumps(document).encode()


@pytest.mark.feature(14)
@pytest.mark.skipif(MITMDUMP is None, reason=NEEDED)
def test_no_planted_secret_of_a_flow_file_is_left(tmp_path: Path) -> None:
    project, home, temporary = tmp_path / "project", tmp_path / "home", tmp_path / "tmp"
    for folder in (project, home, temporary):
        folder.mkdir()
    source = tmp_path / "vault.mitm"
    (tmp_path / "vault.har").write_bytes(as_mitmdump_reads_it(recording(cases(), repeat=2)))
    options = ["--set", f"confdir={tmp_path / 'confdir'}", "-q", "-n", "-r", str(tmp_path / "vault.har"), "-w", str(source)]
    subprocess.run([str(MITMDUMP), *options], check=True, timeout=60)
    assert len(leaks(SECRETS, source.read_bytes())) > 45
    env = environment(home, CASK_MITMDUMP=str(MITMDUMP), TMPDIR=str(temporary))
    done = without_terminal([*CASK, "mint", str(source), "-a", HOST], cwd=project, env=env)
    assert done.exit == 0, done.errors
    files = [path for folder in (project, home, temporary) for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "exchanges.ndjson.gz" for path in files)
    written = [layer for path in files for layer in layers(path.name.encode() + b"\n" + path.read_bytes())]
    assert leaks(SECRETS, done.transcript.encode(), done.errors.encode(), *written) == []
