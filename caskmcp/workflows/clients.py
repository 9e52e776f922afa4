"""The files of MCP clients as text: an entry as a snippet, and a file with one more entry, everything else as it was.

Clients: Claude Desktop, Claude Code (`.mcp.json` of a project), Cursor, Codex (TOML), VS Code (`.vscode/mcp.json` of a project), Gemini CLI,
Goose (YAML). A file that is not strict JSON, TOML or YAML is refused: what cannot be read cannot be kept.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from caskmcp.errors import CaskError
from caskmcp.store import clients
from caskmcp.text import parse_json
from caskmcp.workflows import clientyaml


class Server(NamedTuple):
    """How a client starts the server."""

    name: str
    """At most 14 of `[a-z0-9-]`."""
    command: str
    args: tuple[str, ...]


class Client(NamedTuple):
    """One row: where the file is, and the key that holds the servers."""

    title: str
    file: Callable[[Path], Path]
    """The file, for a project folder."""
    key: str
    is_typed: bool = False
    """Whether an entry says `"type": "stdio"`."""
    in_project: bool = False
    """Whether the file lies in the project, where git sees it."""
    form: Literal["json", "toml", "yaml"] = "json"


# fmt: off
CLIENTS: Final[Mapping[str, Client]] = {
    "claude-desktop": Client("Claude Desktop", lambda _: clients.claude_desktop(),              "mcpServers"),
    "claude-code":    Client("Claude Code",    lambda project: project / ".mcp.json",           "mcpServers", is_typed=True, in_project=True),
    "cursor":         Client("Cursor",         lambda _: clients.cursor(),                      "mcpServers"),
    "codex":          Client("Codex",          lambda _: clients.codex(),                       "mcp_servers", form="toml"),
    "vscode":         Client("VS Code",        lambda project: project / ".vscode" / "mcp.json", "servers",   is_typed=True, in_project=True),
    "gemini":         Client("Gemini CLI",     lambda _: clients.gemini(),                      "mcpServers"),
    "goose":          Client("Goose",          lambda _: clients.goose(),                       "extensions", form="yaml"),
}
# fmt: on


def entry(client: Client, server: Server) -> dict[str, Any]:
    """The server's entry as plain values."""
    if client.form == "yaml":
        return _goose(server)
    return {**({"type": "stdio"} if client.is_typed else {}), "command": server.command, "args": list(server.args)}


def _goose(server: Server) -> dict[str, Any]:
    """As `goose configure` writes a command-line extension; the times are seconds."""
    said = {"name": server.name, "description": "Tools that a person approved", "type": "stdio", "enabled": True, "timeout": 300}
    return {**said, "cmd": server.command, "args": list(server.args)}


def snippet(client: Client, server: Server) -> str:
    """What a person pastes into the client's file."""
    if client.form == "toml":
        return _toml(server)
    if client.form == "yaml":
        return clientyaml.block(client.key, server.name, entry(client, server))
    return json.dumps({client.key: {server.name: entry(client, server)}}, indent=2, ensure_ascii=False) + "\n"


def edited(client: Client, server: Server, before: bytes, place: str) -> bytes:
    """The client's file with the entry. Raises CASK-I003 for a file that cannot be read, CASK-I004 for one of another form,
    CASK-I009 where somebody else's server has the name."""
    edit = {"json": _edited_json, "toml": _edited_toml, "yaml": _edited_yaml}[client.form]
    return edit(client, server, before, place)


def entries(client: Client, data: bytes, place: str) -> Mapping[str, Any]:
    """The servers that a client's file names, as they stand there. Raises CASK-I003 for a file that cannot be read."""
    value: Any = _parsed(_decoded(data, place), place) if client.key == "mcp_servers" else parse_json(data, place) if data.strip() else {}
    found = value.get(client.key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def is_ours(found: Any) -> bool:
    """Whether an entry starts this program for a toolpack."""
    args = found.get("args") if isinstance(found, dict) else None
    return isinstance(args, list) and "serve" in args and "--toolpack" in args


def _refuse_foreign(found: Any, server: Server, place: str) -> None:
    """An entry that was not written for a toolpack is somebody else's."""
    if found is not None and not is_ours(found):
        what = f"another server is called `{server.name}` there; rename it, or the toolpack"
        raise CaskError("CASK-I009", what, place=place, mend=f"edit {place}")


# ---------------------------------------------------------------- JSON
def _edited_json(client: Client, server: Server, before: bytes, place: str) -> bytes:
    try:
        value = parse_json(before, place) if before.strip() else {}
    except CaskError as cause:
        raise cause.mended(f"edit {place}") from cause
    servers = value.setdefault(client.key, {}) if isinstance(value, dict) else None
    if not isinstance(servers, dict):
        raise CaskError("CASK-I004", f"expected an object with `{client.key}`", place=place, mend=f"edit {place}")
    _refuse_foreign(servers.get(server.name), server, place)
    if servers.get(server.name) == entry(client, server):
        return before
    servers[server.name] = entry(client, server)
    return (json.dumps(value, indent=_indent(before), ensure_ascii=False) + "\n").encode()


def _indent(before: bytes) -> int | str:
    found = re.search(rb"\n([ \t]+)\S", before)
    return found[1].decode() if found else 2


# ---------------------------------------------------------------- TOML
def _toml(server: Server) -> str:
    # A JSON string of these characters is a TOML basic string.
    args = ", ".join(json.dumps(each, ensure_ascii=False) for each in server.args)
    return f"[mcp_servers.{server.name}]\ncommand = {json.dumps(server.command, ensure_ascii=False)}\nargs = [{args}]\n"


def _edited_toml(client: Client, server: Server, before: bytes, place: str) -> bytes:
    text = _decoded(before, place)
    old = _parsed(text, place)
    servers = old.get(client.key, {})
    if not isinstance(servers, dict):
        raise CaskError("CASK-I004", f"`{client.key}` is no table", place=place, mend=f"edit {place}")
    found = servers.get(server.name)
    _refuse_foreign(found, server, place)
    if found is not None and {**found, **entry(client, server)} == found:
        return before
    after = _without_table(text, server.name) if found is not None else text
    after = f"{after.rstrip()}\n\n{_toml(server)}" if after.strip() else _toml(server)
    wanted = {**old, client.key: {**servers, server.name: entry(client, server)}}
    if not _means(after, wanted):
        what = f"`{client.key}` has a form that cannot be added to; paste the snippet yourself"
        raise CaskError("CASK-I004", what, place=place, mend="cask config --client codex")
    return after.encode()


def _decoded(data: bytes, place: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as cause:
        raise CaskError("CASK-I003", f"not UTF-8 at byte {cause.start}", place=place, mend=f"edit {place}") from cause


def _parsed(text: str, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as cause:
        raise CaskError("CASK-I003", str(cause), place=place, mend=f"edit {place}") from cause


def _means(text: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _without_table(text: str, name: str) -> str:
    """The text without a server's table and the tables below it."""
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        if header := re.match(r"\s*\[+\s*([^\]]*?)\s*\]", line):
            words = [word.strip(" \"'") for word in header[1].split(".")]
            inside = words[:2] == ["mcp_servers", name]
        if not inside:
            kept.append(line)
    return "".join(kept)


# ---------------------------------------------------------------- YAML
def _edited_yaml(client: Client, server: Server, before: bytes, place: str) -> bytes:
    text, wanted = _decoded(before, place), entry(client, server)
    found = (clientyaml.parsed(text, client.key, place).get(client.key) or {}).get(server.name)
    _refuse_foreign(found, server, place)
    if found is not None and all(found.get(key) == wanted[key] for key in ("cmd", "args")):
        return before  # whether it is enabled, and for how long it may take, is the person's to say
    return clientyaml.added(text, client.key, server.name, wanted, place).encode()
