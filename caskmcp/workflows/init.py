"""`cask init`: the manifest and the lines for git. Running it again changes nothing.

Leaves traffic where it is: what it finds nearby is named under `sources:`, nothing is read from elsewhere.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from caskmcp.errors import CaskError
from caskmcp.model.finding import Report
from caskmcp.model.project import HOST, ID
from caskmcp.ports import Files, World
from caskmcp.store import manifest, places, project
from caskmcp.store.layout import MANIFEST, PRIVATE
from caskmcp.store.manifest import Entry
from caskmcp.workflows import nearby
from caskmcp.workflows.nearby import NOTHING, Seen

IGNORED: Final = ("*.har", "*.har.gz", "*.har.zst", "*.flow", "*.flows", "*.mitm")
"""Raw recordings: they hold credentials and what people typed."""


def run(world: World, *, hosts: tuple[str, ...], name: str | None) -> Report:
    """Write what is missing. hosts: first parties; without any, those that the specs nearby name.

    Raises CASK-I001 for a host or name that is none, and where no host is known; CASK-I003 and CASK-I004 for a manifest that is here and broken.
    """
    given, written = tuple(map(host_of, hosts)), not world.files.exists(world.cwd / MANIFEST)
    around = nearby.look(world.files, world.cwd) if written else NOTHING
    if written:
        entries, wanted = around.entries(world.cwd), given or around.first_hosts()
        text = checked(name=name, hosts=wanted, entries=entries, auth=around.auth(given))
        world.files.write(world.cwd / MANIFEST, text.encode())
    loaded = project.load_project(world.files, world.cwd)
    root = places.find_root(world.files, world.cwd, world.root)
    rows = ({"file": MANIFEST, "state": "written" if written else "kept"}, *git_lines(world.files, world.cwd, root))
    return Report(
        report="init",
        summary={"toolpack": loaded.project.id, "hosts": len(loaded.project.hosts), "sources": len(loaded.project.sources)},
        tables={"files": rows, "sources": tuple({"kind": row.kind, "path": row.pattern} for row in loaded.project.sources)},
        findings=around.findings,
        lines=("Next:", *(("  cask build", "  cask diff") if loaded.project.sources else ("  cask capture import FILE",))),
    )


def checked(*, name: str | None, hosts: Iterable[str], entries: Iterable[Entry] = (), auth: Seen | None = None) -> str:
    """A fresh manifest that is valid. Raises CASK-I009 for a name that is no id."""
    if name is not None and not ID.fullmatch(name):
        raise CaskError(
            "CASK-I009", f"`{name}` is no toolpack id: expected 1 to 40 of a-z, 0-9 and dashes", mend="cask init --name my-shop"
        )
    text = manifest.fresh(name=name, hosts=hosts, sources=entries, auth=auth or {})
    manifest.parse(text)
    return text


def host_of(given: str) -> str:
    """A host as the manifest writes it; an address is taken for its host. Raises CASK-I001."""
    text = given.lower()
    host = urlsplit(text).netloc.rpartition("@")[2] if "://" in text else text.rstrip("/")
    if not HOST.fullmatch(host):
        raise CaskError("CASK-I001", f"`{given}` is no host name", mend="cask init -a api.example.com")
    return host


# ---------------------------------------------------------------- git
def git_lines(files: Files, folder: Path, root: Path) -> tuple[dict[str, str], ...]:
    """Add to `.gitignore` and `.gitattributes` beside the manifest what is missing there."""
    if not root.is_relative_to(folder):
        return ()
    inner = root.relative_to(folder).as_posix()
    ignored = (*(f"{inner}/{name}/" for name in PRIVATE), *IGNORED)
    return (
        _with_lines(files, folder / ".gitignore", "# CaskMCP: traffic, state and caches stay out; all else is committed", ignored),
        _with_lines(files, folder / ".gitattributes", "# CaskMCP: what is signed is compared byte for byte", (f"{inner}/** -text",)),
    )


def _with_lines(files: Files, path: Path, about: str, lines: tuple[str, ...]) -> dict[str, str]:
    before = files.read(path).decode("utf-8", "surrogateescape") if files.exists(path) else ""
    missing = [line for line in lines if line not in {row.strip() for row in before.splitlines()}]
    if missing:
        end = "\r\n" if "\r\n" in before else "\n"
        start = before if not before or before.endswith("\n") else before + end
        files.write(path, (start + end.join((about, *missing)) + end).encode("utf-8", "surrogateescape"))
    return {"file": path.name, "state": "kept" if not missing else "added to" if before else "written"}
