"""A toolpack as one set of named bytes: its manifest, who signed that, and whether its members belong together.

Promises that what `opened` returns is a whole handoff and nothing else: every member is listed with its digest, lies where a toolpack has
such a file, and is named by the handoff or the lock beside it. Whether any of it may run is `admit`'s to say; the zip is `store.archive`'s.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from caskmcp import canon, text
from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.govern import lockfile, offer
from caskmcp.govern.lockfile import ReadLock
from caskmcp.govern.trust import Chain
from caskmcp.govern.verify import holds
from caskmcp.model.artifact import Toolpack
from caskmcp.model.bundle import BUNDLE_SCHEMA, BUNDLE_TYPE, Manifest, Member, SignedManifest
from caskmcp.model.pack import PackFiles
from caskmcp.model.project import ID
from caskmcp.model.trust import Signature

NAME: Final = "bundle.json"
HANDOFF: Final = "toolpack.yaml"
LOCK: Final = f"lockfile/{lockfile.NAME}"
_ARTIFACT: Final = re.compile(r"artifact/([^/]+)")
_CONTENT: Final = re.compile(r"lockfile/content/([0-9a-f]{64})\.json", re.ASCII)
_ROOT: Final = re.compile(r"trust/([1-9][0-9]{0,5})\.root\.json", re.ASCII)


@dataclass(frozen=True)
class Handed:
    """A bundle whose members belong together."""

    members: Mapping[str, bytes]
    """The files of the toolpack by path; without `bundle.json`."""
    manifest: SignedManifest
    files: PackFiles
    lock: ReadLock

    @property
    def id(self) -> str:
        """The toolpack's id."""
        return self.files.id


# ---------------------------------------------------------------- making
def manifest(toolpack: str, members: Mapping[str, bytes]) -> Manifest:
    """What these files of a toolpack are."""
    return Manifest(toolpack=toolpack, members={name: _member(members[name]) for name in sorted(members)})


def sealed(signed: Manifest, members: Mapping[str, bytes], signatures: Iterable[Signature] = ()) -> dict[str, bytes]:
    """The members of the bundle, its manifest among them."""
    rows = tuple(sorted(signatures, key=lambda row: row.key))
    record = SignedManifest(signed=signed, signatures=rows)
    return {**members, NAME: canon.pretty(record.model_dump(mode="json", by_alias=True))}


def named_contents(lock: ReadLock) -> frozenset[Digest]:
    """Digests of all content that an approval in the lock names."""
    rows = (row.statement for signed in lock.lock.subjects.values() for row in signed)
    return frozenset(Digest(row.digest) for row in rows if row.verdict == "allow" and canon.is_digest(row.digest))


def _member(data: bytes) -> Member:
    return Member(digest=canon.digest_bytes(data), size=len(data))


# ---------------------------------------------------------------- opening
def opened(members: Mapping[str, bytes]) -> Handed:
    """Judge the members of a bundle together.

    Raises CASK-P003 where they do not belong together, CASK-I008 for another version of the format, CASK-L001 and CASK-L002 for a lock or
    a handoff that cannot be read.
    """
    record = _manifest(members)
    files = {name: data for name, data in members.items() if name != NAME}
    _require_listed(record.signed, files)
    handoff = _handoff(files)
    if record.signed.toolpack != handoff.id:
        raise _bad(f"its manifest is of `{record.signed.toolpack}`, its toolpack is `{handoff.id}`")
    lock = lockfile.read(files.get(LOCK), handoff.id)
    _require_places(files)
    _require_artifacts(handoff, files)
    _require_contents(lock, files)
    return Handed(files, record, _pack_files(handoff.id, files), lock)


def _manifest(members: Mapping[str, bytes]) -> SignedManifest:
    if NAME not in members:
        raise _bad(f"it has no {NAME}")
    try:
        record = SignedManifest.from_json(members[NAME], NAME)
        value = text.parse_json(members[NAME], NAME)
    except CaskError as cause:
        raise _bad(f"its manifest cannot be read: {cause.what}") from cause
    if (written := value["signed"].get("schema")) != BUNDLE_SCHEMA:
        what = f"its manifest has the schema `{written}`, this program reads {BUNDLE_SCHEMA}"
        raise CaskError("CASK-I008", what, place=NAME, mend="pip install --upgrade caskmcp")
    return record


def _require_listed(signed: Manifest, files: Mapping[str, bytes]) -> None:
    for name in sorted({*signed.members, *files}):
        if name not in files:
            raise _bad(f"`{name}` is listed and missing")
        if name not in signed.members:
            raise _bad(f"`{name}` is not listed")
        if signed.members[name] != _member(files[name]):
            raise _bad(f"`{name}` is not what the manifest lists")


def _handoff(files: Mapping[str, bytes]) -> Toolpack:
    if HANDOFF not in files:
        raise _bad(f"it has no {HANDOFF}")
    handoff = Toolpack.from_yaml(files[HANDOFF], HANDOFF, code="CASK-L002")
    if handoff.format != Toolpack.model_fields["format"].default:
        what = f"the schema of {HANDOFF} is `{handoff.format[:100]}`"
        raise CaskError("CASK-I008", what, place=HANDOFF, mend="pip install --upgrade caskmcp")
    if not ID.fullmatch(handoff.id):
        raise CaskError("CASK-L002", f"`{handoff.id}` is no toolpack id", place=HANDOFF, mend="cask bundle")
    return handoff


def _require_places(files: Mapping[str, bytes]) -> None:
    """Nothing lies where a toolpack has no such file; versions of the trust root without a gap."""
    for name in files:
        if name not in (HANDOFF, LOCK) and not any(form.fullmatch(name) for form in (_ARTIFACT, _CONTENT, _ROOT)):
            raise _bad(f"`{name}` is no file of a toolpack")
    if _versions(files) != list(range(1, len(_versions(files)) + 1)):
        raise _bad("a version of the trust root is missing")


def _require_artifacts(handoff: Toolpack, files: Mapping[str, bytes]) -> None:
    found = {match[1]: str(canon.digest_bytes(data)) for name, data in files.items() if (match := _ARTIFACT.fullmatch(name))}
    for name in sorted({*found, *handoff.artifacts}):
        if found.get(name) != handoff.artifacts.get(name):
            raise _bad(f"`artifact/{name}` is not what {HANDOFF} hands over")
    for name in offer.NAMES.values():
        if name not in found:
            raise _bad(f"`artifact/{name}` is missing")


def _require_contents(lock: ReadLock, files: Mapping[str, bytes]) -> None:
    """The content of each approval, under the digest of what it says; no other."""
    found = {f"sha256:{match[1]}": data for name, data in files.items() if (match := _CONTENT.fullmatch(name))}
    named = named_contents(lock)
    for digest in sorted({*found, *named}):
        if digest not in named:
            raise _bad(f"no approval names the content {digest[:19]}…")
        if digest not in found or _digest(found[digest]) != digest:
            raise _bad(f"the approved content {digest[:19]}… is missing or was edited")


def _digest(data: bytes) -> str:
    """Digest of what JSON bytes say; empty for what has none."""
    try:
        return canon.digest(text.parse_json(data, "content"))
    except CaskError:
        # What cannot be read is not what was approved, whatever its name says.
        return ""


def _versions(files: Mapping[str, bytes]) -> list[int]:
    return sorted(int(match[1]) for name in files if (match := _ROOT.fullmatch(name)))


def _pack_files(toolpack: str, files: Mapping[str, bytes]) -> PackFiles:
    served: dict[str, Any] = {role: files[f"artifact/{name}"] for role, name in offer.NAMES.items()}
    return PackFiles(
        id=toolpack,
        lock=files.get(LOCK),
        roots=tuple(files[f"trust/{version}.root.json"] for version in _versions(files)),
        contents={f"sha256:{match[1]}": data for name, data in files.items() if (match := _CONTENT.fullmatch(name))},
        **served,
    )


def _bad(problem: str) -> CaskError:
    return CaskError("CASK-P003", f"the bundle does not hold what it should: {problem}", place=NAME, mend="cask bundle")


# ---------------------------------------------------------------- who vouches for it
def signers(handed: Handed, chain: Chain) -> tuple[str, ...]:
    """Names of those who signed the manifest. Raises CASK-P004 for a signature that does not hold, or is by a key that the trust root does not have now."""
    for row in handed.manifest.signatures:
        key = chain.current.keys.get(row.key)
        if key is None:
            what = f"it is signed by a key that the trust root does not name: {row.key[:19]}…"
            raise CaskError("CASK-P004", what, place=NAME, mend="cask bundle")
        if not holds(key, BUNDLE_TYPE, handed.manifest.signed.payload(), row.signature):
            raise CaskError("CASK-P004", f"the signature of {key.name} over the bundle does not hold", place=NAME, mend="cask bundle")
    return tuple(sorted({chain.current.keys[row.key].name for row in handed.manifest.signatures}))
