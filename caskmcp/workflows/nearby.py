"""Recordings and documents near the manifest: of which kind a file is, and which hosts and ways to authenticate are seen in it.

Looks at names, first bytes and the first entries; keeps nothing. What a build makes of a file is said by the compiler alone.
"""

import os
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from caskmcp.compiler.capture.sources import kinds
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.compiler.capture.sources.kinds import KINDS
from caskmcp.compiler.capture.sources.table import source
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared
from caskmcp.model.finding import Finding, Severity
from caskmcp.model.project import HOST, SOURCE_KINDS
from caskmcp.ports import Files
from caskmcp.store.manifest import Entry, literal
from caskmcp.workflows import brunofolder, specfiles

DEPTH: Final = 3
"""Folders below the project that are looked into."""
MOST: Final = 2000
"""Files that are looked at."""
BIGGEST: Final = 32 << 20
"""Bytes of a file that may be a spec; a larger one is none."""
LOOKED_AT: Final = 500
"""Entries of a recording that are looked at for hosts and schemes."""
PASSED_OVER: Final = frozenset(
    {"node_modules", "bower_components", "vendor", "venv", "env", "site-packages", "__pycache__", "build", "dist", "target", "htmlcov"}
)
"""Folders that hold other people's files. Hidden ones are passed over as well."""
DOCUMENTS: Final = (".json", ".yaml", ".yml")
"""Ends of the names of files that may be specs."""
_SPEC: Final = next(row.head for row in KINDS if row.kind == "openapi")


def kind_of(files: Files, path: Path) -> str | None:
    """As `kinds.kind_of`; None for what is of no kind. Raises CASK-I002 for a missing file."""
    found = kinds.kind_of(path.name, _head(files, path))
    if found is not None:
        return found
    return "openapi" if path.name.lower().endswith(DOCUMENTS) and _names_a_version(files, path) else None


def _head(files: Files, path: Path) -> bytes:
    return next(iter(files.chunks(path, kinds.HEAD)), b"")


def _names_a_version(files: Files, path: Path) -> bool:
    """Whether the version stands further down: writers that sort keys put it behind all components."""
    if files.stat_key(path)[2] > BIGGEST:
        return False
    tail = b""
    for piece in files.chunks(path):
        if _SPEC and _SPEC.search(tail + piece):
            return True
        tail = piece[-64:]
    return False


# ---------------------------------------------------------------- finding
def find(files: Files, folder: Path) -> tuple[tuple[str, Path], ...]:
    """(kind, path) of recordings and specs in a folder and a little below it, those of a folder before those below."""
    looked = ((path, path.name.lower()) for path in islice(_paths(files, folder, DEPTH), MOST))
    kinds = ((_kind_by_name(files, path, name), path) for path, name in looked)
    return tuple((kind, path) for kind, path in kinds if kind)


def _kind_by_name(files: Files, path: Path, name: str) -> str | None:
    if found := kinds.kind_by_name(name):
        # `.flow` is other tools' ending too.
        return found if not kinds.is_converted(found) or kinds.shows(found, _head(files, path)) else None
    found = kind_of(files, path) if name.endswith(DOCUMENTS) else None
    return found if found and kinds.is_document(found) else None


def _paths(files: Files, folder: Path, depth: int) -> Iterator[Path]:
    real = folder.resolve()
    shown = [folder / name for name in files.listing(folder) if not name.startswith(".") and name not in PASSED_OVER]
    # A link may lead out of the project, or around in a circle.
    here = [path for path in shown if files.exists(path) and path.resolve() == real / path.name]
    yield from (path for path in here if not files.is_folder(path))
    for below in here if depth else ():
        if files.is_folder(below):
            yield from _paths(files, below, depth - 1)


# ---------------------------------------------------------------- looking into them
Seen = Mapping[str, tuple[str, ...]]
"""Host -> ways to authenticate that were seen (`Exchange.auth`), sorted."""


@dataclass(frozen=True)
class Nearby:
    """What lies around, and what is seen in it."""

    found: tuple[tuple[str, Path], ...]
    pairs: Mapping[Path, tuple[tuple[str, str], ...]]
    """File -> (host, way to authenticate or empty) of each entry or operation that was looked at."""
    findings: tuple[Finding, ...]
    """Files that cannot be read. They stay out."""

    def entries(self, folder: Path) -> tuple[Entry, ...]:
        """Every file that can be read, as an entry of `sources:`."""
        return tuple(Entry(kind, literal(path.relative_to(folder).as_posix())) for kind, path in self.found if path in self.pairs)

    def first_hosts(self, command: str = "cask init") -> tuple[str, ...]:
        """The first server of each spec. Raises CASK-I001 without one: of a recording's many hosts nobody but the user knows which are theirs."""
        specs = [self.pairs[path][0][0] for kind, path in self.found if kinds.is_document(kind) and self.pairs.get(path)]
        if hosts := tuple(dict.fromkeys(host for host in specs if HOST.fullmatch(host))):
            return hosts
        counts = Counter(host for pairs in self.pairs.values() for host, _ in pairs if HOST.fullmatch(host))
        often = sorted(counts, key=lambda host: (-counts[host], host))[:5]
        listed = ", ".join(f"{host} ({counts[host]})" for host in often)
        what = f"which hosts are yours? Seen nearby: {listed}" if often else "a first-party host is needed"
        raise CaskError("CASK-I001", what, mend=f"{command} -a {often[0] if often else 'HOST'}")

    def auth(self, hosts: tuple[str, ...]) -> Seen:
        """Ways to authenticate with these hosts, or with all that the specs name."""
        ours = hosts or self.first_hosts()
        seen = {pair for pairs in self.pairs.values() for pair in pairs if pair[1] and pair[0] in ours}
        return {host: tuple(sorted(word for each, word in seen if each == host)) for host in sorted({host for host, _ in seen})}


NOTHING: Final = Nearby((), {}, ())


def look(files: Files, folder: Path) -> Nearby:
    """Find what lies around, and look into it. What no manifest may name is left out, with the command that brings it in."""
    found = find(files, folder)
    around = into(files, folder, tuple(row for row in found if row[0] in SOURCE_KINDS or kinds.is_converted(row[0])))
    others = (path for kind, path in found if kind not in SOURCE_KINDS and not kinds.is_converted(kind))
    names = dict.fromkeys(os.path.relpath(brunofolder.holder(files, path), folder) for path in others)
    return replace(around, findings=(*around.findings, *map(_only_imported, names)))


def _only_imported(name: str) -> Finding:
    cause = CaskError("CASK-C001", "an import alone takes it", mend=f"cask capture import {shlex.quote(name)}")
    return _unreadable(cause, name)


def into(files: Files, folder: Path, found: tuple[tuple[str, Path], ...]) -> Nearby:
    """Look into files. folder: what their names are told from."""
    pairs, findings = {}, []
    for kind, path in found:
        try:
            _refuse_converted(kind, os.path.relpath(path, folder))
            pairs[path] = tuple(_pairs(kind, specfiles.blocks(files, kind, path)))
        except CaskError as cause:
            findings.append(_unreadable(cause, os.path.relpath(path, folder)))
    return Nearby(found, pairs, tuple(findings))


def _refuse_converted(kind: str, name: str) -> None:
    if kinds.is_converted(kind):
        raise CaskError("CASK-C001", "another program has to read it first", mend=f"cask capture import {shlex.quote(name)}")


def _unreadable(cause: CaskError, name: str) -> Finding:
    place = f"{name}, {cause.place}" if cause.place else name
    message = f"{name} is left out: {cause.what}"
    return Finding(code=cause.code, severity=Severity.INFO, subject=name, message=message, place=place, mend=cause.mend or "")


def _pairs(kind: str, blocks: Iterator[bytes]) -> Iterator[tuple[str, str]]:
    for row in islice(source(kind).read(blocks), LOOKED_AT):
        if isinstance(row, Declared) and row.host:
            host = f"{row.host}:{row.port}" if row.port else row.host
            yield from ((host, word) for word in row.auth or ("",))
        elif isinstance(row, Recorded):
            yield _host(row.url), _scheme(row)


def _host(url: str) -> str:
    """Host and port as the manifest writes them; empty for what is no address."""
    try:
        parts = urlsplit(url.lower())
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return host.removesuffix({"http": ":80", "https": ":443"}.get(parts.scheme, ":"))


def _scheme(row: Recorded) -> str:
    if row.credentials:
        return row.credentials[0][0]
    sent = next((value for name, value in row.headers if name.lower() == "authorization"), "")
    word = sent.partition(" ")[0].lower()
    return word if word in ("bearer", "basic") else "header:authorization" if sent else ""
