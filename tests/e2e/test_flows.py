"""Flow files through the real mitmdump: equal to their HAR twins, refused when they are damaged, and without a trace of a secret."""

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.mitm import MITMDUMP, NEEDED, Desk
from tests.support.secrets import HOST, cases, leaks, recording
from tests.support.syntax import ROOT

FLOWS = ROOT / "fixtures/captures/flows"
SECRETS = [case for case in cases("gone") if case.where not in ("otel.attr", "har.page.title")]

pytestmark = pytest.mark.skipif(MITMDUMP is None, reason=NEEDED)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def kept(desk: Desk, *sources: Path | str) -> dict[str, Any]:
    """The row of the report about the last source."""
    done = desk.run("capture", "import", *map(str, sources), "-a", "api.shop.example", "--format", "json")
    assert done.exit == 0, done.errors
    row: dict[str, Any] = json.loads(done.transcript)["sources"][-1]
    return row


def exchanges(desk: Desk, source: str) -> list[dict[str, Any]]:
    """What is kept of a capture, without the sizes of bodies: mitmproxy's HAR states the packed size."""
    data = (desk.project / ".caskmcp/captures" / source.removeprefix("capture: ") / "exchanges.ndjson.gz").read_bytes()
    rows: list[dict[str, Any]] = [json.loads(line)["exchange"] for line in gzip.decompress(data).splitlines()]
    for row in rows:
        for body in (row.get("request"), row.get("response")):
            (body or {}).pop("size", None)
    return sorted(rows, key=json.dumps)


@pytest.mark.feature(10)
def test_a_flow_file_of_the_demos_session_is_the_same_capture_as_its_har_twin(desk: Desk) -> None:
    twin = kept(desk, FLOWS / "demo.har")
    again = kept(desk, FLOWS / "demo.mitm")
    assert (again["source"], again["state"], again["kept"]) == (twin["source"], "known", 37)
    assert desk.leftovers() == []
    assert not any("mitmproxy-ca" in name for name in desk.everything())


@pytest.mark.feature(10)
def test_packed_odd_and_upgraded_answers_give_the_same_exchanges_as_their_har_twin(desk: Desk) -> None:
    flows, twin = kept(desk, FLOWS / "odd.mitm"), kept(desk, FLOWS / "odd.har")
    assert exchanges(desk, flows["source"]) == exchanges(desk, twin["source"])
    assert flows["kept"] == twin["kept"] == 8
    receipts = [json.loads(path.read_bytes()) for path in sorted(desk.project.rglob("redaction.json"))]
    assert [receipt["skipped"] for receipt in receipts] == [[["asset", 1], ["third party", 1], ["websocket", 1]]] * 2
    assert receipts[0]["cuts"] == receipts[1]["cuts"]


def test_the_same_file_is_the_same_capture_in_another_place_and_with_another_key(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found.append(kept(Desk(tmp_path / name), FLOWS / "odd.mitm")["source"])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data + b"\nnonsense",
        lambda data: data[:9000] + b"\0" * 40 + data[9040:],
        lambda data: b"2412:9:websocket;0:~" + b"x" * 900,
        lambda data: data + b"999999999999:9:websocket;",
        lambda data: data + b"999999999999:",
    ],
    ids=[
        "the last byte is missing",
        "half",
        "something behind it",
        "zeros inside",
        "one broken flow",
        "a terabyte follows",
        "nothing follows",
    ],
)
def test_a_damaged_file_is_refused_with_its_place_and_nothing_of_it_is_written(spoil: Any, desk: Desk) -> None:
    (desk.project / "x.mitm").write_bytes(spoil((FLOWS / "odd.mitm").read_bytes()))
    done = desk.run("capture", "import", "x.mitm", "-a", "api.shop.example")
    assert done.exit == 3
    assert "CASK-C001" in done.errors
    assert "x.mitm" in done.errors
    assert "mend: take the recording again, whole" in done.errors
    assert "s3ss10n" not in done.errors + done.transcript
    assert [path.name for path in desk.project.iterdir()] == ["x.mitm"]
    assert desk.leftovers() == []


def timed(har: bytes) -> bytes:
    """A HAR with what mitmdump wants of one: it reads them too, and writes flows."""
    value = json.loads(har)
    for entry in value["log"]["entries"]:
        entry |= {"time": 1, "timings": {"send": 0, "wait": 1, "receive": 0}, "startedDateTime": "2026-11-20T10:00:00.000Z"}
        entry["request"] |= {"httpVersion": "HTTP/1.1"}
        entry["response"] |= {"httpVersion": "HTTP/1.1", "statusText": "OK"}
    return json.dumps(value).encode()


def test_no_planted_secret_of_a_flow_file_is_anywhere_after_capture_and_build(desk: Desk) -> None:
    (desk.home / "vault.har").write_bytes(timed(recording(cases(), repeat=3)))
    flows = desk.home / "vault.mitm"
    words = (str(MITMDUMP), "-q", "-n", "-r", str(desk.home / "vault.har"), "-w", str(flows), "--set", f"confdir={desk.home / 'c'}")
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    assert len(leaks(SECRETS, flows.read_bytes())) > 50
    minted = desk.run("mint", str(flows), "-a", HOST)
    assert minted.exit == 0, minted.errors
    flows.unlink()
    (desk.home / "vault.har").unlink()
    files = desk.everything()
    assert any("artifact/tools.json" in name for name in files)
    assert leaks(SECRETS, *files.values(), minted.transcript.encode(), minted.errors.encode()) == []
    assert desk.leftovers() == []
