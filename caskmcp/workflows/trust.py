"""`cask trust`: make version 1 of the trust root, show it, accept it on this machine."""

import shlex
from pathlib import Path
from typing import Any

from caskmcp import canon, text
from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import amend, keys, lockfile, offer, pins, sign, statements, trust
from caskmcp.govern.sign import Signer
from caskmcp.govern.trust import Chain
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.model.trust import Approver, Pin, Role, Root
from caskmcp.ports import World
from caskmcp.store.layout import Pack
from caskmcp.workflows import amend as amending
from caskmcp.workflows import evidence, here, person


# ---------------------------------------------------------------- init
def init(world: World, *, key: str | None, replace: bool) -> Report:
    """Make and pin version 1, in which one key has every role.

    Raises CASK-A001 without a terminal, CASK-T005 where a root or a pin stands already and `replace` was not given, CASK-K004.
    """
    person.require(world, "cask trust init")
    pack = here.pack(world)
    toolpack = offer.identity(world.files, pack)
    if not replace:
        refuse_second(world, pack, toolpack)
    else:
        refuse_strict(world, toolpack)
    by = person.open_key(world, key or only_key(world))
    if replace:
        world.console.note(f"This gives up the trust root of {toolpack}: what was approved under it counts no longer.")
        person.type_name(world, toolpack)
    pin = establish(world, pack, toolpack, by)
    return Report(
        report="trust",
        summary={"toolpack": toolpack, "root": pin.root, "key": by.key.name},
        lines=(f"Version 1 of the trust root: {by.key.name} is root, approver and confirmer. Pinned on this machine.",),
    )


def refuse_second(world: World, pack: Pack, toolpack: str) -> None:
    """Raise CASK-T005 where this machine pinned a root for that id, or where the toolpack brings one."""
    refuse_strict(world, toolpack)
    if pins.stored(world.files, world.config, toolpack) is not None:
        what = f"a trust root for `{toolpack}` is pinned on this machine: give the toolpack another `name:` in cask.yaml, or run `cask trust init --replace`"
        raise CaskError("CASK-T005", what, place=str(pins.place(world.config, toolpack)), mend="cask trust init --replace")
    if offer.root_files(world.files, pack):
        what = f"`{toolpack}` has a trust root already: accept it with `cask trust pin`, or give it up with `cask trust init --replace`"
        raise CaskError("CASK-T005", what, place=str(pack.trust), mend="cask trust pin")


def refuse_strict(world: World, toolpack: str) -> None:
    """Raise CASK-T005 where the machine's administrator accepted a root for that id: no command of a user changes that."""
    if here.strict(world, toolpack) is not None:
        place = pins.strict_place(world.system, toolpack)
        what = f"this machine's administrator pinned a trust root for `{toolpack}`; only the administrator changes that file"
        raise CaskError("CASK-T005", what, place=str(place), mend="cask trust show")


def establish(world: World, pack: Pack, toolpack: str, by: Signer) -> Pin:
    """Write version 1 and its pin; later versions of a root that is replaced go. Sequences that were seen stay seen."""
    role = Role(keys=(by.id,))
    root = Root(
        toolpack=toolpack,
        version=1,
        issued_at=world.clock.now(),
        keys={by.id: by.key},
        root=role,
        approvers=(Approver(keys=(by.id,)),),
        confirmer=role,
    )
    signed = sign.sign_root(root, by)
    waiting = [name for name in world.files.listing(pack.trust) if name.endswith(amending.PENDING)]
    for name in (*offer.root_files(world.files, pack)[1:], *waiting):
        world.files.remove(pack.trust / name)
    world.files.write(pack.trust_root(1), canon.pretty(signed.value()))
    before = _readable_pin(world, toolpack)
    pin = Pin(toolpack=toolpack, root=trust.root_digest(root), sequences=before.sequences if before else {})
    pins.write(world.files, world.config, pin)
    person.publish(world, by)
    return pin


def only_key(world: World) -> str:
    """The name of the only key here. Raises CASK-K004 if there is none and CASK-I001 if there are several."""
    names = [key.name for key in keys.listing(world.files, world.config)]
    if not names:
        raise CaskError("CASK-K004", "there is no key yet", place=str(world.config / "keys"), mend="cask keys new NAME")
    if len(names) > 1:
        raise CaskError("CASK-I001", f"several keys are here: {', '.join(names)}; say which", mend=f"{AGAIN} --key {names[0]}")
    return names[0]


# ---------------------------------------------------------------- pin
def pin(world: World, *, replace: bool, accept_older: bool, system: bool = False) -> Report:
    """Accept the toolpack's trust root on this machine. system: for every user of it, which takes its administrator.

    Raises CASK-A001 without a terminal, CASK-T002 for another root than the pinned one, CASK-T004 for an older lock, unless the flag for it was
    given; CASK-T005 where the administrator accepted one already.
    """
    person.require(world, "cask trust pin")
    pack = here.pack(world)
    files = offer.read(world.files, pack)
    chain = trust.chain(files.roots, files.id)
    trust.refuse_expired(chain, world.clock.now())
    seen = statements.examine(lockfile.read(files.lock, files.id), chain).sequences
    offered = Pin(toolpack=files.id, root=chain.first, root_version=chain.current.version, sequences=seen)
    if system:
        return _pin_for_all(world, chain)
    if not accept_older:
        refuse_strict(world, files.id)
    _show(world, chain)
    stored = _readable_pin(world, files.id) if replace else here.pin(world, files.id)
    if replace or (accept_older and stored and stored.root == chain.first):
        person.type_name(world, files.id)
    elif stored is not None:
        offered = _raised(trust.anchor(chain, stored, None), offered)
    where = pins.write(world.files, world.config, offered)
    return Report(
        report="trust",
        summary={
            "toolpack": files.id,
            "root": offered.root,
            "version": offered.root_version,
            "sequence": offered.highest,
            "pin": str(where),
        },
        lines=("Pinned on this machine.",),
    )


def _pin_for_all(world: World, chain: Chain) -> Report:
    """Write the administrator's pin where that is who asks; else say what the administrator has to type. It holds nothing that was seen: that stays the users'."""
    made = Pin(toolpack=chain.current.toolpack, root=chain.first, root_version=chain.current.version)
    place = pins.strict_place(world.system, made.toolpack)
    _show(world, chain)
    summary = {"toolpack": made.toolpack, "root": made.root, "version": made.root_version, "pin": str(place)}
    if world.uid != 0:
        return Report(
            report="trust", summary=summary, lines=("Not written: this takes the machine's administrator, who types:", *_typed(made, place))
        )
    person.type_name(world, made.toolpack)
    pins.write_strict(world.files, place, made)
    here.strict(world, made.toolpack)  # the umask may have made it unreadable to those whom it is for
    return Report(report="trust", summary=summary, lines=("Pinned on this machine for every user of it.",))


def _typed(made: Pin, place: Path) -> tuple[str, str]:
    """The commands themselves hold the pin: there is no file in between that somebody could exchange."""
    folders = " ".join(shlex.quote(str(path)) for path in (place.parent.parent, place.parent))
    text_ = shlex.quote(canon.compact({"schema": made.format, **made.plain()}).decode("ascii"))
    target = shlex.quote(str(place))
    return (f"sudo install -d -o root -m 0755 {folders}", f"echo {text_} | sudo install -o root -m 0644 /dev/stdin {target}")


def _raised(stored: Pin, offered: Pin) -> Pin:
    return stored.model_copy(update={"sequences": pins.merged(stored.sequences, offered.sequences)})


def _readable_pin(world: World, toolpack: str) -> Pin | None:
    """The stored pin; None also for one that is damaged, where a person is about to replace it."""
    try:
        return pins.stored(world.files, world.config, toolpack)
    except CaskError:
        # What cannot be read is what is being replaced.
        return None


def _show(world: World, chain: Chain) -> None:
    world.console.note(f"Trust root of {chain.current.toolpack}: {chain.first}, version {chain.current.version}")
    for line in amend.told(chain.current):
        world.console.note(f"  {line}")


# ---------------------------------------------------------------- show
def show(world: World, *, out: str | None = None) -> Report:
    """The trust root, what waits for it, and what this machine thinks of it. out: a file to write the roles to, for `trust edit --file`.

    Raises CASK-T006 where there is none, CASK-T003.
    """
    pack = here.pack(world)
    toolpack = offer.identity(world.files, pack)
    roots = tuple(world.files.read(pack.trust / name) for name in offer.root_files(world.files, pack))
    chain = trust.chain(roots, toolpack)
    if out is not None:
        world.files.write(world.cwd / out, text.dump_yaml(amend.to_file(chain.current)))
    waits, problems = _waiting(world, pack, chain)
    keys_here = tuple({"id": name, "name": key.name, "scheme": key.scheme} for name, key in sorted(chain.current.keys.items()))
    current = chain.current
    return Report(
        report="trust",
        summary={
            "toolpack": toolpack,
            "root": chain.first,
            "version": current.version,
            "expires": current.expires,
            "trust": _state(chain, here.pin(world, toolpack), strict=here.strict(world, toolpack) is not None),
            **({"auto_narrowing": "on"} if current.auto_narrowing else {}),
        },
        tables={"roles": tuple(_roles(current)), "keys": keys_here, "versions": tuple(map(_version, chain.versions)), "pending": waits},
        findings=(*problems, *evidence.expiring(chain, world.clock.now())),
    )


def _waiting(world: World, pack: Pack, chain: Chain) -> tuple[tuple[dict[str, Any], ...], tuple[Finding, ...]]:
    try:
        found = amending.waiting_in(world, pack, chain)
    except CaskError as cause:
        problem = Finding(
            code=cause.code, severity=Severity.INFO, subject="trust", message=cause.what, place=cause.place or "", mend=cause.mend or ""
        )
        return (), (problem,)
    if found is None:
        return (), ()
    names = [chain.current.keys[key].name for key in sorted(found.by)]
    row = {
        "version": found.signed.signed.version,
        "signatures": f"{len(names)} of {chain.current.root.threshold}",
        "signed_by": names,
        "changes": amend.difference(chain.current, found.signed.signed),
    }
    return (row,), ()


def _version(root: Root) -> dict[str, Any]:
    return {"version": root.version, "issued_at": root.issued_at, "expires": root.expires, "digest": str(trust.root_digest(root))}


def _state(chain: Chain, stored: Pin | None, *, strict: bool) -> str:
    try:
        trust.anchor(chain, stored, None)
    except CaskError as cause:
        return "unpinned" if stored is None else cause.what
    return "pinned by this machine's administrator" if strict else "pinned"


def _roles(root: Root) -> list[dict[str, Any]]:
    return [
        {"role": name.split(" ", 1)[0], "threshold": role.threshold, "keys": [root.keys[key].name for key in role.keys], **_reach(role)}
        for name, role in amend.rows(root)
    ]


def _reach(role: Role) -> dict[str, Any]:
    asked = {"requires": role.requires} if role.requires else {}
    return {**({"tiers": list(role.tiers), "toolsets": list(role.toolsets)} if isinstance(role, Approver) else {}), **asked}
