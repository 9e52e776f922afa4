"""The user's own configuration (`model/personal.py`): the secrets that it names, and the authorities.

Promises: a document that others may write is not followed, a secret that others may read is not used; what a command prints goes to who asked
and nowhere else; no error repeats a command or what it printed.
"""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.model.personal import Kept, Personal
from caskmcp.ports import Files

NAME: Final = "config.yaml"
LARGEST: Final = 1 << 20
LONGEST: Final = 16 << 10
"""Bytes of a secret."""


def read(files: Files, folder: Path) -> Personal:
    """The document; an empty one where there is none. Raises CASK-R032 if others may write it, CASK-I003 and I004 for one that is wrong."""
    path = folder / NAME
    if not files.exists(path):
        return Personal()
    mode, _ = files.mode(path)
    if mode & 0o022:
        raise CaskError("CASK-R032", f"others may write it (mode {mode:04o})", place=str(path), mend=f"chmod 600 {shlex.quote(str(path))}")
    return Personal.from_yaml(files.read(path, LARGEST), str(path))


def secret(files: Files, folder: Path, name: str) -> tuple[str, bool]:
    """The secret under a name, and whether a command printed it. Raises CASK-R009 where there is none, and what `read` raises."""
    kept = read(files, folder).credentials.get(name)
    if kept is None:
        place = str(folder / NAME)
        raise CaskError("CASK-R009", f"your configuration names no `{name}` under `credentials:`", place=place, mend="cask doctor")
    found = _printed(kept.command, name) if kept.command is not None else _read(files, folder, kept, name)
    if not found:
        raise CaskError("CASK-R009", f"what `config:{name}` leads to is empty", mend="cask doctor")
    return found, kept.command is not None


def authorities(files: Files, folder: Path) -> Mapping[str, tuple[Path, bytes]]:
    """Host -> the file of its authorities, and what is in it. Raises what `read` raises, CASK-I002 for a file that is not there."""
    rows = read(files, folder).authorities
    return {host: (folder / name, files.read(folder / name, LARGEST)) for host, name in sorted(rows.items())}


def _read(files: Files, folder: Path, kept: Kept, name: str) -> str:
    path = folder / str(kept.file)
    if not files.exists(path):
        raise CaskError("CASK-R009", f"the file behind `config:{name}` is not there", mend="cask doctor")
    mode, _ = files.mode(path)
    if mode & 0o077:
        what = f"the file behind `config:{name}` is open to others (mode {mode:04o})"
        raise CaskError("CASK-R009", what, mend=f"chmod 600 {shlex.quote(str(path))}")
    return _text(files.read(path, LONGEST), name)


def _printed(command: tuple[str, ...], name: str) -> str:
    said = load("store.programs:output")(command, LONGEST)
    if isinstance(said, str):
        raise CaskError("CASK-R009", f"the command behind `config:{name}` {said}", mend="cask doctor")
    return _text(said, name)


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8").strip()
    except UnicodeDecodeError as cause:
        raise CaskError("CASK-R009", f"what `config:{name}` leads to is no text", mend="cask doctor") from cause
