"""A capture under the root is a source like any other: it gives what the recording gave, and has the same id."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from caskmcp.compiler.capture import stage
from caskmcp.compiler.pipeline import Outputs
from caskmcp.engine import inputs as refs
from caskmcp.engine.inputs import BoundInputs
from caskmcp.errors import CaskError
from caskmcp.store.blobs import Blobs
from caskmcp.store.files import LocalFiles
from tests.support.capturing import entry
from tests.support.shop_recording import entries, har


def capture(tmp_path: Path, kind: str, data: bytes, hosts: list[str]) -> dict[str, bytes]:
    bound = {
        "source": refs.of_bytes(data),
        "source.kind": refs.of_value(kind),
        "project.hosts": refs.of_value(hosts),
        "project.keep": refs.of_value([]),
        "project.redact": refs.of_value({"profile": "strict", "keys": [], "keep": []}),
        "secret.redaction": refs.of_bytes(b"k" * 32),
    }
    outputs: Outputs = stage.run(BoundInputs(LocalFiles(), Blobs(LocalFiles(), tmp_path / "blobs", tmp_path / "tmp"), bound))
    return {name: _whole(outputs[name]) for name in ("exchanges", "head")}


def _whole(output: object) -> bytes:
    assert isinstance(output, Iterable)
    return output if isinstance(output, bytes) else b"".join(output)


def test_a_capture_gives_the_same_exchanges_and_the_same_id_as_its_recording(tmp_path: Path) -> None:
    first = capture(tmp_path, "har", har(entries()), ["api.shop.example"])
    again = capture(tmp_path, "capture", first["exchanges"], ["api.shop.example"])
    assert again["exchanges"] == first["exchanges"]
    assert json.loads(again["head"])["id"] == json.loads(first["head"])["id"]
    assert json.loads(again["head"])["kept"] == 76


def test_exchanges_of_a_host_that_the_manifest_has_no_more_are_left_out_with_the_reason(tmp_path: Path) -> None:
    other = entry("https://metrics.tracker.example/figures")
    first = capture(tmp_path, "har", har([*entries(), other]), ["api.shop.example", "metrics.tracker.example"])
    again = capture(tmp_path, "capture", first["exchanges"], ["api.shop.example"])
    assert json.loads(again["head"])["skipped"] == [["third party", 1]]
    assert json.loads(again["head"])["hosts"] == [["metrics.tracker.example", 1]]


def test_a_cut_capture_is_refused(tmp_path: Path) -> None:
    first = capture(tmp_path, "har", har(entries()), ["api.shop.example"])
    with pytest.raises(CaskError, match="CASK-C001 a capture is cut off"):
        capture(tmp_path, "capture", first["exchanges"][:-20], ["api.shop.example"])
