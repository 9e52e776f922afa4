"""The toolchain names everything that can change an artifact, is the same for equal files, and is cheap the second time."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from caskmcp.engine import toolchain
from caskmcp.store.files import LocalFiles
from caskmcp.store.index import Index
from tests.support.syntax import modules

FILES = LocalFiles()


def index(tmp_path: Path, name: str = "index") -> Index:
    return Index(FILES, tmp_path / name)


def test_each_library_that_a_compiling_room_imports_is_named() -> None:
    rooms = {room.removesuffix(".py") for room in toolchain.ROOMS}
    imported = {name.split(".")[0] for module in modules() if module.room in rooms for _, name in module.imports()}
    foreign = imported - set(sys.stdlib_module_names) - {"caskmcp"}
    assert foreign <= set(toolchain.LIBRARIES.values()) | set(toolchain.LOSSLESS)


def test_each_named_library_is_installed_and_has_its_version(tmp_path: Path) -> None:
    found = toolchain.toolchain(FILES, index(tmp_path))
    assert set(found.libraries) == set(toolchain.LIBRARIES)
    assert all(found.libraries.values())
    assert found.tables["public-suffixes"].isdigit()


def test_a_changed_file_of_a_compiling_room_changes_the_digest_and_others_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package"
    for name in ("compiler/infer/stage.py", "compiler/normalize/data/words.txt", "canon.py", "runtime/gateway.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("one")
    monkeypatch.setattr(toolchain, "PACKAGE", package)

    def digest() -> str:
        return toolchain.toolchain(FILES, index(tmp_path, "none")).digest

    first = digest()
    for name in ("runtime/gateway.py", "compiler/__pycache__/x.pyc", "compiler/.DS_Store"):
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text("two")
    assert digest() == first
    seen = {first}
    for name in ("compiler/infer/stage.py", "compiler/normalize/data/words.txt", "canon.py", "redact/new.py"):
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text("two")
        seen.add(digest())
    assert len(seen) == 5


def copied(package: Path, to: Path) -> Path:
    return shutil.copytree(package, to, ignore=shutil.ignore_patterns("__pycache__"))


def test_a_moved_package_has_the_same_toolchain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for package in (one := copied(toolchain.PACKAGE, tmp_path / "one"), copied(one, tmp_path / "two")):
        monkeypatch.setattr(toolchain, "PACKAGE", package)
        found.add(toolchain.toolchain(FILES, index(tmp_path, "none")).digest)
    assert len(found) == 1


def test_what_it_was_made_of_is_watched_for_changes(tmp_path: Path) -> None:
    one = index(tmp_path)
    toolchain.toolchain(FILES, one)
    one.save({})
    assert index(tmp_path).unchanged()
    assert any(line.path.endswith("site-packages") for line in one.now.values())
    assert str(toolchain.PACKAGE / "compiler" / "pipeline.py") in one.now


def test_the_hash_seed_and_the_working_directory_do_not_matter(tmp_path: Path) -> None:
    copied(toolchain.PACKAGE, tmp_path / "copy" / "caskmcp")
    code = (
        "import json, sys; from pathlib import Path; from caskmcp.engine.toolchain import toolchain; from caskmcp.store.files import LocalFiles\n"
        "from caskmcp.store.index import Index; print(json.dumps(toolchain(LocalFiles(), Index(LocalFiles(), Path('/nowhere/i'))).digest))"
    )
    found = {
        json.loads(
            subprocess.run(
                [sys.executable, "-c", code],
                cwd=tmp_path,
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(tmp_path / "copy")},
                capture_output=True,
                check=True,
            ).stdout
        )
        for seed in ("0", "1")
    }
    assert len(found) == 1
