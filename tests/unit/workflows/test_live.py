"""What a live recorder gives becomes a capture, and nothing of it that was not redacted reaches the disk."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped
from caskmcp.redact.cut import Redactor
from caskmcp.workflows import capture, live
from tests.support.capturing import entry, har
from tests.support.world import world

SECRET = "s3cr3t-" + "Wv9qXz27LmTk"


def call(path: str, host: str = "api.shop.example", **rest: object) -> Recorded:
    headers = (("authorization", f"Bearer {SECRET}"),)
    body = RecordedBody("application/json", text=json.dumps({"password": SECRET, "n": 1}))
    return Recorded("exchange", "GET", f"https://{host}{path}", headers=headers, status=200, response=body, **rest)  # type: ignore[arg-type]


def everything(folder: Path) -> bytes:
    """Every byte below a folder, packed files also unpacked."""
    import gzip

    files = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    return b"\n".join(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data for data in files)


def test_a_recording_is_kept_named_in_the_manifest_and_told(tmp_path: Path) -> None:
    seen = [call("/orders/1"), call("/x", "tracker.example"), call("/orders", kind="preflight"), Skipped("exchange", "websocket")]
    report = live.keep(world(tmp_path), "proxy", iter(seen), ("api.shop.example",), "proxy on 127.0.0.1:8080")
    (identity,) = (path.name for path in (tmp_path / ".caskmcp/captures").iterdir())
    assert report.lines[:2] == (
        "proxy on 127.0.0.1:8080: 1 exchange; left out: 1 preflight, 1 third party, 1 websocket",
        "  hosts that are not yours: tracker.example (1)",
    )
    assert report.lines[-2:] == ("Next:", "  cask build")
    assert report.tables["sources"] == ({"file": "proxy on 127.0.0.1:8080", "source": f"capture: {identity}", "kept": 1, "state": "added"},)
    manifest = (tmp_path / "cask.yaml").read_text()
    assert f"- capture: {identity}" in manifest
    assert "api.shop.example" in manifest
    assert [row["kind"] for row in capture.listing(world(tmp_path)).tables["captures"]] == ["proxy"]


def test_the_same_traffic_live_and_from_a_file_is_the_same_capture(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    recording = tmp_path / "x.har"
    recording.write_bytes(har(entry("https://api.shop.example/orders/1", answer={"id": 1})))
    taken = capture.take(world(tmp_path / "a"), sources=(str(recording),), hosts=("api.shop.example",))
    body = RecordedBody("application/json", text=json.dumps({"id": 1}))
    recorded = Recorded("exchange", "GET", "https://api.shop.example/orders/1", status=200, response=body)
    kept = live.keep(world(tmp_path / "b"), "proxy", [recorded], ("api.shop.example",), "proxy")
    assert kept.tables["sources"][0]["source"] == taken.tables["sources"][0]["source"]


def test_nothing_that_was_not_redacted_reaches_the_disk(tmp_path: Path) -> None:
    live.keep(world(tmp_path), "proxy", [call("/orders/1")], ("api.shop.example",), "proxy")
    written = everything(tmp_path)
    assert b"/orders/" in written
    assert SECRET.encode() not in written


@pytest.mark.parametrize("guard", ["a body's walk", "a query's values"])
def test_the_search_finds_the_secret_where_the_redaction_is_taken_out(guard: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redactor, "secret", lambda self, text: None)
    if guard == "a body's walk":
        monkeypatch.setattr(Redactor, "json", lambda self, value, place: value)
    else:
        monkeypatch.setattr(Redactor, "is_credential", lambda self, name, place="header": False)
        monkeypatch.setattr(Redactor, "pairs", lambda self, pairs, place, *_: tuple(pairs))
    live.keep(world(tmp_path), "proxy", [call(f"/orders/1?api_key={SECRET}")], ("api.shop.example",), "proxy")
    assert SECRET.encode() in everything(tmp_path)


def test_nothing_is_written_while_it_records(tmp_path: Path) -> None:
    there: list[list[Path]] = []

    def slowly() -> Iterator[Recorded]:
        yield call("/orders/1")
        there.append(list(tmp_path.rglob("*")))

    live.keep(world(tmp_path), "proxy", slowly(), ("api.shop.example",), "proxy")
    assert there == [[]]


def test_what_was_seen_before_ctrl_c_is_kept(tmp_path: Path) -> None:
    def until_ctrl_c() -> Iterator[Recorded]:
        yield call("/orders/1")
        yield call("/products")
        signal.raise_signal(signal.SIGINT)
        yield call("/never")

    report = live.keep(world(tmp_path), "proxy", until_ctrl_c(), ("api.shop.example",), "proxy")
    assert report.summary == {"added": 1, "kept": 2}
    assert b"/never" not in everything(tmp_path)


def test_nothing_kept_is_an_error_that_names_the_hosts_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(CaskError) as raised:
        live.keep(world(tmp_path), "proxy", [call("/x", "other.example")], ("api.shop.example",), "proxy")
    assert (raised.value.code, raised.value.exit) == ("CASK-C003", 3)
    assert raised.value.what == "0 of 1 entries kept; hosts seen: other.example"
    assert raised.value.mend == "… -a other.example"
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_recorder_writes_nothing(tmp_path: Path) -> None:
    def breaking() -> Iterator[Recorded]:
        yield call("/orders/1")
        raise CaskError("CASK-C001", "cut off", mend="again")

    with pytest.raises(CaskError) as raised:
        live.keep(world(tmp_path), "proxy", breaking(), ("api.shop.example",), "proxy")
    assert str(raised.value) == "CASK-C001 cut off · proxy · again"
    assert list(tmp_path.iterdir()) == []


def test_no_recorder_starts_where_the_project_is_broken_or_has_no_host(tmp_path: Path) -> None:
    started: list[str] = []

    def recorder() -> Iterator[Recorded]:
        started.append("started")
        yield call("/orders/1")

    with pytest.raises(CaskError) as without:
        live.keep(world(tmp_path), "proxy", recorder(), (), "proxy")
    assert (without.value.code, without.value.mend) == ("CASK-I001", "… -a HOST")
    (tmp_path / "cask.yaml").write_text("version: 1\nnonsense: 1\n")
    with pytest.raises(CaskError) as broken:
        live.keep(world(tmp_path), "proxy", recorder(), ("api.shop.example",), "proxy")
    assert broken.value.code == "CASK-I004"
    assert started == []


def test_the_first_parties_are_the_projects_and_those_that_were_given(tmp_path: Path) -> None:
    assert live.first_parties(world(tmp_path), ("https://API.shop.example/x",)) == ("api.shop.example",)
    (tmp_path / "cask.yaml").write_text("version: 1\nhosts: [one.example]\n")
    assert live.first_parties(world(tmp_path), ("two.example", "one.example")) == ("one.example", "two.example")
    assert live.first_parties(world(tmp_path), ()) == ("one.example",)
