"""The toolchain: what compiles, as a digest that is part of every action key. Our compiling rooms, the libraries that they name, the
dates of data tables. The version of Python is not in it: the same toolchain gives the same bytes on each.
"""

import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import caskmcp
from caskmcp import canon
from caskmcp.model.artifact import Toolchain
from caskmcp.ports import Files
from caskmcp.store.index import Index

ROOMS: Final = ("calculus", "canon.py", "compiler", "hidden.py", "model", "redact", "text.py")
"""What of the package can change an artifact."""

# fmt: off
LIBRARIES: Final = {
    # distribution       imported as
    "genson":            "genson",
    "google-re2":        "re2",
    "graphql-core":      "graphql",
    "ijson":             "ijson",
    "jsonschema-rs":     "jsonschema_rs",
    "msgspec":           "msgspec",
    "publicsuffixlist":  "publicsuffixlist",
    "pydantic":          "pydantic",
    "pyyaml":            "yaml",
    "rfc8785":           "rfc8785",
}
LOSSLESS: Final = ("brotli", "backports", "compression", "google", "isal", "opentelemetry", "pydantic_core")
"""Imported by the compiling rooms and left out: what a decompressor or a decoder of protobuf gives is fixed by its input (and one of them is
part of the standard library from Python 3.14 on, others are extras); pydantic pins its core."""
TABLES: Final = {
    # data table         distribution whose version ends with its date
    "public-suffixes":   "publicsuffixlist",
}
# fmt: on

PACKAGE: Final = Path(caskmcp.__file__).parent


def toolchain(files: Files, index: Index) -> Toolchain:
    """The toolchain of this process. Digests of source files are remembered by stat key; where versions stand is watched."""
    sources = {path.relative_to(PACKAGE).as_posix(): index.digest(path) for room in ROOMS for path in _files(files, PACKAGE / room, index)}
    libraries = {name: _version(name, index) for name in LIBRARIES}
    tables = {name: _date(libraries[library]) for name, library in TABLES.items()}
    digest = canon.digest({"sources": sources, "libraries": libraries, "tables": tables})
    return Toolchain(cask=caskmcp.__version__, digest=digest, libraries=libraries, tables=tables)


def _files(files: Files, path: Path, index: Index) -> Iterator[Path]:
    """The files of a room, compiled ones left out; folders are watched for new ones."""
    if not files.is_folder(path):
        yield from (path,) if files.exists(path) else ()
        return
    index.watch(path)
    for name in files.listing(path):
        if name != "__pycache__" and not name.startswith("."):
            yield from _files(files, path / name, index)


def _version(name: str, index: Index) -> str:
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return ""
    # An upgrade adds and removes a folder here.
    index.watch(Path(str(found.locate_file(""))))
    return found.version


def _date(version: str) -> str:
    """The date at the end of a version, e.g. `20261023`; the version itself if there is none."""
    found = re.search(r"(\d{8})$", version)
    return found[1] if found else version
