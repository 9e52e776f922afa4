"""The commands around a toolpack that is handed over, as they are typed: `bundle`, `install`, `state verify`, `state gc`, `state unlock`, `migrate`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caskmcp.cli.main import main
from caskmcp.govern import trust
from tests.support import bundles, packs

Type = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    """Type a command in a project with a toolpack; (exit status, stdout, stderr)."""
    bundles.laid(packs.approved_pack(), tmp_path / "project" / ".caskmcp")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("CASK_TRUST_PIN", raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        status = main(list(words))
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run


def value(out: str) -> dict[str, Any]:
    return dict(json.loads(out))


def test_a_toolpack_is_bundled_and_installed_by_the_line_that_was_printed(typed: Type) -> None:
    status, out, _ = typed("bundle")
    line = next(line for line in out.splitlines() if "cask install" in line).split()
    assert (status, line[:2]) == (0, ["cask", "install"])
    assert typed(*line[1:], "--root", "elsewhere")[0] == 0
    assert Path("elsewhere/toolpacks/shop/toolpack.yaml").read_bytes() == Path(".caskmcp/toolpacks/shop/toolpack.yaml").read_bytes()


def test_a_refusal_names_the_same_command_with_the_pin_to_add(typed: Type) -> None:
    typed("bundle")
    status, out, err = typed("install", "shop.bundle.zip", "--root", "elsewhere")
    assert (status, out) == (4, "")
    assert "run: cask install shop.bundle.zip --root elsewhere --trust-pin PIN" in err
    assert trust.root_digest(packs.ROOT) in err
    assert typed("install", "shop.bundle.zip", "--root", "elsewhere", "--trust-pin", "x")[0] == 4
    assert typed("install", "nothing.zip")[0] == 3
    assert typed("install")[0] == 3


def test_what_needs_a_person_exits_4_without_a_terminal(typed: Type) -> None:
    assert typed("bundle", "--sign", "alice")[0] == 4
    typed("bundle")
    assert typed("install", "shop.bundle.zip", "--accept-older")[0] == 4


def test_the_state_is_verified_cleared_and_unlocked(typed: Type) -> None:
    status, out, _ = typed("state", "verify", "--format", "json")
    assert (status, value(out)["summary"]["damaged"]) == (0, 0)
    path = next(Path(".caskmcp/toolpacks/shop/lockfile/content").iterdir())
    path.write_text("{}")
    status, out, _ = typed("state", "verify")
    assert (status, "CASK-L004" in out) == (4, True)
    Path(".caskmcp/toolpacks/shop/lockfile/content", "0" * 64 + ".json").write_text("{}")
    assert value(typed("state", "gc", "--dry-run", "--format", "json")[1])["summary"] == {"would go": 1}
    assert value(typed("state", "gc", "--format", "json")[1])["summary"] == {"removed": 1}
    assert value(typed("state", "unlock", "--format", "json")[1])["summary"] == {"removed": 1}


def test_migrate_says_that_there_is_nothing_or_names_the_version(typed: Type) -> None:
    status, out, _ = typed("migrate")
    assert (status, "Nothing to migrate." in out) == (0, True)
    path = Path(".caskmcp/toolpacks/shop/artifact/auth.yaml")
    path.write_bytes(path.read_bytes().replace(b"caskmcp/auth/1", b"caskmcp/auth/2"))
    status, _, err = typed("migrate", "--dry-run")
    assert (status, "`caskmcp/auth/2`" in err) == (3, True)


def test_a_root_of_an_earlier_version_is_named_by_every_command_that_needs_a_toolpack(typed: Type) -> None:
    Path("old/artifacts/shop").mkdir(parents=True)
    status, _, err = typed("gate", "status", "--root", "old")
    assert status == 3
    assert "this root was written by an earlier version: artifacts/shop is toolpacks/<id>/artifact/ today" in err
    assert "run: cask migrate" in err
    status, out, _ = typed("migrate", "--root", "old")
    assert (status, "toolpacks/<id>/artifact/" in out, "run: cask build" in out) == (1, True, True)
