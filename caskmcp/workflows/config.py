"""`cask config`: the snippet that makes an MCP client start this toolpack's server, or the edit of the client's own file.

Without being told nothing is written; a dry run reads and judges what an edit would read, and says what it would do. It shows the entry and
never the file, which may hold the credentials of other servers.
"""

from pathlib import Path

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import offer
from caskmcp.model.artifact import Environments
from caskmcp.model.finding import Report
from caskmcp.model.toolset import Toolsets
from caskmcp.ports import Files, World
from caskmcp.store import clients as machine
from caskmcp.store import project
from caskmcp.store.layout import Pack
from caskmcp.workflows import here
from caskmcp.workflows.clients import CLIENTS, Client, Server, edited, entry, snippet

LONGEST: int = 14
"""Characters of an entry's name: with a tool's 36 it stays below what the strictest client takes."""


def run(world: World, *, client: str, install: bool, toolset: str | None, environment: str | None, dry_run: bool = False) -> Report:
    """Say what to paste, or put it there. toolset, environment: what the server is started with. dry_run: say only what `install` would do.

    Raises CASK-I001 for a dry run of nothing, CASK-I010 for a toolset or environment that the toolpack does not have, CASK-I011 without a toolpack, and what `edited` raises.
    """
    if dry_run and not install:
        raise CaskError("CASK-I001", "`--dry-run` is for `--install`; nothing is written without it", mend="cask config --help")
    row, pack = CLIENTS[client], here.pack(world)
    _refuse_unknown(world.files, pack, toolset, environment)
    server = _server(world, pack, toolset, environment)
    manifest = project.find_manifest(world.files, world.cwd)
    file = row.file(manifest.parent if manifest else world.cwd)
    lines = _install(world.files, row, server, file, dry_run=dry_run) if install else (snippet(row, server),)
    return Report(
        report="config",
        summary={"client": row.title, "entry": server.name, "file": str(file)},
        tables={"entries": ({"name": server.name, **entry(row, server)},)},
        lines=(*lines, *_about(row, install and not dry_run)),
    )


def _about(client: Client, install: bool) -> tuple[str, ...]:
    shared = ("It names places on this machine: keep it out of git.",) if client.in_project else ()
    return (*shared, f"Restart {client.title} to see the tools.") if install else shared


def name_of(toolpack: str) -> str:
    """The entry's name: the toolpack's id, a longer one cut and told apart by its digest."""
    if len(toolpack) <= LONGEST:
        return toolpack
    return f"{toolpack[: LONGEST - 5].rstrip('-')}-{canon.hexadecimal(canon.digest_bytes(toolpack.encode()))[:4]}"


def _server(world: World, pack: Pack, toolset: str | None, environment: str | None) -> Server:
    command, *rest = machine.command()
    # A client starts the server from anywhere, so both places are said in full.
    args = [*rest, "serve", "--toolpack", str(pack.toolpack), "--root", str(here.root(world).path)]
    args += ["--toolset", toolset] if toolset else []
    args += ["--env", environment] if environment else []
    _refuse_unwritable(args, pack)
    return Server(name_of(offer.identity(world.files, pack)), command, tuple(args))


def _refuse_unwritable(args: list[str], pack: Pack) -> None:
    """Clients' files are UTF-8; a path that is not cannot be said in them."""
    try:
        "".join(args).encode("utf-8")
    except UnicodeEncodeError as cause:
        what = "the path of the toolpack is not UTF-8, and a client's file has to be"
        raise CaskError("CASK-I009", what, place=str(pack.path), mend="move the project to a folder with another name") from cause


def _refuse_unknown(files: Files, pack: Pack, toolset: str | None, environment: str | None) -> None:
    if toolset is not None:
        _refuse("toolset", toolset, Toolsets.from_yaml(files.read(pack.artifact("toolsets.yaml")), "toolsets.yaml").toolsets)
    if environment is not None:
        _refuse(
            "environment",
            environment,
            Environments.from_yaml(files.read(pack.artifact("environments.yaml")), "environments.yaml").environments,
        )


def _refuse(kind: str, name: str, known: object) -> None:
    names = sorted(known) if isinstance(known, dict) else []
    if name not in names:
        raise CaskError("CASK-I010", f"there is no {kind} `{name}`; there are: {', '.join(names) or 'none'}", mend="cask config --help")


# ---------------------------------------------------------------- the client's own file
def _install(files: Files, client: Client, server: Server, file: Path, *, dry_run: bool) -> tuple[str, ...]:
    file = file.resolve()  # the file behind a link is edited, the link stays
    before = files.read(file) if files.exists(file) else b""
    after = edited(client, server, before, str(file))
    if after == before:
        return (f"{file} has the entry `{server.name}` already.",)
    backup = _free(files, file) if before else None
    if not dry_run:
        _write(files, file, before, after, backup)
    wrote, kept = ("Would write", "As it is now would be kept as") if dry_run else ("Wrote", "As it was before")
    said = (f"{wrote} the entry `{server.name}` to {file}.", *((f"{kept}: {backup}",) if backup else ()))
    return (*said, snippet(client, server)) if dry_run else said


def _write(files: Files, file: Path, before: bytes, after: bytes, backup: Path | None) -> None:
    """What was there first, then the file; who could not read the one cannot read the other."""
    private = bool(before) and files.mode(file)[0] & 0o077 == 0
    if backup is not None:
        files.write(backup, before, private=private)
    files.write(file, after, private=private)


def _free(files: Files, file: Path) -> Path:
    """The first name for a backup that is free: `.bak`, `.bak.1`, …"""
    number = 0
    while files.exists(path := file.with_name(f"{file.name}.bak{f'.{number}' if number else ''}")):
        number += 1
    return path
