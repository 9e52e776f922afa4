"""Evidence, judged offline: whether a folder holds just what its manifest names, and whether the manifest is the one that its name is of.

Promises: a file that was changed, removed, added or put in another's place is named; so is a changed manifest, and changed times where they were bound to it.
Whoever can write the folder can make another one that holds together: that is what signatures are for.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from caskmcp import canon, text
from caskmcp.errors import CaskError
from caskmcp.model.evidence import EVIDENCE_SCHEMA, Manifest, Signatures, Times

MANIFEST: Final = "manifest.json"
TIMES: Final = "times.json"
SIGNATURES: Final = "signatures.json"
AGAIN: Final = "cask verify"
APART: Final = (MANIFEST, TIMES, SIGNATURES)
Signer = Callable[[str, str, str, str], str]
"""(key id, signature, digest of the manifest, digest of the times) -> the signer's name, empty for a signature that does not hold."""


class Flaw(NamedTuple):
    """Something that was not left so."""

    file: str
    """Empty for the folder as a whole."""
    what: str


@dataclass(frozen=True)
class Judged:
    """One folder of evidence."""

    name: str
    manifest: Manifest | None
    times: Times | None
    flaws: tuple[Flaw, ...]
    signers: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Of the manifest; empty where that cannot be read."""
        return str(canon.digest(self.manifest.content())) if self.manifest else ""


def judge(name: str, files: Mapping[str, bytes], signer: Signer) -> Judged:
    """Judge the files of a folder. name: the folder's."""
    try:
        manifest = _manifest(files)
    except CaskError as cause:
        return Judged(name, None, None, (Flaw(MANIFEST, cause.what),))
    flaws = [*_named(name, manifest), *_listed(manifest, files)]
    times, told = _times(files, manifest)
    flaws += told
    signers, unsound = _signed(files, manifest, times, signer)
    return Judged(name, manifest, times, (*flaws, *unsound), signers)


def _manifest(files: Mapping[str, bytes]) -> Manifest:
    if MANIFEST not in files:
        raise CaskError("CASK-V001", "it is missing", mend=AGAIN)
    schema = _value(files[MANIFEST], MANIFEST).get("schema")
    if schema != EVIDENCE_SCHEMA:
        raise CaskError("CASK-I008", f"its schema is not {EVIDENCE_SCHEMA}", mend="pip install --upgrade caskmcp")
    manifest = Manifest.from_json(files[MANIFEST], MANIFEST, code="CASK-V001")
    if canon.pretty(manifest.content()) != files[MANIFEST]:
        raise CaskError("CASK-V001", "it is not as it is written here", mend=AGAIN)
    return manifest


def _value(data: bytes, name: str) -> dict[str, object]:
    value = text.parse_json(data, name)
    if not isinstance(value, dict):
        raise CaskError("CASK-V001", "it is no object", mend=AGAIN)
    return value


def _named(name: str, manifest: Manifest) -> Iterator[Flaw]:
    if name.rpartition("-")[2] != canon.hexadecimal(canon.digest(manifest.content()))[:16]:
        yield Flaw(MANIFEST, "it is not the manifest that the folder is named after: it was changed, or the folder was renamed")


def _listed(manifest: Manifest, files: Mapping[str, bytes]) -> Iterator[Flaw]:
    digests = {name: str(canon.digest_bytes(data)) for name, data in files.items()}
    for name in sorted({*manifest.files, *files} - {*APART}):
        if name not in files:
            yield Flaw(name, "it is listed and missing")
        elif name not in manifest.files:
            yield Flaw(name, "it is not listed")
        elif digests[name] != manifest.files[name]:
            other = next((each for each, digest in sorted(manifest.files.items()) if digest == digests[name]), "")
            yield Flaw(name, f"it holds what {other} held" if other else "it was changed")


def _times(files: Mapping[str, bytes], manifest: Manifest) -> tuple[Times | None, list[Flaw]]:
    if TIMES not in files:
        return None, [Flaw(TIMES, "it is missing")]
    try:
        times = Times.from_json(files[TIMES], TIMES, code="CASK-V001")
    except CaskError as cause:
        return None, [Flaw(TIMES, cause.what)]
    bound = times.digest or manifest.kind == "verify"  # a probe of an earlier version wrote times that nothing binds
    whole = canon.pretty(times.plain()) == files[TIMES] and times.digest == str(canon.digest(times.told()))
    if bound and not (whole and times.manifest == str(canon.digest(manifest.content()))):
        return times, [Flaw(TIMES, "it was changed, or is of another run")]
    return times, []


def _signed(files: Mapping[str, bytes], manifest: Manifest, times: Times | None, signer: Signer) -> tuple[tuple[str, ...], list[Flaw]]:
    if SIGNATURES not in files:
        return (), []
    try:
        rows = Signatures.from_json(files[SIGNATURES], SIGNATURES, code="CASK-V001").signatures
    except CaskError as cause:
        return (), [Flaw(SIGNATURES, cause.what)]
    about = str(canon.digest(manifest.content())), times.digest if times else ""
    names = [signer(row.key, row.signature, *about) for row in rows]
    if not names or not all(names):
        return (), [Flaw(SIGNATURES, "a signature does not hold, or is by a key that the trust root does not name")]
    return tuple(sorted(set(names))), []
