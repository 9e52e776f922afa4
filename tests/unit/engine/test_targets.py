"""Where outputs become files, and that no output names a place outside."""

from pathlib import Path

import pytest

from caskmcp.canon import Digest
from caskmcp.engine.targets import Target, Targets
from caskmcp.errors import CaskError
from caskmcp.store.blobs import BlobLost, Blobs
from caskmcp.store.files import LocalFiles

A, B = (Digest("sha256:" + letter * 64) for letter in "ab")
ROWS = (
    Target("capture.exchanges", "captures/{id}/exchanges.gz", private=True, named_by="head"),
    Target("emit.files", "packs/{pack}/{file}"),
    Target("lock.pending", "packs/{pack}/lock.yaml"),
)


@pytest.fixture
def targets(tmp_path: Path) -> Targets:
    return Targets(ROWS, Path("/r"), "shop", Blobs(LocalFiles(), tmp_path / "blobs", tmp_path / "tmp"))


def test_an_output_goes_where_its_row_says(targets: Targets) -> None:
    assert targets.of("lock", {"pending": A}) == ((Path("/r/packs/shop/lock.yaml"), A, False),)
    assert targets.of("emit", {"files": {"b.json": B, "a.json": A}}) == (
        (Path("/r/packs/shop/b.json"), B, False),
        (Path("/r/packs/shop/a.json"), A, False),
    )
    assert targets.of("infer", {"contract": A}) == ()


def test_a_place_can_be_named_by_another_output(targets: Targets) -> None:
    head = targets.blobs.put(b'{"id": "2f9c"}')
    assert targets.of("capture", {"exchanges": A, "head": head}) == ((Path("/r/captures/2f9c/exchanges.gz"), A, True),)
    with pytest.raises(BlobLost):
        targets.of("capture", {"exchanges": A, "head": B})


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "", "a//b", "a\nb", ".hidden", "a/.."])
def test_a_name_that_leads_elsewhere_is_a_bug_and_nothing_is_written(targets: Targets, name: str) -> None:
    with pytest.raises(CaskError, match="CASK-B001"):
        targets.of("emit", {"files": {name: A}})
    head = targets.blobs.put(b'{"id": "../../x"}')
    with pytest.raises(CaskError, match="CASK-B001"):
        targets.of("capture", {"exchanges": A, "head": head})


def test_a_file_in_a_folder_is_a_name(targets: Targets) -> None:
    ((path, _, _),) = targets.of("emit", {"files": {"container/Dockerfile": A}})
    assert path == Path("/r/packs/shop/container/Dockerfile")
