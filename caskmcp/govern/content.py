"""Approved content by digest, so that a diff can be read offline; and what changed between two contents.

Promises that nothing is read whose digest is not its name. Content is for the reviewer: the door does not need it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.ports import Files
from caskmcp.store.layout import Pack
from caskmcp.text import MAX_BYTES, MAX_DEPTH, parse_json

WIDTH: Final = 120
"""Characters of a value that are shown."""


def keep(files: Files, pack: Pack, content: Mapping[str, Any]) -> Digest:
    """Write content under its digest. What lies there is overwritten: it may have been edited."""
    digest = canon.digest(content)
    files.write(pack.content(digest), canon.pretty(content))
    return digest


def read(files: Files, pack: Pack, digest: str) -> dict[str, Any]:
    """The content of that digest. Raises CASK-L004 if it is missing or is not what its name says."""
    path = pack.content(digest)
    if not canon.is_digest(digest) or not files.exists(path):
        raise _bad("the approved content is missing", digest, path.name)
    try:
        value, found = _known(files.read(path, MAX_BYTES), path.name)
    except CaskError as cause:
        raise _bad(f"the approved content cannot be read: {cause.what}", digest, path.name) from cause
    if found != digest or not isinstance(value, dict):
        raise _bad("the approved content was edited", digest, path.name)
    return value


def _known(data: bytes, name: str) -> tuple[Any, Digest]:
    plain = canon.read_plain(data, MAX_DEPTH)
    if plain is not None:
        return plain
    value = parse_json(data, name)
    return value, canon.digest(value)


def changes(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """What differs, one line a place: `- gone`, `+ new`, `~ changed` with the dotted path and both values."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _member(old, new, key, f"{path}.{key}" if path else key)
    elif canon.dump(old) != canon.dump(new):
        yield f"~ {path}: {shown(old)} -> {shown(new)}"


def _member(old: Mapping[str, Any], new: Mapping[str, Any], key: str, path: str) -> Iterator[str]:
    if key not in new:
        yield f"- {path}: {shown(old[key])}"
    elif key not in old:
        yield f"+ {path}: {shown(new[key])}"
    else:
        yield from changes(old[key], new[key], path)


def shown(value: Any) -> str:
    """A value as one line of JSON, cut where it is long."""
    written = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return written if len(written) <= WIDTH else written[: WIDTH - 1] + "…"


def _bad(problem: str, digest: str, name: str) -> CaskError:
    return CaskError(
        "CASK-L004", f"{problem} ({digest[:19]}…)", place=f"lockfile/content/{name}", mend="git checkout -- '*/lockfile/content/*'"
    )
