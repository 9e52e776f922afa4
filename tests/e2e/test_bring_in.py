"""The commands that begin a project, as a person types them: real processes, exit statuses, and what goes to which stream."""

import json
import os
import shutil
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


NOISE = ("https://api.shop.example/robots.txt", "https://api.shop.example/healthz", "https://www.other.example/pixel")


@pytest.mark.feature(13)
def test_what_is_left_out_is_listed_with_the_reason_and_keep_restores_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "noisy.har").write_bytes(har("https://api.shop.example/orders/1", *NOISE))
    told = cask(folder, "capture", "import", "../noisy.har", "-a", "api.shop.example").stdout
    assert "../noisy.har: 1 exchange; left out: 1 health, 1 noise, 1 third party\n" in told
    assert "  hosts that are not yours: www.other.example (1)\n" in told
    assert "  health: GET api.shop.example/healthz (1); kept with --keep health\n" in told
    kept = cask(folder, "capture", "import", "../noisy.har", "--keep", "health", "--keep", "/robots.*").stdout
    assert "../noisy.har: 3 exchanges; left out: 1 third party\n" in kept
    assert "  kept as you asked: 1 health, 1 noise\n" in kept


def test_keep_takes_reasons_and_patterns_alone(folder: Path) -> None:
    done = cask(folder, "capture", "import", "../shop.har", "-a", "api.shop.example", "--keep", "everything")
    assert (done.returncode, "CASK-I001" in done.stderr, "`--keep everything`" in done.stderr) == (3, True, True)
    assert not list(folder.iterdir())


def test_what_the_manifest_keeps_is_kept_in_every_build(folder: Path, tmp_path: Path) -> None:
    (folder / "noisy.har").write_bytes(har("https://api.shop.example/orders/1", *NOISE))
    (folder / "cask.yaml").write_text("version: 1\nname: shop\nhosts: [api.shop.example]\nsources: [{har: noisy.har}]\nkeep: [health]\n")
    assert cask(folder, "build").returncode == 0
    operations = json.loads((folder / ".caskmcp/toolpacks/shop/artifact/coverage.json").read_bytes())["operations"]
    assert sorted(operations) == ["GET api.shop.example/healthz", "GET api.shop.example/orders/{order_id}"]
    (folder / "cask.yaml").write_text((folder / "cask.yaml").read_text().replace("[health]", "[sometimes]"))
    refused = cask(folder, "build")
    assert (refused.returncode, "CASK-I004" in refused.stderr, "cask.yaml:5" in refused.stderr) == (3, True, True)


@pytest.mark.feature(2)
def test_the_report_says_how_many_entries_had_no_body_and_how_requests_authenticated(folder: Path) -> None:
    for name in ("safari", "chrome"):
        shutil.copy(ROOT / "fixtures" / "captures" / "har" / f"{name}.har", folder.parent)
    told = cask(folder, "capture", "import", "../safari.har", "-a", "api.shop.example").stdout
    assert "  1 entries had no body: schemas inferred from 2\n" in told
    assert "  api.shop.example authenticates by bearer (1)\n" in told
    assert "safari-token" not in told
    mixed = cask(folder, "capture", "import", "../chrome.har", "../shop.har").stdout
    assert "authenticates by" in mixed


@pytest.mark.feature(24)
def test_a_host_with_more_than_one_way_to_authenticate_is_flagged(folder: Path, tmp_path: Path) -> None:
    entries = [
        json.loads(har("https://api.shop.example/a", authorization=way))["log"]["entries"][0] for way in ("Bearer v4lue", "Basic djE6djI=")
    ]
    (tmp_path / "mixed.har").write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    told = cask(folder, "capture", "import", "../mixed.har", "-a", "api.shop.example").stdout
    assert "  api.shop.example authenticates by basic (1), bearer (1); mixed: more than one way\n" in told
    cask(folder, "build")
    coverage = json.loads((folder / ".caskmcp/toolpacks/api-shop-example/artifact/coverage.json").read_bytes())
    assert (coverage["auth"], coverage["mixed_auth"]) == ({"api.shop.example": ["basic", "bearer"]}, ["api.shop.example"])
