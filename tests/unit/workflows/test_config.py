"""`config` gives a snippet that a client takes as it is, and edits a client's file without losing a word of it."""

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.finding import Report
from caskmcp.store import clients as machine
from caskmcp.workflows import config, mint
from caskmcp.workflows.clients import CLIENTS, Server, edited
from tests.support.recordings import har
from tests.support.world import world

MANIFEST = """version: 1
name: shop
hosts: [api.shop.example]
environments: {local: {api.shop.example: {url: "http://127.0.0.1:8080", private: true}}}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "project"
    folder.mkdir()
    (folder / "cask.yaml").write_text(MANIFEST, encoding="utf-8")
    (folder / "shop.har").write_bytes(har("https://api.shop.example/orders", answer={"id": 1}))
    mint.run(world(folder), sources=("shop.har",), hosts=(), name=None)
    return folder


@pytest.fixture
def folder(tmp_path: Path, built: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "my project"))


def run(folder: Path, client: str, *, install: bool = False, toolset: str | None = None, environment: str | None = None) -> Report:
    return config.run(world(folder), client=client, install=install, toolset=toolset, environment=environment)


def arguments(folder: Path, *more: str) -> list[str]:
    _, *rest = machine.command()
    return [*rest, "serve", "--toolpack", f"{folder}/.caskmcp/toolpacks/shop/toolpack.yaml", "--root", f"{folder}/.caskmcp", *more]


# ---------------------------------------------------------------- snippets
# fmt: off
SNIPPETS = [
    # client           key            typed
    ("claude-desktop", "mcpServers",  False),
    ("claude-code",    "mcpServers",  True),
    ("cursor",         "mcpServers",  False),
    ("vscode",         "servers",     True),
]
# fmt: on


@pytest.mark.feature(113)
@pytest.mark.parametrize(("client", "key", "typed"), SNIPPETS)
def test_a_snippet_is_json_with_absolute_places(folder: Path, client: str, key: str, typed: bool) -> None:
    entry = {"command": machine.command()[0], "args": arguments(folder)}
    assert json.loads(run(folder, client).lines[0]) == {key: {"shop": {**({"type": "stdio"} if typed else {}), **entry}}}
    assert Path(entry["command"]).is_absolute()


@pytest.mark.feature(113)
def test_the_snippet_for_codex_is_toml(folder: Path) -> None:
    entry = {"command": machine.command()[0], "args": arguments(folder)}
    assert tomllib.loads(run(folder, "codex").lines[0]) == {"mcp_servers": {"shop": entry}}


def test_every_client_has_a_case() -> None:
    assert {row[0] for row in SNIPPETS} | {"codex"} == set(CLIENTS)


def test_the_report_for_machines_holds_the_entry(folder: Path) -> None:
    report = run(folder, "cursor")
    assert report.tables["entries"] == ({"name": "shop", "command": machine.command()[0], "args": arguments(folder)},)
    assert report.summary["client"] == "Cursor"


def test_toolset_and_environment_are_handed_on(folder: Path) -> None:
    (row,) = run(folder, "cursor", toolset="readonly", environment="local").tables["entries"]
    assert row["args"] == arguments(folder, "--toolset", "readonly", "--env", "local")


@pytest.mark.parametrize(
    ("toolset", "environment", "what"),
    [
        ("mine", None, "there is no toolset `mine`; there are: default, high_risk, operator, readonly, write_ops"),
        (None, "staging", "there is no environment `staging`; there are: local"),
    ],
)
def test_what_the_toolpack_does_not_have_is_refused(folder: Path, toolset: str | None, environment: str | None, what: str) -> None:
    with pytest.raises(CaskError) as caught:
        run(folder, "cursor", toolset=toolset, environment=environment)
    assert (caught.value.code, caught.value.what) == ("CASK-I010", what)


def test_without_a_toolpack_there_is_nothing_to_serve(tmp_path: Path) -> None:
    with pytest.raises(CaskError) as caught:
        run(tmp_path, "cursor")
    assert caught.value.code == "CASK-I011"


# fmt: off
NAMES = [
    ("shop",                    "shop"),
    ("fourteen-chars",          "fourteen-chars"),
]
# fmt: on


@pytest.mark.parametrize(("toolpack", "name"), NAMES)
def test_a_short_id_is_the_name(toolpack: str, name: str) -> None:
    assert config.name_of(toolpack) == name


def test_long_ids_that_begin_alike_get_different_names_of_at_most_14() -> None:
    names = [config.name_of(each) for each in ("api-shop-example", "api-shop-example-2", "a" * 40)]
    assert len(set(names)) == 3
    assert all(len(name) <= 14 and name.isascii() and "--" not in name for name in names)
    assert names[0].startswith("api-shop-")


# ---------------------------------------------------------------- the client's own file
def file_of(client: str, folder: Path) -> Path:
    return CLIENTS[client].file(folder)


@pytest.mark.feature(113)
@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_a_missing_file_is_made(folder: Path, client: str) -> None:
    report = run(folder, client, install=True)
    data = file_of(client, folder).read_text(encoding="utf-8")
    value = tomllib.loads(data) if client == "codex" else json.loads(data)
    assert value[CLIENTS[client].key]["shop"]["args"] == arguments(folder)
    assert report.lines[0] == f"Wrote the entry `shop` to {file_of(client, folder)}."


def test_project_files_are_beside_the_manifest_and_are_said_to_name_this_machine(folder: Path) -> None:
    (folder / "deep").mkdir()
    report = run(folder / "deep", "vscode", install=True)
    assert (folder / ".vscode" / "mcp.json").exists()
    assert "It names places on this machine: keep it out of git." in report.lines


JSON = """{
    "theme": "dark ü",
    "mcpServers": {
        "other": {"command": "npx", "args": ["-y", "x"], "env": {"A": "1"}}
    },
    "big": 12345678901234567890
}
"""


@pytest.mark.feature(113)
def test_other_entries_stay_and_what_was_there_is_kept_aside(folder: Path) -> None:
    path = file_of("cursor", folder)
    path.parent.mkdir(parents=True)
    path.write_text(JSON, encoding="utf-8")
    path.chmod(0o600)
    run(folder, "cursor", install=True)
    after = json.loads(path.read_text(encoding="utf-8"))
    assert list(after) == ["theme", "mcpServers", "big"]
    assert after["mcpServers"].pop("shop")["command"] == machine.command()[0]
    assert after == json.loads(JSON)
    assert path.read_text(encoding="utf-8").startswith('{\n    "theme": "dark ü"')
    backup = path.with_name("mcp.json.bak")
    assert backup.read_text(encoding="utf-8") == JSON
    assert (path.stat().st_mode & 0o777, backup.stat().st_mode & 0o777) == (0o600, 0o600)


def test_a_second_time_changes_nothing_and_makes_no_backup(folder: Path) -> None:
    for client in CLIENTS:
        run(folder, client, install=True)
        path = file_of(client, folder)
        before = path.read_bytes()
        report = run(folder, client, install=True)
        assert report.lines[0] == f"{path} has the entry `shop` already."
        assert path.read_bytes() == before
        assert [each.name for each in path.parent.iterdir() if ".bak" in each.name] == []


def test_each_change_keeps_one_more_backup(folder: Path) -> None:
    path = file_of("cursor", folder)
    for toolset in (None, "readonly", "operator", "write_ops"):
        run(folder, "cursor", install=True, toolset=toolset)
    assert sorted(each.name for each in path.parent.iterdir()) == ["mcp.json", "mcp.json.bak", "mcp.json.bak.1", "mcp.json.bak.2"]
    assert json.loads(path.with_name("mcp.json.bak.2").read_bytes())["mcpServers"]["shop"]["args"] == arguments(
        folder, "--toolset", "operator"
    )


def test_a_linked_file_is_edited_where_it_lies_and_stays_a_link(folder: Path, tmp_path: Path) -> None:
    path, real = file_of("cursor", folder), tmp_path / "dotfiles.json"
    real.write_text("{}", encoding="utf-8")
    path.parent.mkdir(parents=True)
    path.symlink_to(real)
    run(folder, "cursor", install=True)
    assert path.is_symlink()
    assert "shop" in json.loads(real.read_bytes())["mcpServers"]


TOML = """model = "x" # mine
[mcp_servers.other]
command = "npx"

[mcp_servers.shop]
command = "old"
args = ["serve", "--toolpack", "elsewhere"]
[mcp_servers.shop.env]
A = "1"

[tools] # last
web = true
"""


def test_toml_keeps_every_line_that_is_not_the_entrys(folder: Path) -> None:
    path = file_of("codex", folder)
    path.parent.mkdir(parents=True)
    path.write_text(TOML, encoding="utf-8")
    run(folder, "codex", install=True)
    text = path.read_text(encoding="utf-8")
    assert text.startswith(
        'model = "x" # mine\n[mcp_servers.other]\ncommand = "npx"\n\n[tools] # last\nweb = true\n\n[mcp_servers.shop]\ncommand = '
    )
    assert tomllib.loads(text)["mcp_servers"] == {
        "other": {"command": "npx"},
        "shop": {"command": machine.command()[0], "args": arguments(folder)},
    }
    assert path.with_name("config.toml.bak").read_text(encoding="utf-8") == TOML


SERVER = Server("shop", "/bin/cask", ("serve", "--toolpack", 'a "b" \\ ü'))

# fmt: off
REFUSED: list[tuple[str, bytes, str]] = [
    # client    file                                                           code
    ("cursor",  b'{"mcpServers": {}, // mine\n}',                              "CASK-I003"),
    ("cursor",  b'{"a": 1, "a": 2}',                                           "CASK-I003"),
    ("cursor",  b"\xff\xfe",                                                   "CASK-I003"),
    ("cursor",  b"[]",                                                         "CASK-I004"),
    ("cursor",  b'{"mcpServers": []}',                                         "CASK-I004"),
    ("cursor",  b'{"mcpServers": {"shop": {"command": "npx", "args": []}}}',   "CASK-I009"),
    ("cursor",  b'{"mcpServers": {"shop": null, "x": 1}}',                     ""),
    ("codex",   b"mcp_servers = 1",                                            "CASK-I004"),
    ("codex",   b"a = = 1",                                                    "CASK-I003"),
    ("codex",   b"\xff",                                                       "CASK-I003"),
    ("codex",   b"[mcp_servers.shop]\ncommand = 'npx'\n",                      "CASK-I009"),
    ("codex",   b"mcp_servers = {shop = {command = 'x', args = ['serve', '--toolpack', 'y']}}\n", "CASK-I004"),
    ("codex",   b"[mcp_servers]\nshop = {command = 'x', args = ['serve', '--toolpack', 'y']}\n", "CASK-I004"),
]
# fmt: on


@pytest.mark.parametrize(("client", "before", "code"), REFUSED)
def test_a_file_that_cannot_be_kept_is_refused(client: str, before: bytes, code: str) -> None:
    if not code:
        assert json.loads(edited(CLIENTS[client], SERVER, before, "f"))["mcpServers"]["x"] == 1
        return
    with pytest.raises(CaskError) as caught:
        edited(CLIENTS[client], SERVER, before, "client file")
    assert caught.value.code == code
    assert str(caught.value.place).startswith("client file")


def test_a_refused_file_is_left_as_it_was(folder: Path) -> None:
    path = file_of("vscode", folder)
    path.parent.mkdir()
    path.write_text("{ // comments\n}", encoding="utf-8")
    with pytest.raises(CaskError):
        run(folder, "vscode", install=True)
    assert [each.name for each in path.parent.iterdir()] == ["mcp.json"]
    assert path.read_text(encoding="utf-8") == "{ // comments\n}"


@pytest.mark.parametrize(
    "before", [b"", b"\n", b"# nothing\n", b"[a]\nb = 1", b'[mcp_servers."shop"]\ncommand = "x"\nargs = ["serve", "--toolpack", "y"]\n']
)
def test_toml_of_any_kind_reads_back_with_the_entry(before: bytes) -> None:
    after: Any = tomllib.loads(edited(CLIENTS["codex"], SERVER, before, "f").decode())
    assert after["mcp_servers"]["shop"] == {"command": "/bin/cask", "args": ["serve", "--toolpack", 'a "b" \\ ü']}


def test_the_places_of_clients_follow_the_users_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert machine.cursor() == tmp_path / ".cursor" / "mcp.json"
    assert machine.codex({}) == tmp_path / ".codex" / "config.toml"
    assert machine.codex({"CODEX_HOME": "/somewhere"}) == Path("/somewhere/config.toml")
    assert machine.claude_desktop().name == "claude_desktop_config.json"
    assert machine.claude_desktop().parent.name == "Claude"
