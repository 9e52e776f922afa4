"""`cask install`: a bundle becomes a toolpack under this root, after the one door let it through; else nothing is written.

The order: bytes, form of the zip, manifest, handoff and lock, trust chain, pin, the door, what was seen before, what lies here. All of it
in memory. Then the new folder is written beside the old one and takes its place at once: old or new, never half. Keys, captures, state
and other toolpacks are not touched; a pin is written only where a person accepts it, as `cask trust pin` does.
"""

import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import admit, amend, bundle, lockfile, offer, pins, statements, trust
from caskmcp.govern.bundle import Handed
from caskmcp.govern.statements import Examined
from caskmcp.govern.trust import Chain
from caskmcp.model.finding import Report
from caskmcp.model.pack import AdmittedPack
from caskmcp.model.trust import Pin, TrustPin
from caskmcp.ports import World
from caskmcp.store import archive, swap
from caskmcp.store.files import prepare, refuse_links_out
from caskmcp.store.layout import Pack, Root
from caskmcp.workflows import here, person

WAIT: Final = 60.0
"""Seconds to wait for another command that writes under the root."""
ASK: Final = "ask who gave it to you for another copy"


@dataclass(frozen=True)
class Judged:
    """A bundle that the door let through."""

    handed: Handed
    chain: Chain
    pack: AdmittedPack
    signers: tuple[str, ...]
    pin: Pin | None
    """What this machine goes by; None: only the condition that was given."""
    accepted: bool
    """A person accepted the trust root, or an older lock, just now."""


def run(world: World, *, file: str, trust_pin: str | None = None, accept_older: bool = False) -> Report:
    """Install a bundle under the root. accept_older: a person takes a lock that is older than one seen.

    Raises CASK-P001 (exit 3) for a broken file; CASK-P002, P003, P004 for a hostile one, CASK-T001 to T004 for a trust root that is not
    accepted, not sound or older, CASK-L001, L002 and I008 for what cannot be read. Nothing is written in any of these cases.
    """
    if accept_older:
        person.require(world, "cask install --accept-older")
    handed = bundle.opened(archive.unpack(world.files.read(world.cwd / file, archive.LIMIT)))
    judged = judge(world, handed, here.condition(world, trust_pin), accept_older=accept_older)
    root = here.root(world)
    refuse_installed(world, root.pack(handed.id), judged, accept_older=accept_older)
    if judged.accepted:
        # Before the files: a kill between the two leaves a root that a person accepted, never a toolpack that nobody did.
        pins.write(world.files, world.config, judged.pack.pin)
    changed = _laid(world, root, judged, accept_older=accept_older)
    here.remember(world, judged.pack.pin)
    return _report(judged, root.pack(handed.id), changed=changed)


# ---------------------------------------------------------------- judging
def judge(world: World, handed: Handed, condition: TrustPin | None, *, accept_older: bool) -> Judged:
    """Ask the door, under what this machine accepted. Without a pin a person at a terminal may accept the trust root, as `cask trust pin` does."""
    chain = trust.chain(handed.files.roots, handed.id)
    signers = bundle.signers(handed, chain)
    stored = here.pin(world, handed.id)
    unknown = stored is None and condition is None and world.console.interactive
    accepted = unknown or (accept_older and (stored is None or stored.root == chain.first))
    pin = _accepted(world, handed, chain) if accepted else stored
    pack = _admitted(world, handed, pin, condition)
    return Judged(handed, chain, pack, signers, pin, accepted)


def _accepted(world: World, handed: Handed, chain: Chain) -> Pin:
    """The pin of what a person was shown and typed the name of. Written only when everything else holds."""
    trust.refuse_expired(chain, world.clock.now())
    world.console.note(f"Trust root of {handed.id}: {chain.first}, version {chain.current.version}")
    for line in amend.told(chain.current):
        world.console.note(f"  {line}")
    person.type_name(world, handed.id)
    seen = statements.examine(handed.lock, chain).sequences
    pin = Pin(toolpack=handed.id, root=chain.first, root_version=chain.current.version, sequences=seen)
    floor = here.strict(world, handed.id)  # what the administrator accepted is no user's to lower
    return pin if floor is None else pin.model_copy(update=_above(floor, pin))


def _above(floor: Pin, pin: Pin) -> dict[str, object]:
    return {"root_version": max(floor.root_version, pin.root_version), "sequences": pins.merged(floor.sequences, pin.sequences)}


def _admitted(world: World, handed: Handed, pin: Pin | None, condition: TrustPin | None) -> AdmittedPack:
    try:
        pack = admit.admit(handed.files, pin=pin, condition=condition, environment=None, at=world.clock.now())
    except CaskError as cause:
        raise _worded(cause) from cause
    for row in pack.withheld:
        if row.code == "CASK-T004":
            raise _older(f"{row.subject}: {row.reason}")
        if row.status == "invalid":  # nobody makes such a bundle of a sound toolpack
            raise CaskError(row.code, f"{row.subject}: {row.reason}", place=bundle.LOCK, mend=ASK)
    return pack


def _worded(cause: CaskError) -> CaskError:
    """The door's refusal for somebody who has no such toolpack yet."""
    if cause.code == "CASK-T001":
        what = (
            f"{cause.what}; `cask trust pin` is for a toolpack that is here: for a bundle, accept it at a terminal or give its maker's pin"
        )
        return CaskError(cause.code, what, mend=f"{AGAIN} --trust-pin PIN")
    if cause.code == "CASK-T002":
        return CaskError(cause.code, cause.what, mend=ASK)
    return _older(cause.what) if cause.code == "CASK-T004" else cause


def _older(what: str) -> CaskError:
    return CaskError("CASK-T004", what, mend=f"{AGAIN} --accept-older")


@dataclass(frozen=True)
class Installed:
    """What the toolpack that lies here was seen with."""

    pin: Pin
    highest: Mapping[str, int]
    """Subject -> the highest sequence of any statement on it, of an unsigned block too: what was taken away here stays away."""
    blocks: Mapping[str, int]
    """Subject -> the highest sequence of a block on it."""


def refuse_installed(world: World, place: Pack, judged: Judged, *, accept_older: bool) -> None:
    """Raise CASK-T002 where a toolpack of another trust root lies, CASK-T004 where the one that lies there is newer.

    This holds without a pin too: what is installed was seen. One that cannot be read says nothing, and is replaced.
    """
    installed = _installed(world, place)
    if installed is None:
        return
    if installed.pin.root != judged.chain.first:
        what = f"a toolpack {judged.handed.id} of another trust root lies here: {installed.pin.root}"
        raise CaskError("CASK-T002", what, place=str(place.path), mend=f"{AGAIN} --root DIR")
    if not accept_older and (older := _newer_here(installed, judged)):
        raise _older(older)


def _newer_here(installed: Installed, judged: Judged) -> str:
    """What lies here and is newer than in the bundle; empty if nothing is."""
    version, current = installed.pin.root_version, judged.chain.current.version
    if current < version:
        return f"version {version} of the trust root is installed, the bundle has {current}"
    examined = statements.examine(judged.handed.lock, judged.chain)
    for subject, seen in installed.highest.items():
        here_ = max((row.sequence for row in examined.rows.get(subject, ())), default=seen)
        if here_ < seen:
            return f"{subject}: a statement with sequence {seen} is installed, the bundle has {here_}"
        if older := statements.older_than_seen(subject, examined, installed.pin):
            return f"{subject}: {older}"
    # The next approval where nobody knew of a block has the block's own sequence: it is not newer.
    ours, theirs = installed.blocks, _blocks(examined)
    tied = (
        subject
        for subject, seen in ours.items()
        if examined.rows.get(subject) and theirs.get(subject, 0) < seen >= _last(examined, subject)
    )
    return next((f"{subject}: a block with sequence {ours[subject]} is installed, the bundle lacks it" for subject in tied), "")


def _blocks(examined: Examined) -> dict[str, int]:
    """Subject -> the highest sequence of a block on it."""
    found = {subject: [row.sequence for row in rows if row.verdict == "block"] for subject, rows in examined.rows.items()}
    return {subject: max(sequences) for subject, sequences in found.items() if sequences}


def _last(examined: Examined, subject: str) -> int:
    return max(row.sequence for row in examined.rows[subject])


def _installed(world: World, place: Pack) -> Installed | None:
    """The toolpack that lies there; None if there is none, or if it is damaged or without a trust root: nothing in it could be served."""
    try:
        files = offer.read(world.files, place)
        chain = trust.chain(files.roots, files.id)
        examined = statements.examine(lockfile.read(files.lock, files.id), chain)
    except CaskError:
        return None
    pin = Pin(toolpack=files.id, root=chain.first, root_version=chain.current.version, sequences=examined.sequences)
    return Installed(pin, {subject: _last(examined, subject) for subject, rows in examined.rows.items() if rows}, _blocks(examined))


# ---------------------------------------------------------------- writing
def _laid(world: World, root: Root, judged: Judged, *, accept_older: bool) -> bool:
    """Write the toolpack; False if the same lies there already."""
    place, members = root.pack(judged.handed.id), judged.handed.members
    if _is_there(world, place, members) and swap.is_settled(world.files, place.path):
        return False
    refuse_links_out(root.path, (root.toolpacks, place.path))
    with world.files.lock(root.lock, WAIT):
        refuse_installed(world, place, judged, accept_older=accept_older)
        prepare(root.path)
        swap.recover(world.files, place.path)
        if _is_there(world, place, members):
            return False
        _write(world, place, members)
    return True


def _write(world: World, place: Pack, members: Mapping[str, bytes]) -> None:
    scratch = swap.beside(place.path, swap.NEW)
    try:
        for name, data in members.items():
            world.files.write(scratch / name, data)
        swap.swap(world.files, scratch, place.path)
    except CaskError:
        with suppress(CaskError):  # the first error is the one to tell; a rest goes with the next installation
            world.files.remove_tree(scratch)
        raise


def _is_there(world: World, place: Pack, members: Mapping[str, bytes]) -> bool:
    """Whether these files lie there and no others, but for the pending lock of a build."""
    found = {path.relative_to(place.path).as_posix(): path for path in world.files.glob(place.path, "**") if path != place.pending}
    return found.keys() == members.keys() and all(world.files.read(found[name]) == data for name, data in members.items())


# ---------------------------------------------------------------- report
def _report(judged: Judged, place: Pack, *, changed: bool) -> Report:
    pack, name = judged.pack, judged.handed.id
    pinned = judged.pin is not None
    summary = {
        "toolpack": name,
        "place": str(place.path),
        "changed": changed,
        "served": len(pack.tools),
        "withheld": sum(row.subject.startswith("tool:") for row in pack.withheld),
        "root": pack.root,
        "trust": "pinned" if pinned else "given",
        "signed_by": list(judged.signers),
    }
    done = f"{name}: {len(pack.tools)} tools can be served" if changed else f"{name} is installed already; nothing was changed"
    unpinned = () if pinned else ("Not pinned on this machine: serve it with the same --trust-pin, or accept it with `cask trust pin`.",)
    return Report(report="install", summary=summary, lines=(done, *unpinned, f"  cask serve --toolpack {shlex.quote(str(place.path))}"))
