"""The user's own configuration: files and commands behind `config:NAME`, authorities; who may write and read them. Real files, real commands."""

import sys
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.store import personal
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.store.files import LocalFiles

SECRET = "hunter2-is-long"


def configured(folder: Path, text: str, mode: int = 0o600) -> ReferencedCredentials:
    path = folder / "config.yaml"
    path.write_text(text)
    path.chmod(mode)
    return ReferencedCredentials({}, LocalFiles(), folder)


def in_file(folder: Path, data: bytes = SECRET.encode() + b"\n", mode: int = 0o600) -> ReferencedCredentials:
    (folder / "secret").write_bytes(data)
    (folder / "secret").chmod(mode)
    return configured(folder, "credentials: {store: {file: secret}}")


def by_command(folder: Path, code: str) -> ReferencedCredentials:
    (folder / "print.py").write_text(code)
    return configured(folder, f"credentials: {{store: {{command: [{sys.executable}, -S, {folder / 'print.py'}]}}}}")


def refused(credentials: ReferencedCredentials, reference: str = "config:store") -> CaskError:
    with pytest.raises(CaskError) as error:
        credentials.resolve(reference)
    assert SECRET not in str(error.value)
    return error.value


def test_a_secret_comes_from_the_file_that_the_configuration_names(tmp_path: Path) -> None:
    credentials = in_file(tmp_path)
    assert credentials.resolve("config:store") == SECRET
    (tmp_path / "secret").write_text("another")
    assert credentials.resolve("config:store") == "another"


def test_a_command_prints_a_secret_and_is_run_again_only_when_that_is_refused(tmp_path: Path) -> None:
    code = f"import pathlib\np = pathlib.Path({str(tmp_path / 'runs')!r})\nn = len(p.read_text()) if p.exists() else 0\np.write_text('x' * (n + 1))\nprint(f'token-{{n + 1}}')\n"
    credentials = by_command(tmp_path, code)
    assert [credentials.resolve("config:store") for _ in range(3)] == ["token-1"] * 3
    assert credentials.resolve("config:store", "token-1") == "token-2"
    assert credentials.resolve("config:store", "token-1") == "token-2"
    assert (tmp_path / "runs").read_text() == "xx"


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    credentials = configured(tmp_path, f"credentials: {{store: {{command: [echo, '$(touch {tmp_path}/made); x']}}}}")
    assert credentials.resolve("config:store") == f"$(touch {tmp_path}/made); x"
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (f"import sys; print({SECRET!r}); sys.exit(3)", "ended with status 3"),
        ("", "is empty"),
        ("print('x' * 20000)", "printed more than"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "is no text"),
        (f"import sys; sys.stderr.write({SECRET!r})", "is empty"),
    ],
)
def test_a_command_that_gives_nothing_that_counts_is_told_without_what_it_said(
    tmp_path: Path, code: str, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    error = refused(by_command(tmp_path, code))
    assert error.code == "CASK-R009"
    assert told in error.what
    assert capfd.readouterr() == ("", "")


def test_a_command_that_cannot_be_started_is_told_by_its_name_in_the_configuration(tmp_path: Path) -> None:
    error = refused(configured(tmp_path, "credentials: {store: {command: [/no/such/program, --secret=x]}}"))
    assert error.what == "the command behind `config:store` cannot be started"


def test_a_command_that_hangs_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caskmcp.store.programs.TIME", 0.2)
    assert "did not end" in refused(configured(tmp_path, "credentials: {store: {command: [sleep, '30']}}")).what


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_secret_that_others_may_read_or_write_is_not_used(tmp_path: Path, mode: int) -> None:
    error = refused(in_file(tmp_path, mode=mode))
    assert (error.code, f"mode {mode:04o}" in error.what) == ("CASK-R009", True)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_configuration_that_others_may_write_is_not_followed(tmp_path: Path, mode: int) -> None:
    credentials = in_file(tmp_path)
    (tmp_path / "config.yaml").chmod(mode)
    assert refused(credentials).code == "CASK-R032"


def test_without_that_guard_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = in_file(tmp_path, mode=0o666)
    (tmp_path / "config.yaml").chmod(0o666)
    monkeypatch.setattr(LocalFiles, "mode", lambda *_: (0o600, 0))
    assert credentials.resolve("config:store") == SECRET


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("credentials: {store: {}}", "CASK-I004"),
        ("credentials: {store: {file: a, command: [b]}}", "CASK-I004"),
        ("credentials: {store: {command: []}}", "CASK-I004"),
        ("credentials: {store: {command: cat x}}", "CASK-I004"),
        ("credentials: {'../x': {file: a}}", "CASK-I004"),
        ("passwords: {}", "CASK-I004"),
        ("credentials: [", "CASK-I003"),
        ("credentials: {other: {file: a}}", "CASK-R009"),
        ("credentials: {store: {file: absent}}", "CASK-R009"),
        ("{}", "CASK-R009"),
    ],
)
def test_a_configuration_that_is_wrong_is_told(tmp_path: Path, text: str, code: str) -> None:
    assert refused(configured(tmp_path, text)).code == code


def test_without_a_configuration_nothing_is_named(tmp_path: Path) -> None:
    assert refused(ReferencedCredentials({}, LocalFiles(), tmp_path)).code == "CASK-R009"
    assert refused(ReferencedCredentials({})).code == "CASK-R009"
    assert personal.authorities(LocalFiles(), tmp_path) == {}


def test_no_reference_names_a_file_or_a_command_itself(tmp_path: Path) -> None:
    credentials = in_file(tmp_path)
    for reference in (f"file:{tmp_path / 'secret'}", "command:id", "caller:x-token", "secret"):
        assert refused(credentials, reference).code == "CASK-R009"


def test_authorities_are_read_beside_the_configuration(tmp_path: Path) -> None:
    configured(tmp_path, "authorities: {api.example.com: ca.pem}")
    (tmp_path / "ca.pem").write_bytes(b"pem")
    assert personal.authorities(LocalFiles(), tmp_path) == {"api.example.com": (tmp_path / "ca.pem", b"pem")}
    (tmp_path / "ca.pem").unlink()
    with pytest.raises(CaskError) as error:
        personal.authorities(LocalFiles(), tmp_path)
    assert error.value.code == "CASK-I002"
