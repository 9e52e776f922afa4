"""`cask trust edit`: the next version of the trust root, shown, named and signed by people until the present root role's threshold is met.

Nothing is written before the last question is answered. A version that lacks signatures lies beside the chain as `N.root.pending.json`, which
counts for nothing; with the last signature it becomes `N.root.json` as a whole. `keys rotate` and `keys revoke` end in `propose` too.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from caskmcp import canon
from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import admit, amend, keys, offer, public, sign, sshsig, trust
from caskmcp.govern.admit import Survey
from caskmcp.govern.amend import NEVER, Edit, RoleName
from caskmcp.govern.public import key_id
from caskmcp.govern.trust import Chain, Waiting
from caskmcp.model.finding import Report
from caskmcp.model.pack import PackFiles
from caskmcp.model.tool import TIERS, Tier
from caskmcp.model.trust import Key, Pin, RolesFile, Root, SignedRoot
from caskmcp.ports import World
from caskmcp.store.layout import Pack
from caskmcp.text import MAX_BYTES, Document, parse_json
from caskmcp.workflows import here, person, subjects
from caskmcp.workflows.period import ends

PENDING: Final = ".root.pending.json"
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


@dataclass(frozen=True)
class Asked:
    """What was typed."""

    add: tuple[str, ...] = ()
    """Keys: the name of one here, or a file with a public key; `=NAME` behind it for another name."""
    remove: tuple[str, ...] = ()
    roles: tuple[RoleName, ...] = ()
    tiers: str | None = None
    """Separated by commas."""
    toolsets: tuple[str, ...] = ()
    threshold: int | None = None
    requires: Literal["none", "hardware"] | None = None
    expires: str | None = None
    """A period such as `365d`, or `never`."""
    auto_narrowing: bool | None = None
    file: str | None = None
    """A roles file, in place of all others."""


# ---------------------------------------------------------------- the stories
def run(world: World, asked: Asked, *, key: str | None, sign: bool, discard: bool) -> Report:
    """Edit, or sign, or discard: one of the three. Raises CASK-A001 without a terminal, whatever else was given; CASK-I001 for more than one."""
    person.require(world, "cask trust edit")
    if sum((sign, discard, asked != Asked())) != 1:
        what = (
            "nothing was said that is to change" if asked == Asked() and not sign else "a change, --sign and --discard are three commands"
        )
        raise CaskError("CASK-I001", what, mend="cask trust edit --help")
    return sign_waiting(world, key=key) if sign else take_away(world) if discard else edit(world, asked, key=key)


def edit(world: World, asked: Asked, *, key: str | None) -> Report:
    """Propose what was asked for as the next version.

    Raises CASK-T001, T002, T004 (the pin), T009 (one waits already), T010, I001, I010, K001 to K004, A002; then nothing was written.
    """
    desk = at_desk(world)
    return propose(world, desk, changed(world, desk, asked), key=key)


def changed(world: World, desk: Desk, asked: Asked) -> Root:
    """The current version with what was asked for. Raises CASK-I001, I002, I004 (the file, with its line), K002, K004, T010."""
    if asked.file is not None:
        if asked != Asked(file=asked.file):
            raise CaskError("CASK-I001", "--file says everything; nothing else can be changed beside it", mend="cask trust edit --help")
        path = world.cwd / asked.file
        return amend.from_file(desk.current, RolesFile.from_yaml(world.files.read(path, MAX_BYTES), asked.file))
    wanted = Edit(
        add=tuple(_key(world, text) for text in asked.add),
        remove=asked.remove,
        roles=asked.roles,
        tiers=_tiers(asked.tiers),
        toolsets=asked.toolsets,
        threshold=asked.threshold,
        requires=asked.requires,
        expires=NEVER if asked.expires == NEVER else ends(desk.survey.at, asked.expires),
        auto_narrowing=asked.auto_narrowing,
    )
    return amend.edited(desk.current, wanted)


def _tiers(text: str | None) -> tuple[Tier, ...]:
    named = text.split(",") if text is not None else []
    for name in named:
        if name not in TIERS:
            raise CaskError("CASK-I001", f"`{name}` is no tier; the tiers are {', '.join(TIERS)}", mend=f"{AGAIN} --tiers critical")
    return tuple(tier for tier in TIERS if tier in named)


def _key(world: World, text: str) -> Key:
    source, _, name = text.partition("=")
    found = next((key for key in keys.listing(world.files, world.config) if key.name == source), None) or _key_in_file(world, source, name)
    return found.model_copy(update={"name": name}) if name else found


def _key_in_file(world: World, source: str, name: str) -> Key:
    """A public key that somebody handed over: our record as JSON, or the line of a `.pub` file, whose last word is its name."""
    path = world.cwd / source
    if not world.files.exists(path):
        raise CaskError(
            "CASK-K004", f"`{source}` is neither a key here nor a file", place=str(world.config / "keys"), mend="cask keys list"
        )
    data = world.files.read(path, keys.LIMIT)
    if data.lstrip().startswith(b"{"):
        value: Any = parse_json(data, source)
        # As `cask keys export --format json` prints it, or the record alone.
        return Key.of(Document(source, value.get("key", value), {}))
    return _key_in_line(data.decode("ascii", "replace").split(), source, name or path.stem)


def _key_in_line(words: list[str], source: str, name: str) -> Key:
    try:
        key = sshsig.key_of(
            base64.b64decode(words[1], validate=True), words[2] if len(words) == 3 and keys.NAME.fullmatch(words[2]) else name
        )
    except (IndexError, ValueError) as cause:
        raise CaskError("CASK-K002", "this is no public key", place=source, mend="cask keys export NAME") from cause
    # OpenSSH writes the same line for a key file of ours and for one that an agent holds; who holds it there hands over the record as JSON.
    return key if public.hardware(key) else key.model_copy(update={"scheme": public.OWN})


def sign_waiting(world: World, *, key: str | None) -> Report:
    """Add a signature to the version that waits. Raises as `edit`, and CASK-T009 where none waits, or one that may not be signed."""
    desk = at_desk(world)
    found = waiting(world, desk)
    if found is None:
        raise CaskError(
            "CASK-T009", "no version of the trust root waits for a signature", place=str(desk.pack.trust), mend="cask trust show"
        )
    amend.require_possible(desk.current, found.signed.signed, desk.survey.at)
    _refuse_unknown_toolsets(desk, found.signed.signed)
    return _signed(world, desk, found.signed, found.by, key=key)


def take_away(world: World) -> Report:
    """Take away the version that waits, whatever it is."""
    pack = here.pack(world)
    toolpack = offer.identity(world.files, pack)
    gone = [name for name in world.files.listing(pack.trust) if name.endswith(PENDING)]
    for name in gone:
        world.files.remove(pack.trust / name)
    return Report(report="trust", summary={"toolpack": toolpack, "discarded": len(gone)})


def at_desk(world: World) -> Desk:
    """The chosen toolpack as the accepted trust root judges it, expired or not: the next version mends that. Raises T001, T002, T003, T004, T006."""
    pack = here.pack(world)
    files = offer.read(world.files, pack, contents=True)
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
    with subjects.alone(world, desk.pack):
        made = _together(world, desk, made)
        by, data = trust.signers(made, desk.current), canon.pretty(made.value())
        if len(by) < need:
            world.files.write(desk.pack.trust_pending(version), data)
        else:
            world.files.write(desk.pack.trust_root(version), data)
            # A pending version that stays behind in a cut of the power is one that the chain has passed: nobody reads it again.
            world.files.remove(desk.pack.trust_pending(version))
    if len(by) >= need:
        here.remember(world, desk.pin.model_copy(update={"root_version": version}))
    names = sorted(desk.current.keys[each].name for each in by)
    summary = {"toolpack": desk.files.id, "version": version, "signed_by": names, "signatures": len(by), "of": need}
    return Report(report="trust", summary=summary, lines=(_outcome(version, len(by), need),))


def _together(world: World, desk: Desk, made: SignedRoot) -> SignedRoot:
    """The version with the signatures that came while the person was asked. Raises CASK-T009 where another version came, to count or to wait."""
    found = waiting(world, desk)
    if offer.read(world.files, desk.pack).roots != desk.files.roots or (found is not None and found.signed.signed != made.signed):
        raise CaskError("CASK-T009", "the trust root changed while it was looked at; nothing was signed", mend=AGAIN)
    rows = {row.key: row for row in (*(found.signed.signatures if found else ()), *made.signatures)}
    return SignedRoot(signed=made.signed, signatures=tuple(rows[key] for key in sorted(rows)))


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
