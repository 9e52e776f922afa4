"""`cask trust edit`: the next version of the trust root, shown, named and signed by people until the present root role's threshold is met.

Nothing is written before the last question is answered. A version that lacks signatures lies beside the chain as `N.root.pending.json`, which
counts for nothing; with the last signature it becomes `N.root.json` as a whole. `keys rotate` and `keys revoke` end in `propose` too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from caskmcp import canon
from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import admit, amend, keys, offer, pins, sign, trust
from caskmcp.govern.admit import Survey
from caskmcp.govern.public import key_id
from caskmcp.govern.trust import Chain, Waiting
from caskmcp.model.finding import Report
from caskmcp.model.pack import PackFiles
from caskmcp.model.trust import Pin, Root, SignedRoot
from caskmcp.ports import World
from caskmcp.store.layout import Pack
from caskmcp.text import MAX_BYTES
from caskmcp.workflows import here, person, subjects

SHOWN: Final = 20
"""Subjects that are listed by name under what a change means."""


@dataclass(frozen=True)
class Desk:
    """A toolpack under its accepted trust root."""

    pack: Pack
    files: PackFiles
    chain: Chain
    pin: Pin
    survey: Survey

    @property
    def current(self) -> Root:
        """The version that counts."""
        return self.chain.current


# ---------------------------------------------------------------- the stories
def edit(world: World, change: Callable[[Desk], Root], *, key: str | None) -> Report:
    """Propose the version that `change` makes of the current one. Raises CASK-A001 without a terminal, whatever else was given, T001, T002, T004, T009, T010, K001 to K004, A002."""
    person.require(world, "cask trust edit")
    desk = at_desk(world)
    return propose(world, desk, change(desk), key=key)


def sign_waiting(world: World, *, key: str | None) -> Report:
    """Add a signature to the version that waits. Raises as `edit`, and CASK-T009 where none waits, or one that may not be signed."""
    person.require(world, "cask trust edit --sign")
    desk = at_desk(world)
    found = waiting(world, desk)
    if found is None:
        raise CaskError(
            "CASK-T009", "no version of the trust root waits for a signature", place=str(desk.pack.trust), mend="cask trust show"
        )
    return _signed(world, desk, found.signed, found.by, key=key)


def discard(world: World) -> Report:
    """Take away the version that waits, whatever it is."""
    person.require(world, "cask trust edit --discard")
    pack = here.pack(world)
    toolpack = offer.identity(world.files, pack)
    gone = [name for name in world.files.listing(pack.trust) if name.endswith(PENDING)]
    for name in gone:
        world.files.remove(pack.trust / name)
    return Report(report="trust", summary={"toolpack": toolpack, "discarded": len(gone)})


PENDING: Final = ".root.pending.json"


def at_desk(world: World) -> Desk:
    """The chosen toolpack as the accepted trust root judges it, expired or not: the next version mends that. Raises T001, T002, T003, T004, T006."""
    pack = here.pack(world)
    files = offer.read(world.files, pack)
    chain = trust.chain(files.roots, files.id)
    pin = trust.anchor(chain, here.pin(world, files.id), here.condition(world))
    return Desk(pack, files, chain, pin, admit.survey(files, chain=chain, pin=pin, at=world.clock.now()))


def waiting(world: World, desk: Desk) -> Waiting | None:
    """The version that waits for signatures, if there is one. Raises CASK-T009."""
    return waiting_in(world, desk.pack, desk.chain)


def waiting_in(world: World, pack: Pack, chain: Chain) -> Waiting | None:
    """The same for a toolpack that is only shown. One that the chain has passed meanwhile waits no more."""
    place = pack.trust_pending(chain.current.version + 1)
    return trust.waiting(world.files.read(place, MAX_BYTES), chain) if world.files.exists(place) else None


# ---------------------------------------------------------------- propose and sign
def propose(world: World, desk: Desk, changed: Root, *, key: str | None) -> Report:
    """Show what another trust root means, ask, sign, and write the version or what waits of it. The caller has seen to the terminal. Raises as `edit`."""
    if waiting(world, desk) is not None:
        what = f"version {desk.current.version + 1} of the trust root waits for signatures already"
        place = str(desk.pack.trust_pending(desk.current.version + 1))
        raise CaskError("CASK-T009", what, place=place, mend="cask trust edit --sign")
    made = amend.successor(desk.current, changed, desk.survey.at)
    _refuse_unknown_toolsets(desk, made)
    return _signed(world, desk, SignedRoot(signed=made, signatures=()), frozenset(), key=key)


def _refuse_unknown_toolsets(desk: Desk, made: Root) -> None:
    """A row that is newly for a toolset which nobody declared would decide about nothing, and let its tools fall to the next row."""
    declared = {name for name, row in desk.survey.offer.toolsets.toolsets.items() if row.declared}
    old = {name for row in desk.current.approvers for name in row.toolsets}
    for name in sorted({name for row in made.approvers for name in row.toolsets} - old - declared):
        known = ", ".join(sorted(declared)) or "none"
        raise CaskError("CASK-I010", f"cask.yaml declares no toolset `{name}`; it declares: {known}", mend="cask gate status")


def _signed(world: World, desk: Desk, proposed: SignedRoot, by: frozenset[str], *, key: str | None) -> Report:
    name = _signing(world, desk, by, key)
    for line in shown(desk, proposed.signed, by):
        world.console.note(line)
    holder = person.open_key(world, name)
    if holder.id not in trust.counting(desk.current.root, desk.current.keys).keys:
        raise _no_root_key(desk, name)
    person.type_name(world, desk.files.id)
    made = sign.sign_root(proposed.signed, holder).signatures
    rows = tuple(sorted((*proposed.signatures, *made), key=lambda row: row.key))
    return _written(world, desk, SignedRoot(signed=proposed.signed, signatures=rows))


def _signing(world: World, desk: Desk, by: frozenset[str], key: str | None) -> str:
    """`--key`, or the only key here that counts in the present root role and has not signed yet."""
    may = set(trust.counting(desk.current.root, desk.current.keys).keys)
    fit = [row.name for row in keys.listing(world.files, world.config) if key_id(row) in may - by]
    if key is not None:
        signed_already = any(row.name == key and key_id(row) in by for row in keys.listing(world.files, world.config))
        if signed_already:
            raise CaskError("CASK-T009", f"{key} has signed this version already", mend="cask trust show")
        return key
    if not fit:
        raise _no_root_key(desk, "")
    if len(fit) > 1:
        raise CaskError("CASK-I001", f"several keys fit: {', '.join(fit)}; say which", mend=f"{AGAIN} --key {fit[0]}")
    return fit[0]


def _no_root_key(desk: Desk, name: str) -> CaskError:
    who = f"the key {name} does not count" if name else "no key on this machine counts, or none that has not signed yet,"
    return CaskError("CASK-K002", f"{who} in the root role of version {desk.current.version}; nothing was signed", mend="cask trust show")


def _written(world: World, desk: Desk, made: SignedRoot) -> Report:
    """Write the version, or what waits of it, unless another one took its place while the person was asked."""
    version, need = made.signed.version, desk.current.root.threshold
    by = trust.signers(made, desk.current)
    data = canon.pretty(made.value())
    with subjects.alone(world, desk.pack):
        if offer.read(world.files, desk.pack).roots != desk.files.roots:
            raise CaskError("CASK-T009", "the trust root changed while it was looked at; nothing was signed", mend=AGAIN)
        if len(by) < need:
            world.files.write(desk.pack.trust_pending(version), data)
        else:
            world.files.write(desk.pack.trust_root(version), data)
            # A pending version that stays behind in a cut of the power is one that the chain has passed: nobody reads it again.
            world.files.remove(desk.pack.trust_pending(version))
    if len(by) >= need:
        pins.remember(world.files, world.config, desk.pin.model_copy(update={"root_version": version}))
    names = sorted(desk.current.keys[each].name for each in by)
    summary = {"toolpack": desk.files.id, "version": version, "signed_by": names, "signatures": len(by), "of": need}
    return Report(report="trust", summary=summary, lines=(_outcome(version, len(by), need),))


def _outcome(version: int, have: int, need: int) -> str:
    if have >= need:
        return f"Version {version} of the trust root counts from now on."
    return f"Version {version} has {have} of {need} signatures and counts for nothing yet. Commit it; the next person runs: cask trust edit --sign"


# ---------------------------------------------------------------- what the person sees
def shown(desk: Desk, made: Root, by: frozenset[str]) -> Iterator[str]:
    """What a version changes, what that means for what is approved now, and who signed it already."""
    yield f"Version {made.version} of the trust root of {made.toolpack}, made at {made.issued_at}:"
    yield from (f"  {line}" for line in amend.difference(desk.current, made))
    yield from (f"  {line}" for line in amend.deserted(made))
    yield "What it means:"
    yield from (f"  {line}" for line in meaning(desk, made))
    need = desk.current.root.threshold
    names = ", ".join(sorted(desk.current.keys[key].name for key in by))
    yield f"It needs {need} {'signature' if need == 1 else 'signatures'} of {_names(desk.current)}; it has {len(by)}{f' ({names})' if names else ''}."


def _names(root: Root) -> str:
    return ", ".join(root.keys[key].name for key in trust.counting(root.root, root.keys).keys) or "nobody"


def meaning(desk: Desk, made: Root) -> list[str]:
    """Each subject whose standing would change, with the reason; the door's own judgement on both sides."""
    then = admit.survey(desk.files, chain=trust.imagined(desk.chain, made), pin=desk.pin, at=desk.survey.at)
    old, new = _standings(desk.survey), _standings(then)
    changed = sorted(subject for subject in new if old[subject][0] != new[subject][0])
    lines = [f"{subjects.name_of(subject)}: {old[subject][0]} -> {new[subject][0]}{_why(new[subject][1])}" for subject in changed]
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more] or ["nothing that is approved now changes"]


def _standings(survey: Survey) -> dict[str, tuple[str, str]]:
    rows = [standing for _, standing in survey.tools] + list(survey.shared.values())
    return {row.subject: (row.status, row.reason) for row in rows}


def _why(reason: str) -> str:
    return f" ({reason})" if reason else ""
