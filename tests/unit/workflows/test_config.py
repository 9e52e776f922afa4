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
from caskmcp.text import parse_yaml
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


def run(
    folder: Path, client: str, *, install: bool = False, dry_run: bool = False, toolset: str | None = None, environment: str | None = None
) -> Report:
    return config.run(world(folder), client=client, install=install, dry_run=dry_run, toolset=toolset, environment=environment)


def read(client: str, data: bytes) -> Any:
    """A client's file as that client reads it."""
    if client == "goose":
        return parse_yaml(data, "config.yaml").value
    return tomllib.loads(data.decode()) if client == "codex" else json.loads(data)


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
    ("gemini",         "mcpServers",  False),
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


@pytest.mark.feature(113)
def test_the_snippet_for_goose_is_yaml_as_goose_writes_an_extension(folder: Path) -> None:
    assert read("goose", run(folder, "goose").lines[0].encode()) == {
        "extensions": {
            "shop": {
                "name": "shop",
                "description": "Tools that a person approved",
                "type": "stdio",
                "enabled": True,
                "timeout": 300,
                "cmd": machine.command()[0],
                "args": arguments(folder),
            }
        }
    }


def test_every_client_has_a_case() -> None:
    assert {row[0] for row in SNIPPETS} | {"codex", "goose"} == set(CLIENTS)


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
    value = read(client, file_of(client, folder).read_bytes())
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


@pytest.mark.feature(113)
@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_a_dry_run_says_what_would_be_written_and_writes_nothing(folder: Path, client: str) -> None:
    path = file_of(client, folder)
    report = run(folder, client, install=True, dry_run=True)
    assert report.lines[0] == f"Would write the entry `shop` to {path}."
    assert read(client, report.lines[1].encode())[CLIENTS[client].key]["shop"]["args"] == arguments(folder)
    assert not path.exists()
    assert not any(line.startswith("Restart") for line in report.lines)


def test_a_dry_run_names_the_backup_and_shows_nothing_of_what_stands_there(folder: Path) -> None:
    path = file_of("cursor", folder)
    path.parent.mkdir(parents=True)
    path.write_text('{"mcpServers": {"other": {"command": "npx", "env": {"KEY": "s3cret-of-another"}}}}', encoding="utf-8")
    before = path.read_bytes()
    report = run(folder, "cursor", install=True, dry_run=True)
    assert f"As it is now would be kept as: {path}.bak" in report.lines
    assert "s3cret" not in report.model_dump_json()
    assert [(each.name, each.read_bytes()) for each in path.parent.iterdir()] == [("mcp.json", before)]


def test_a_dry_run_refuses_what_the_edit_would_refuse(folder: Path) -> None:
    path = file_of("gemini", folder)
    path.parent.mkdir(parents=True)
    path.write_text("{ // comments\n}", encoding="utf-8")
    with pytest.raises(CaskError) as caught:
        run(folder, "gemini", install=True, dry_run=True)
    assert caught.value.code == "CASK-I003"


def test_a_dry_run_of_nothing_is_a_mistake(folder: Path) -> None:
    with pytest.raises(CaskError) as caught:
        run(folder, "cursor", dry_run=True)
    assert (caught.value.code, caught.value.mend) == ("CASK-I001", "cask config --help")


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


YAML = """# mine
GOOSE_MODEL: "x" # keep
extensions:
    # first the builtins
    developer:
        enabled: true
        type: builtin

    shop:
        cmd: old
        args: [serve, --toolpack, elsewhere]
        envs:
            A: "1"
    "last": {enabled: false}
GOOSE_MODE: no
"""


@pytest.mark.feature(113)
def test_yaml_keeps_every_line_that_is_not_the_entrys(folder: Path) -> None:
    path = file_of("goose", folder)
    path.parent.mkdir(parents=True)
    path.write_text(YAML, encoding="utf-8")
    run(folder, "goose", install=True)
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition('    "shop":\n')
    assert head == '# mine\nGOOSE_MODEL: "x" # keep\nextensions:\n'
    assert rest.endswith(
        '    # first the builtins\n    developer:\n        enabled: true\n        type: builtin\n\n    "last": {enabled: false}\nGOOSE_MODE: no\n'
    )
    value = read("goose", text.encode())
    assert (value["extensions"]["shop"]["args"], list(value["extensions"])) == (arguments(folder), ["shop", "developer", "last"])
    assert (value["GOOSE_MODEL"], value["GOOSE_MODE"]) == ("x", "no")
    assert path.with_name("config.yaml.bak").read_text(encoding="utf-8") == YAML


def test_an_extension_that_a_person_switched_off_stays_off(folder: Path) -> None:
    run(folder, "goose", install=True)
    path = file_of("goose", folder)
    path.write_text(path.read_text(encoding="utf-8").replace("enabled: true", "enabled: false"), encoding="utf-8")
    assert run(folder, "goose", install=True).lines[0] == f"{path} has the entry `shop` already."
    assert read("goose", path.read_bytes())["extensions"]["shop"]["enabled"] is False


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
    ("goose",   b"extensions: [a]",                                            "CASK-I004"),
    ("goose",   b"- a",                                                        "CASK-I004"),
    ("goose",   b"a: b: c",                                                    "CASK-I003"),
    ("goose",   b"a: 1\na: 2",                                                 "CASK-I003"),
    ("goose",   b"\xff",                                                       "CASK-I003"),
    ("goose",   b"extensions: {other: {cmd: x}}\n",                            "CASK-I004"),
    ("goose",   b"extensions:\n  shop: {cmd: npx, args: []}\n",                "CASK-I009"),
    ("goose",   b"a: |\n  extensions:\n...\n",                                 "CASK-I004"),
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


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"\n",
        b"# nothing\n",
        b"a: 1",
        b"extensions:\n",
        b"extensions: {} # none\na: 1\n",
        b"extensions: null\n",
        b"a: |\n  extensions:\n",
        b"extensions:\n  other:\n    cmd: x\n\n\n",
        b"extensions:\n  'shop':\n    cmd: x\n    args: [serve, --toolpack, y]\n",
    ],
)
def test_yaml_of_any_kind_reads_back_with_the_entry(before: bytes) -> None:
    after = read("goose", edited(CLIENTS["goose"], SERVER, before, "f"))
    assert (after["extensions"]["shop"]["cmd"], after["extensions"]["shop"]["args"]) == (
        "/bin/cask",
        ["serve", "--toolpack", 'a "b" \\ ü'],
    )


def test_a_toolpack_may_be_called_by_a_number(folder: Path) -> None:
    after = read("goose", edited(CLIENTS["goose"], Server("12", "/bin/cask", ("serve", "--toolpack", "x")), b"extensions:\n", "f"))
    assert list(after["extensions"]) == ["12"]


def test_the_places_of_clients_follow_the_users_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert machine.cursor() == tmp_path / ".cursor" / "mcp.json"
    assert machine.codex({}) == tmp_path / ".codex" / "config.toml"
    assert machine.codex({"CODEX_HOME": "/somewhere"}) == Path("/somewhere/config.toml")
    assert machine.gemini() == tmp_path / ".gemini" / "settings.json"
    assert machine.goose({}) == tmp_path / ".config" / "goose" / "config.yaml"
    assert machine.goose({"XDG_CONFIG_HOME": "/somewhere"}) == Path("/somewhere/goose/config.yaml")
    assert machine.goose({"XDG_CONFIG_HOME": "relative"}) == tmp_path / ".config" / "goose" / "config.yaml"
    assert machine.claude_desktop().name == "claude_desktop_config.json"
    assert machine.claude_desktop().parent.name == "Claude"
