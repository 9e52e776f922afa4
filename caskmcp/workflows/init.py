"""`cask init`: the manifest and the lines for git. Running it again changes nothing.

Leaves traffic where it is: what it finds nearby is named under `sources:`, nothing is read from elsewhere.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from caskmcp.errors import CaskError
from caskmcp.model.finding import Report
from caskmcp.model.project import HOST, ID
from caskmcp.ports import World
from caskmcp.store import manifest, places, project
from caskmcp.store.layout import MANIFEST
from caskmcp.store.manifest import Entry
from caskmcp.store.project import LoadedProject
from caskmcp.workflows import gitlines, nearby
from caskmcp.workflows.nearby import NOTHING, Seen


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
    refuse_renaming(loaded, name)
    root = places.find_root(world.files, world.cwd, world.root)
    rows = ({"file": MANIFEST, "state": "written" if written else "kept"}, *gitlines.add(world.files, world.cwd, root))
    return Report(
        report="init",
        summary={"toolpack": loaded.project.id, "hosts": len(loaded.project.hosts), "sources": len(loaded.project.sources)},
        tables={"files": rows, "sources": tuple({"kind": row.kind, "path": row.pattern} for row in loaded.project.sources)},
        findings=around.findings,
        lines=("Next:", *(("  cask build", "  cask diff") if loaded.project.sources else ("  cask capture import FILE",))),
    )


def refuse_renaming(loaded: LoadedProject, name: str | None) -> None:
    """Raise CASK-I001 for another name than the one that the project has: a new name is a new toolpack, and that is said in the manifest."""
    if name is not None and name != loaded.project.id:
        what = f"the project is called `{loaded.project.id}`, not `{name}`"
        raise CaskError("CASK-I001", what, place=loaded.document.name, mend=f"edit {MANIFEST}")


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
