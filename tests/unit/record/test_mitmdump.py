"""Which mitmdump is taken: in which order, never from inside the project, of which versions; and how one is installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.record import mitmdump
from caskmcp.record.mitmdump import Program
from caskmcp.record.session import Session


def program(path: Path, code: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """Folders of a machine with a mitmdump in each; the project holds one too."""
    found = {name: tmp_path / name for name in ("named", "one", "two", "data", "project")}
    for name in ("named", "one", "two", "project/.venv/bin"):
        program(tmp_path / name / "mitmdump")
    program(tmp_path / "data/mitmproxy/bin/mitmdump")
    return found


def found(places: dict[str, Path], **environ: str) -> tuple[str, str]:
    taken = mitmdump.find(environ, places["data"], places["project"])
    return taken.path.parent.relative_to(places["data"].parent).as_posix(), taken.origin


def test_what_the_user_names_comes_first_then_the_path_then_our_own(places: dict[str, Path]) -> None:
    path = f"{places['one']}{os.pathsep}{places['two']}"
    assert found(places, CASK_MITMDUMP=str(places["named"] / "mitmdump"), PATH=path) == ("named", "$CASK_MITMDUMP")
    assert found(places, PATH=path) == ("one", "on the PATH")
    (places["one"] / "mitmdump").chmod(0o644)
    assert found(places, PATH=path) == ("two", "on the PATH")
    assert found(places) == ("data/mitmproxy/bin", "made by `cask capture setup-proxy`")


def test_none_at_all_is_said_with_how_to_get_one(places: dict[str, Path]) -> None:
    with pytest.raises(CaskError) as raised:
        mitmdump.find({"PATH": "/nowhere"}, places["one"], places["project"])
    assert (raised.value.code, raised.value.exit, raised.value.mend) == ("CASK-W002", 5, "cask capture setup-proxy")


def test_uvx_comes_last_and_is_asked_for_what_this_python_runs(places: dict[str, Path], tmp_path: Path) -> None:
    program(tmp_path / "uv" / "uvx")
    path = str(tmp_path / "uv")
    assert found(places, PATH=f"{path}{os.pathsep}{places['two']}") == ("two", "on the PATH")
    assert found(places, PATH=path) == ("data/mitmproxy/bin", "made by `cask capture setup-proxy`")
    (places["data"] / "mitmproxy/bin/mitmdump").unlink()
    taken = mitmdump.find({"PATH": path, "HOME": "/x", "UV_CACHE_DIR": "/c", "TOKEN": "secret"}, places["data"], places["project"])
    assert (taken.path, taken.origin) == (tmp_path / "uv" / "uvx", "brought by `uvx`")
    assert taken.words == ("--python", sys.executable, "--from", mitmdump.requirement(sys.version_info[:2]), "mitmdump")
    assert taken.environ == {"PATH": path, "HOME": "/x", "UV_CACHE_DIR": "/c"}


def test_what_the_user_names_is_never_replaced_by_uvx(places: dict[str, Path], tmp_path: Path) -> None:
    program(tmp_path / "uv" / "uvx")
    with pytest.raises(CaskError, match="CASK-C020"):
        mitmdump.find({"CASK_MITMDUMP": "/gone/mitmdump", "PATH": str(tmp_path / "uv")}, places["one"], places["project"])


def test_what_brings_it_is_given_its_own_words_before_those_of_mitmdump(tmp_path: Path) -> None:
    path = program(tmp_path / "uvx", 'printf "%s\\n" "$@" > said')
    brought = Program(path, "brought by `uvx`", {"PATH": os.environ["PATH"]}, ("--from", "mitmproxy>=12.2,<13", "mitmdump"))
    with Session(brought, ("-n",), {}, tmp_path, stdin=subprocess.DEVNULL, live=False) as session:
        assert session.status() == 0
    said = (tmp_path / "said").read_text().splitlines()
    assert (said[:4], said[-1]) == (["--from", "mitmproxy>=12.2,<13", "mitmdump", "-q"], "-n")


def test_no_uvx_inside_the_project_is_taken(places: dict[str, Path]) -> None:
    program(places["project"] / ".venv/bin/uvx")
    with pytest.raises(CaskError, match="CASK-W002"):
        mitmdump.find({"PATH": str(places["project"] / ".venv/bin")}, places["one"], places["project"])


def test_nothing_inside_the_project_is_taken_from_the_path(places: dict[str, Path]) -> None:
    inside = places["project"] / ".venv/bin"
    link = places["named"].parent / "linked"
    link.mkdir()
    (link / "mitmdump").symlink_to(inside / "mitmdump")
    folder_link = places["named"].parent / "linked-folder"
    folder_link.symlink_to(inside)
    dotted = places["project"] / "x/../.venv/bin"
    for folder in (inside, link, folder_link, dotted):
        assert found(places, PATH=f"{folder}{os.pathsep}{places['two']}") == ("two", "on the PATH")


@pytest.mark.parametrize("entry", ["", ".", ".venv/bin", "bin"])
def test_no_relative_entry_of_the_path_is_followed(entry: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    program(places["project"] / "bin/mitmdump")
    program(places["project"] / "mitmdump")
    monkeypatch.chdir(places["project"])
    assert found(places, PATH=entry) == ("data/mitmproxy/bin", "made by `cask capture setup-proxy`")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("{project}/.venv/bin/mitmdump", "it lies inside the project"),
        ("mitmdump", "it is no absolute path"),
        ("{project}/none", "there is no program"),
        ("{one}", "there is no program"),
    ],
)
def test_what_the_user_names_is_judged_alike_and_nothing_else_is_taken_instead(given: str, reason: str, places: dict[str, Path]) -> None:
    with pytest.raises(CaskError) as raised:
        found(places, CASK_MITMDUMP=given.format(**places), PATH=str(places["one"]))
    assert (raised.value.code, raised.value.exit) == ("CASK-C020", 5)
    assert raised.value.what == f"$CASK_MITMDUMP cannot be taken: {reason}"


def test_a_home_folder_is_no_project(places: dict[str, Path]) -> None:
    home = places["one"].parent
    assert mitmdump.find({"HOME": str(home), "PATH": str(places["one"])}, places["data"], home).path == places["one"] / "mitmdump"
    with pytest.raises(CaskError):
        mitmdump.find({"HOME": "/elsewhere", "PATH": str(places["one"])}, places["data"], home)


def test_it_is_started_with_two_variables_of_ours(places: dict[str, Path]) -> None:
    taken = mitmdump.find({"PATH": str(places["one"]), "HOME": "/x", "TOKEN": "secret"}, places["data"], places["project"])
    assert taken.environ == {"PATH": str(places["one"]), "HOME": "/x"}


@pytest.mark.parametrize(
    ("version", "is_known"),
    [
        ("12.2.3", True), ("11.0.2", True), ("12.9", True), ("11.0.0", True), ("10.4.2", False), ("13.0.0", False), ("13.0.0.dev", False),
        ("", False), ("twelve", False), ("9", False),
    ],
)  # fmt: skip
def test_which_versions_are_known(version: str, is_known: bool) -> None:
    assert mitmdump.is_known(version) is is_known


@pytest.mark.parametrize(
    ("python", "wanted"),
    [
        ((3, 11), "mitmproxy>=11.0,<11.1"),
        ((3, 12), "mitmproxy>=12.2,<13"),
        ((3, 13), "mitmproxy>=12.2,<13"),
        ((3, 14), "mitmproxy>=12.2,<13"),
    ],
)
def test_what_is_installed_is_what_the_python_takes(python: tuple[int, int], wanted: str) -> None:
    assert mitmdump.requirement(python) == wanted


@pytest.mark.parametrize(
    ("code", "version"),
    [
        ("echo 'Mitmproxy: 12.2.3'; echo 'Python:    3.13.0'", "12.2.3"),
        ("echo 'Mitmproxy: 12.2.3'; exit 1", None),
        ("echo something else", None),
        ("exit 0", None),
    ],
)
def test_the_version_of_an_environment_is_what_its_program_says(code: str, version: str | None, tmp_path: Path) -> None:
    program(tmp_path / "bin/mitmdump", code)
    assert mitmdump.installed(tmp_path) == version


def test_an_environment_that_is_not_there_has_no_version(tmp_path: Path) -> None:
    assert mitmdump.installed(tmp_path / "none") is None


def test_a_step_that_fails_is_told_with_the_command_to_run_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(program(tmp_path / "python", "echo https://user:pa55word@index.example; exit 7")))
    with pytest.raises(CaskError) as raised:
        mitmdump.install(tmp_path / "environment")
    assert (raised.value.code, raised.value.what) == ("CASK-C020", "a step of the installation ended with status 7")
    assert raised.value.mend == f"{tmp_path / 'python'} -I -m venv --clear {tmp_path / 'environment'}"


def test_an_installation_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "environment"
    program(folder / "bin/python")
    monkeypatch.setattr(sys, "executable", str(program(tmp_path / "python")))
    with pytest.raises(CaskError) as raised:
        mitmdump.install(folder)
    assert raised.value.what == "what was installed does not start"
    program(folder / "bin/mitmdump", "echo 'Mitmproxy: 12.2.3'")
    assert mitmdump.install(folder) == "12.2.3"
