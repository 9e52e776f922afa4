"""`cask bundle`: a toolpack's handoff as one file, the same bytes for the same toolpack; `--sign` adds a person's signature over it.

Takes what `toolpack.yaml` and the lock name, and nothing else that lies there. Never reads a key, a capture, state or cache; approves nothing.
"""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import admit, bundle, content, lockfile, offer, sign, trust
from caskmcp.govern.admit import Survey
from caskmcp.govern.bundle import Handed
from caskmcp.govern.trust import Chain
from caskmcp.model.artifact import Toolpack
from caskmcp.model.bundle import SignedManifest
from caskmcp.model.finding import Report
from caskmcp.model.trust import Signature
from caskmcp.ports import World
from caskmcp.store import archive, project
from caskmcp.store.layout import Pack
from caskmcp.workflows import here, person
from caskmcp.workflows.trust import only_key

SUFFIX: Final = ".bundle.zip"


def run(world: World, *, out: str | None = None, key: str | None = None) -> Report:
    """Write the bundle of the chosen toolpack. out: the file, `<id>.bundle.zip` here by default. key: who signs it; empty: the only key here.

    Raises CASK-A001 for a signature without a terminal, CASK-T006 where there is no trust root, CASK-I005 for a file that is a link,
    CASK-L006 for an artifact that is not what the handoff names, and what reading the toolpack raises.
    """
    if key is not None:
        person.require(world, "cask bundle --sign")
    pack = here.pack(world)
    members = collect(world, pack)
    handed = bundle.opened(bundle.sealed(bundle.manifest(_id(world, pack), members), members))
    chain = trust.chain(handed.files.roots, handed.id)
    signatures = () if key is None else (_signed(world, handed, chain, key),)
    data = archive.pack(bundle.sealed(handed.manifest.signed, members, signatures))
    signed = SignedManifest(signed=handed.manifest.signed, signatures=signatures)
    vouched = bundle.signers(replace(handed, manifest=signed), chain)  # as whoever gets it will
    survey = _survey(world, handed)
    place = _place(world, out or f"{handed.id}{SUFFIX}")
    world.files.write(place, data)
    return _report(survey, chain, place, {"digest": canon.digest_bytes(data), "signed_by": list(vouched), "files": len(members)})


def collect(world: World, pack: Pack) -> dict[str, bytes]:
    """The files of a toolpack that are handed over, by path below it. Artifacts that the handoff does not name stay here."""
    handoff = Toolpack.from_yaml(_read(world, pack, pack.toolpack), str(pack.toolpack), code="CASK-L002")
    members = {bundle.HANDOFF: _read(world, pack, pack.toolpack)}
    for name, digest in handoff.artifacts.items():
        members[f"artifact/{name}"] = _artifact(world, pack, name, digest)
    if world.files.exists(pack.lock):
        members[bundle.LOCK] = _read(world, pack, pack.lock)
    for digest in sorted(bundle.named_contents(lockfile.read(members.get(bundle.LOCK), handoff.id))):
        _require_plain(world, pack, pack.content(digest))
        members[f"lockfile/content/{pack.content(digest).name}"] = canon.pretty(content.read(world.files, pack, digest))
    for name in offer.root_files(world.files, pack):
        members[f"trust/{name}"] = _read(world, pack, pack.trust / name)
    return members


# ---------------------------------------------------------------- files
def _id(world: World, pack: Pack) -> str:
    return offer.identity(world.files, pack)


def _read(world: World, pack: Pack, path: Path) -> bytes:
    _require_plain(world, pack, path)
    return world.files.read(path, archive.MEMBER)


def _artifact(world: World, pack: Pack, name: str, digest: str) -> bytes:
    path = pack.artifact(name)
    if not archive.is_name(f"artifact/{name}") or "/" in name:
        raise CaskError("CASK-L002", f"`{name}` is no name for an artifact", place=str(pack.toolpack), mend="cask build")
    if not world.files.exists(path):
        raise CaskError("CASK-L002", f"{name} is missing", place=str(path), mend="cask build")
    data = _read(world, pack, path)
    if canon.digest_bytes(data) != digest:
        raise CaskError("CASK-L006", f"{name} is not what {bundle.HANDOFF} hands over", place=str(path), mend="cask build")
    return data


def _require_plain(world: World, pack: Pack, path: Path) -> None:
    """What is handed over lies in the toolpack itself: a link could bring in any file of this machine."""
    if world.files.exists(path) and not project.is_plain(pack.path.parent, path):
        mend = f"ls -ld {shlex.quote(str(path))}"
        raise CaskError("CASK-I005", f"{path.name} is a link, or lies behind one: it is not handed over", place=str(path), mend=mend)


def _place(world: World, out: str) -> Path:
    place = world.cwd / out
    if world.files.is_folder(place):
        raise CaskError("CASK-I010", "this is a folder, a file is needed", place=str(place), mend="cask bundle --out FILE")
    return place


# ---------------------------------------------------------------- signature and report
def _signed(world: World, handed: Handed, chain: Chain, key: str) -> Signature:
    """A person's signature over what the bundle holds, after it was shown. Raises CASK-P004 for a key that no receiver would know."""
    by = person.open_key(world, key or only_key(world))
    if by.id not in chain.current.keys:
        what = f"{by.key.name} is no key of the trust root of {handed.id}: nobody who gets the bundle could tell whose signature it is"
        raise CaskError("CASK-P004", what, mend="cask trust show")
    world.console.note(f"{handed.id}: {len(handed.members)} files, manifest {canon.digest(handed.manifest.signed.payload())}")
    person.type_name(world, handed.id)
    return sign.sign_bundle(by, handed.manifest.signed)


def _survey(world: World, handed: Handed) -> Survey:
    """What the lock says of each tool. Raises the first thing in it that does not hold: nobody could install that."""
    survey = admit.anchored_survey(handed.files, pin=here.pin(world, handed.id), condition=here.condition(world), at=world.clock.now())[0]
    for standing in (*survey.shared.values(), *(row for _, row in survey.tools)):
        if standing.status == "invalid":
            raise CaskError(standing.code, f"{standing.subject}: {standing.reason}", place=bundle.LOCK, mend="cask gate status")
    return survey


def _report(survey: Survey, chain: Chain, place: Path, facts: dict[str, Any]) -> Report:
    approved, toolpack = sum(standing.status == "approved" for _, standing in survey.tools), chain.current.toolpack
    pin = f"{chain.first}@{survey.examined.highest}"
    counts = {"approved": approved, "waiting": len(survey.tools) - approved}
    return Report(
        report="bundle",
        summary={"toolpack": toolpack, "file": str(place), **facts, **counts, "pin": pin},
        lines=(
            f"{place.name}: {toolpack} with {approved} of {len(survey.tools)} tools approved",
            "Next, where it is to be served; the pin travels another way than the file:",
            f"  cask install {shlex.quote(place.name)} --trust-pin {pin}",
        ),
    )
