"""The commands that begin a project, as a person types them: real processes, exit statuses, and what goes to which stream."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.recordings import SPEC, har
from tests.support.terminal import CASK, ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    calls = [f"https://api.shop.example/orders/{number}" for number in (17, 18, 19)]
    (tmp_path / "shop.har").write_bytes(har(*calls, authorization="Bearer s3cr3t-v4lue", answer={"id": 17}))
    (tmp_path / "orders.yaml").write_text(SPEC, encoding="utf-8")
    return made


def cask(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([*CASK, *words], cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_init_import_build_and_doctor_end_well(folder: Path) -> None:
    for words in (
        ("init", "-a", "api.shop.example", "--name", "shop"),
        ("capture", "import", "../shop.har"),
        ("capture", "list"),
        ("build",),
        ("doctor",),
        ("config", "--client", "cursor"),
    ):
        done = cask(folder, *words)
        assert (done.returncode, done.stderr) == (0, ""), (words, done.stdout, done.stderr)


@pytest.mark.feature(1)
def test_the_earlier_name_of_import_works_and_a_second_time_adds_nothing(folder: Path) -> None:
    first = cask(folder, "openapi", "../orders.yaml", "-a", "api.shop.example", "--format", "json")
    again = cask(folder, "capture", "import", "../orders.yaml", "--format", "json")
    assert (json.loads(first.stdout)["summary"], json.loads(again.stdout)["summary"]) == ({"added": 1, "kept": 1}, {"added": 0, "kept": 1})
    assert json.loads(first.stdout)["schema"] == "caskmcp/capture/1"


def test_mint_ends_with_the_commands_that_come_next(folder: Path) -> None:
    done = cask(folder, "mint", "../shop.har", "-a", "api.shop.example")
    assert done.returncode == 0
    assert (
        '\n  cask diff\n  cask keys new NAME\n  cask trust init --key NAME\n  cask gate allow --all --reason "first review"\n'
        in done.stdout
    )
    assert "s3cr3t" not in done.stdout + done.stderr


@pytest.mark.feature(3)
@pytest.mark.parametrize(
    ("words", "code", "status"),
    [
        (("init",), "CASK-I001", 3),
        (("init", "-a", "not a host"), "CASK-I001", 3),
        (("capture", "import", "../gone.har", "-a", "a.example"), "CASK-I002", 3),
        (("capture", "import", "../shop.har", "-a", "a.example"), "CASK-C003", 3),
        (("capture", "forget", "2f9c"), "CASK-I010", 3),
        (("mint", "https://", "-a", "shop.example"), "CASK-I001", 3),
        (("config", "--client", "cursor"), "CASK-I011", 3),
        (("doctor",), "CASK-I006", 1),
    ],
)
def test_bad_input_has_its_code_and_exit_status_and_leaves_nothing(folder: Path, words: tuple[str, ...], code: str, status: int) -> None:
    done = cask(folder, *words)
    assert done.returncode == status, done.stdout + done.stderr
    assert code in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"] == []
