"""Which files are gathered for a document: those it leads to, in its folder, that look like documents; each of them is told to whoever watches."""

import os
from pathlib import Path

import pytest

from caskmcp import canon
from caskmcp.compiler.capture.sources.openapi import bundle
from caskmcp.errors import CaskError
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import specfiles

pytestmark = pytest.mark.feature(5)
FILES = LocalFiles()


@pytest.fixture
def main(tmp_path: Path) -> Path:
    """A document that leads to one file, which leads to another and back, and to one that is not there."""
    folder = tmp_path / "api"
    (folder / "a").mkdir(parents=True)
    (folder / "main.yaml").write_text("openapi: 3.1.0\nx: {$ref: a/one.yaml}\n")
    (folder / "a" / "one.yaml").write_text("x: {$ref: two.json}\ny: {$ref: ../main.yaml}\nz: {$ref: gone.yaml}\n")
    (folder / "a" / "two.json").write_text('{"$ref": "#/x"}')
    (folder / "stranger.yaml").write_text("x: 1")
    return folder / "main.yaml"


def test_what_a_document_leads_to_is_gathered_and_told(main: Path) -> None:
    noted: list[Path] = []
    found = specfiles.gathered(FILES, "openapi", main, noted.append)
    assert {name: len(data) for name, data in found.items()} == {"main.yaml": 37, "a/one.yaml": 65, "a/two.json": 15}
    assert sorted(path.relative_to(main.parent).as_posix() for path in noted) == ["a/gone.yaml", "a/one.yaml", "a/two.json"]


def test_all_files_are_one_text_with_a_digest_of_its_own(main: Path) -> None:
    data = specfiles.content(FILES, "openapi", main)
    assert data is not None
    assert bundle.unpack(data).main == "main.yaml"
    assert b"".join(specfiles.blocks(FILES, "openapi", main)) == data
    before = specfiles.digest(FILES, "openapi", main)
    (main.parent / "a" / "two.json").write_text('{"$ref": "#/y"}')
    assert specfiles.digest(FILES, "openapi", main) != before
    (main.parent / "stranger.yaml").write_text("x: 2")
    (main.parent / "a" / "two.json").write_text('{"$ref": "#/x"}')
    assert specfiles.digest(FILES, "openapi", main) == before


@pytest.mark.parametrize("text", ["openapi: 3.1.0\n", "openapi: 3.1.0\nx: {$ref: '#/y'}\n", "a: [", "x: {$ref: 'https://h/x.yaml'}"])
def test_a_document_in_one_file_stands_for_itself(tmp_path: Path, text: str) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(text)
    assert specfiles.content(FILES, "openapi", path) is None
    assert specfiles.digest(FILES, "openapi", path) == canon.digest_bytes(text.encode())
    assert b"".join(specfiles.blocks(FILES, "openapi", path)) == text.encode()


def test_a_recording_leads_to_nothing(main: Path) -> None:
    assert specfiles.gathered(FILES, "har", main) == {}


@pytest.mark.parametrize("target", ["../../secret.yaml", "/etc/hosts", "../../api/../secret.yaml"])
def test_a_link_out_of_the_folder_is_refused(main: Path, target: str) -> None:
    (main.parents[1] / "secret.yaml").write_text("x: 1")
    (main.parent / "a" / "two.json").unlink()
    os.symlink(target, main.parent / "a" / "two.json")
    with pytest.raises(CaskError) as caught:
        specfiles.gathered(FILES, "openapi", main)
    assert (caught.value.code, caught.value.place) == ("CASK-I005", "main.yaml")
    assert caught.value.mend == "put the file itself at a/two.json"


def test_a_link_within_the_folder_is_followed(main: Path) -> None:
    (main.parent / "a" / "two.json").rename(main.parent / "real.json")
    os.symlink("../real.json", main.parent / "a" / "two.json")
    assert sorted(specfiles.gathered(FILES, "openapi", main)) == ["a/one.yaml", "a/two.json", "main.yaml"]


def test_a_link_to_itself_is_no_file(main: Path) -> None:
    os.symlink("gone.yaml", main.parent / "a" / "gone.yaml")
    assert "a/gone.yaml" not in specfiles.gathered(FILES, "openapi", main)


def test_a_folder_of_that_name_is_no_file(main: Path) -> None:
    (main.parent / "a" / "gone.yaml").mkdir()
    assert "a/gone.yaml" not in specfiles.gathered(FILES, "openapi", main)


def test_files_that_are_too_large_together_are_refused(main: Path) -> None:
    (main.parent / "a" / "two.json").write_bytes(b" " * (32 << 20))
    with pytest.raises(CaskError) as caught:
        specfiles.gathered(FILES, "openapi", main)
    assert (caught.value.code, caught.value.mend) == ("CASK-C005", "split the document")


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    for index in range(specfiles.MOST + 1):
        (tmp_path / f"f{index}.yaml").write_text(f"x: {{$ref: f{index + 1}.yaml}}\n")
    with pytest.raises(CaskError) as caught:
        specfiles.gathered(FILES, "openapi", tmp_path / "f0.yaml")
    assert (caught.value.code, caught.value.what) == ("CASK-C005", "a document of more than 2,000 files")
