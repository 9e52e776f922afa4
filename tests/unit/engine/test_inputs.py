"""What a stage reads is what its action key says, or an error."""

import os
import pickle
from pathlib import Path

import pytest

from caskmcp.canon import digest_bytes
from caskmcp.engine import inputs as refs
from caskmcp.engine.inputs import Bound, BoundInputs
from caskmcp.errors import CaskError
from caskmcp.store.blobs import BlobLost, Blobs
from caskmcp.store.files import LocalFiles


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(LocalFiles(), tmp_path / "blobs", tmp_path / "tmp")


def reader(blobs: Blobs, **bound: Bound) -> BoundInputs:
    return BoundInputs(LocalFiles(), blobs, bound)


def source(path: Path) -> refs.Ref:
    return refs.of_file(path, digest_bytes(path.read_bytes()), LocalFiles().stat_key(path))


def test_values_bytes_and_blobs_are_read_by_role(blobs: Blobs) -> None:
    digest = blobs.put(b'{"a":12345678901234567890}')
    inputs = reader(blobs, paths=refs.of_value(["/x"]), key=refs.of_bytes(b"\0\1"), part=refs.of_blob(digest))
    assert inputs.value("paths") == ["/x"]
    assert inputs.data("key") == b"\0\1"
    assert inputs.value("part") == {"a": 12345678901234567890}
    assert list(inputs.blocks("part")) == [b'{"a":12345678901234567890}']


def test_a_fan_in_is_a_sorted_mapping(blobs: Blobs) -> None:
    inputs = reader(blobs, fan={"b": refs.of_blob(blobs.put(b"2")), "a": refs.of_blob(blobs.put(b"1"))})
    assert list(inputs.value("fan").items()) == [("a", 1), ("b", 2)]
    assert list(inputs.files_of("fan").items()) == [("a", b"1"), ("b", b"2")]


def test_a_fan_in_has_no_bytes_and_one_input_is_no_map(blobs: Blobs) -> None:
    inputs = reader(blobs, fan={}, one=refs.of_value(1))
    with pytest.raises(TypeError, match="fan is a fan-in"):
        inputs.data("fan")
    with pytest.raises(TypeError, match="one is one input"):
        inputs.files_of("one")


def test_a_role_that_the_row_does_not_name_cannot_be_read(blobs: Blobs) -> None:
    with pytest.raises(KeyError):
        reader(blobs).value("project.tools")


def test_a_damaged_blob_is_lost(blobs: Blobs) -> None:
    digest = blobs.put(b"1")
    blobs.path(digest).write_bytes(b"2")
    with pytest.raises(BlobLost):
        reader(blobs, part=refs.of_blob(digest)).value("part")


def test_a_file_is_streamed_and_may_be_touched_meanwhile(blobs: Blobs, tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(b"abc")
    inputs = reader(blobs, source=source(path))
    os.utime(path, ns=(1, 1))
    assert inputs.data("source") == b"abc"


def test_a_file_with_other_content_than_planned_is_refused(blobs: Blobs, tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(b"abc")
    inputs = reader(blobs, source=source(path))
    path.write_bytes(b"abd")
    with pytest.raises(CaskError, match=r"CASK-C001 it was changed while it was read · .*a\.har · cask build"):
        inputs.data("source")


def test_equal_values_have_equal_digests_and_references_pickle() -> None:
    one = refs.of_value({"b": 1, "a": [True]})
    assert one == refs.of_value({"a": [True], "b": 1})
    assert refs.plain(one) == {"a": [True], "b": 1}
    assert pickle.loads(pickle.dumps(one)) == one
