"""The side of a browser recording that needs no browser: what is missing is told before anything starts."""

import sys
from pathlib import Path

import pytest

from caskmcp.errors import AGAIN, CaskError
from caskmcp.record import browser
from caskmcp.record.browser import refuse_without
from caskmcp.record.frames import Plan
from caskmcp.store import scratch

PLAN = Plan("https://shop.example/", headless=True)


def test_without_playwright_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright", None)
    monkeypatch.setattr(sys, "path", [str(Path(browser.__file__).parents[2])])
    monkeypatch.delitem(sys.modules, "playwright")
    with pytest.raises(CaskError) as caught:
        refuse_without(PLAN)
    assert (caught.value.code, caught.value.exit, caught.value.mend) == ("CASK-W002", 5, "pip install 'caskmcp[browser]'")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_a_window_needs_a_display(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "playwright").mkdir()
    (tmp_path / "playwright" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    refuse_without(PLAN)
    with pytest.raises(CaskError) as caught:
        refuse_without(Plan("https://shop.example/"))
    assert (caught.value.code, caught.value.mend) == ("CASK-W005", f"{AGAIN} --headless")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    refuse_without(Plan("https://shop.example/"))


def test_a_folder_for_sockets_has_a_short_name_wherever_temporary_files_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    long = tmp_path / ("x" * 60)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with scratch.folder() as usual, scratch.folder(short=True) as short:
        assert usual.parent == long
        assert short.parent == Path("/tmp").resolve()
        assert (short.stat().st_mode & 0o777) == 0o700
    assert not usual.exists()
    assert not short.exists()
