"""The next version of a trust root: what was asked for, as a record to be signed; and what differs, in words.

Pure. Promises that no version comes out that asks more of a role than its keys can give, but for a role that is left to nobody, and says
what each row means. Who signs the version, and what waits for approval because of it, is `workflows/amend.py`'s to show.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from caskmcp.errors import CaskError
from caskmcp.govern.public import key_id
from caskmcp.govern.trust import PLAIN, counting, odd_name, require_form, roles, root_digest
from caskmcp.govern.verify import is_instant
from caskmcp.model.tool import TIERS, Tier
from caskmcp.model.trust import Approver, Key, NamedRole, Role, RolesFile, Root

RoleName = Literal["root", "approver", "confirmer"]
NEVER: Final = "never"


@dataclass(frozen=True)
class Edit:
    """What is to change. Keys that are added, the threshold and what is required go to each role that is named."""

    add: tuple[Key, ...] = ()
    remove: tuple[str, ...] = ()
    """Names of keys; from the named roles, or from all if none is named."""
    roles: tuple[RoleName, ...] = ()
    tiers: tuple[Tier, ...] = ()
    """Of the row of approvers; empty: all."""
    toolsets: tuple[str, ...] = ()
    """Of the row of approvers; empty: any."""
    threshold: int | None = None
    requires: Literal["none", "hardware"] | None = None
    expires: str | None = None
    """RFC 3339, UTC; or `never`."""
    auto_narrowing: bool | None = None


# ---------------------------------------------------------------- the file
def to_file(root: Root) -> dict[str, object]:
    """A trust root as its roles file. Raises CASK-T010 where two keys have one name."""
    names = {key: row.name for key, row in root.keys.items()}
    _refuse_twice(names.values(), "two keys of the trust root are called")
    return {
        "version": 1,
        "keys": {row.name: row.model_dump(mode="json", exclude={"name"}) for row in sorted(root.keys.values(), key=lambda row: row.name)},
        "root": _named(root.root, names),
        "approvers": [_named(row, names) for row in root.approvers],
        "confirmer": _named(root.confirmer, names),
        "expires": root.expires,
        "auto_narrowing": root.auto_narrowing,
    }


def _named(role: Role, names: Mapping[str, str]) -> dict[str, object]:
    return {**role.model_dump(mode="json"), "keys": [names[key] for key in role.keys]}


def from_file(root: Root, file: RolesFile) -> Root:
    """The trust root with everything that a person decides as the file says. Raises CASK-T010 for a key that is not listed, CASK-K002, CASK-I004."""
    keys = {name: Key(**row.model_dump(), name=name) for name, row in file.keys.items()}
    ids = {name: str(key_id(key)) for name, key in keys.items()}
    _refuse_twice(ids.values(), "two names stand for the key")
    changed = {
        "keys": {ids[name]: key for name, key in keys.items()},
        "root": Role.model_validate(_by_id(file.root, ids)),
        "approvers": tuple(Approver.model_validate(_by_id(row, ids)) for row in file.approvers),
        "confirmer": Role.model_validate(_by_id(file.confirmer, ids)),
        "expires": file.expires,
        "auto_narrowing": file.auto_narrowing,
    }
    return root.model_copy(update=changed)


def _by_id(role: NamedRole, ids: Mapping[str, str]) -> dict[str, object]:
    for name in role.keys:
        if name not in ids:
            raise _impossible(f"a role names `{name}`, which is not among the keys of the file")
    return {**role.model_dump(), "keys": tuple(ids[name] for name in role.keys)}


# ---------------------------------------------------------------- the edit
def edited(root: Root, edit: Edit) -> Root:
    """The trust root with what the edit asks for. Raises CASK-T010 for a name that two keys would have or that no key has, CASK-I001 for an edit of no role."""
    named = edit.roles or (("approver",) if edit.tiers or edit.toolsets else ())
    if (edit.add or edit.threshold is not None or edit.requires is not None) and not named:
        raise CaskError("CASK-I001", "it was not said which role is meant", mend="cask trust edit --help")
    gone = tuple(_id_of(root, name) for name in edit.remove)
    keys = {**root.keys, **{str(key_id(key)): key for key in edit.add if key_id(key) not in root.keys}}
    _refuse_twice((key.name for key in keys.values()), "two keys would be called")
    changed = root.model_copy(update={"keys": keys, **_settings(root, edit)})
    for name in named:
        changed = changed.model_copy(update=_ROLES[name](changed, edit, gone))
    return _tidy(changed if named else without(changed, gone))


def _settings(root: Root, edit: Edit) -> dict[str, object]:
    expires = root.expires if edit.expires is None else None if edit.expires == NEVER else edit.expires
    return {"expires": expires, "auto_narrowing": root.auto_narrowing if edit.auto_narrowing is None else edit.auto_narrowing}


def _id_of(root: Root, name: str) -> str:
    found = [key for key, row in root.keys.items() if row.name == name]
    if len(found) != 1:
        known = ", ".join(sorted(row.name for row in root.keys.values()))
        raise _impossible(f"there is {'no key' if not found else 'more than one key'} called `{name}` in the trust root; there is {known}")
    return found[0]


def _with(role: Role, edit: Edit, gone: tuple[str, ...]) -> Role:
    added = [str(key_id(key)) for key in edit.add]
    changes: dict[str, object] = {"keys": tuple(key for key in dict.fromkeys((*role.keys, *added)) if key not in gone)}
    if edit.threshold is not None:
        changes["threshold"] = edit.threshold
    if edit.requires is not None:
        changes["requires"] = "" if edit.requires == "none" else edit.requires
    return role.model_copy(update=changes)


def _approvers(root: Root, edit: Edit, gone: tuple[str, ...]) -> dict[str, object]:
    """The row for exactly these tiers and toolsets; where there is none yet, it is split off from the first row that decided about more."""
    wanted = Approver(keys=(), tiers=tuple(tier for tier in TIERS if tier in edit.tiers) or TIERS, toolsets=tuple(sorted(edit.toolsets)))
    rows = list(root.approvers)
    reach = (set(wanted.tiers), set(wanted.toolsets))
    at = next((index for index, row in enumerate(rows) if (set(row.tiers), set(row.toolsets)) == reach), None)
    if at is None:
        at = next((index for index, row in enumerate(rows) if _overlap(row, wanted) and not _within(row, wanted)), len(rows))
        origin = rows[at].model_dump(include={"keys", "threshold", "requires"}) if at < len(rows) else {}
        rows.insert(at, wanted.model_copy(update=origin))
    rows[at] = Approver.model_validate(_with(rows[at], edit, gone).model_dump())
    return {"approvers": tuple(rows)}


def _overlap(row: Approver, other: Approver) -> bool:
    return bool(set(row.tiers) & set(other.tiers)) and (
        not row.toolsets or not other.toolsets or bool(set(row.toolsets) & set(other.toolsets))
    )


def _within(row: Approver, other: Approver) -> bool:
    return set(row.tiers) <= set(other.tiers) and (not other.toolsets or (bool(row.toolsets) and set(row.toolsets) <= set(other.toolsets)))


_ROLES: Final[Mapping[RoleName, Callable[[Root, Edit, tuple[str, ...]], dict[str, object]]]] = {
    "root": lambda root, edit, gone: {"root": _with(root.root, edit, gone)},
    "approver": _approvers,
    "confirmer": lambda root, edit, gone: {"confirmer": _with(root.confirmer, edit, gone)},
}
"""Role -> what of the trust root changes."""


# ---------------------------------------------------------------- keys
def without(root: Root, gone: Iterable[str]) -> Root:
    """The trust root without some keys in any role. gone: key ids."""
    return _mapped(root, dict.fromkeys(gone))


def exchanged(root: Root, old: str, new: Key) -> Root:
    """The trust root in which a new key stands for an old one in every role. old: its id."""
    return _mapped(root.model_copy(update={"keys": {**root.keys, str(key_id(new)): new}}), {old: str(key_id(new))})


def _mapped(root: Root, other: Mapping[str, str | None]) -> Root:
    """Each role with its keys exchanged, or taken out where nothing stands for them."""

    def of(role: Role) -> Role:
        keys = (other.get(key, key) for key in role.keys)
        return role.model_copy(update={"keys": tuple(dict.fromkeys(key for key in keys if key is not None))})

    return _tidy(
        root.model_copy(update={"root": of(root.root), "approvers": tuple(map(of, root.approvers)), "confirmer": of(root.confirmer)})
    )


def _tidy(root: Root) -> Root:
    """Without keys that no role names: they would not be revoked."""
    used = {key for role in roles(root) for key in role.keys}
    return root.model_copy(update={"keys": {key: row for key, row in root.keys.items() if key in used}})


# ---------------------------------------------------------------- the next version
def successor(before: Root, changed: Root, at: str) -> Root:
    """The version after `before` with what `changed` says, ready to be signed. at: now, RFC 3339, UTC. Raises CASK-T010 where it cannot be."""
    following = {"version": before.version + 1, "issued_at": at, "previous": str(root_digest(before)), "toolpack": before.toolpack}
    made = changed.model_copy(update=following)
    _require_readable(made)
    if problem := next(_problems(made), ""):
        raise _impossible(problem)
    if not difference(before, made):
        raise _impossible("nothing would change")
    return made


def require_possible(before: Root, drafted: Root, at: str) -> None:
    """Raise CASK-T009 for a version that waits for signatures and that `successor` would not have made: its draft is a file that anybody can write.

    at: now, RFC 3339, UTC. A time of issue to come would end every approval that ends before it: time is never judged to be before what is signed.
    """
    tomorrow = (datetime.fromisoformat(at) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    facts = (
        (drafted.issued_at > tomorrow, f"it says that it was made at {drafted.issued_at}"),
        (drafted.expires is not None and drafted.expires <= at, f"it expired at {drafted.expires}"),
        (not difference(before, drafted), "nothing would change"),
    )
    if problem := next((problem for found, problem in facts if found), "") or next(_problems(drafted), ""):
        what = f"the pending version {drafted.version} of the trust root cannot be used: {problem}"
        raise CaskError("CASK-T009", what, mend="cask trust edit --discard")


def _require_readable(root: Root) -> None:
    """Raise CASK-T010 for a version that the door would not read once it is signed: nothing would be served under it, and no later one could be made."""
    if root.expires is not None and not is_instant(root.expires):
        raise _impossible(f"`{root.expires}` is no time such as 2027-01-31T00:00:00Z")
    try:
        require_form(root, root.version, root.toolpack)
    except CaskError as cause:
        raise _impossible(cause.what) from cause


def _problems(root: Root) -> Iterator[str]:
    if odd := odd_name(root):
        yield f"{odd!r} is no plain name for a key or a toolset"
    if root.expires is not None and root.expires <= root.issued_at:
        yield f"it would have expired at {root.expires}"
    for name, role in rows(root):
        counted = counting(role, root.keys).keys
        if len(set(role.keys)) != len(role.keys):
            yield f"a key stands twice in the role {name}"
        if role.keys and len(counted) < role.threshold:
            what = "keys of authenticators" if role.requires else "keys"
            yield f"the role {name} would need {role.threshold} signatures and has {len(counted)} {what}"


def deserted(root: Root) -> list[str]:
    """What nobody can do under a version, in words."""
    return [f"{name}: nobody; {_DESERTED[name.split(' ', 1)[0]]}" for name, role in rows(root) if not role.keys]


_DESERTED: Final = {
    "root": "no later version can be made, and `cask trust init --replace` is the only way on",
    "approver": "nothing that this row decides about can be approved",
    "confirmer": "no challenge can be granted",
}


# ---------------------------------------------------------------- words
def rows(root: Root) -> list[tuple[str, Role]]:
    """Every role with its name: of approvers with the tiers and toolsets that they decide about."""
    return [("root", root.root), *((f"approver{_reach(row)}", row) for row in root.approvers), ("confirmer", root.confirmer)]


def _reach(row: Approver) -> str:
    tiers = "" if set(row.tiers) == set(TIERS) else f" of {', '.join(row.tiers)}"
    return tiers + (f" in {', '.join(map(_name, row.toolsets))}" if row.toolsets else "")


def told(root: Root) -> list[str]:
    """A version as lines, one for each thing that a person decides: roles in their order, then keys."""
    lines = [f"{name}: {_holders(role, root.keys)}" for name, role in rows(root)]
    # A name is whatever the root's maker wrote; the id is the key.
    lines += [
        f"{_name(row.name)} is {key} ({row.scheme})" for key, row in sorted(root.keys.items(), key=lambda item: (item[1].name, item[0]))
    ]
    lines.append(f"expires: {root.expires or NEVER}")
    lines.append(f"auto narrowing: {'on' if root.auto_narrowing else 'off'}")
    return lines


def _holders(role: Role, keys: Mapping[str, Key]) -> str:
    names = ", ".join(_name(keys[key].name) for key in role.keys) or "nobody"
    return f"{role.threshold} of {names}" + (", by hardware keys alone" if role.requires == "hardware" else "")


def _name(name: str) -> str:
    """As it is if it is plain; else so that it cannot pass for anything else of the line."""
    return name if PLAIN.fullmatch(name) else repr(name)


def difference(before: Root, after: Root) -> list[str]:
    """`- old`, `+ new`: the lines of both versions that the other lacks, and the order of the rows of approvers where that alone changed."""
    old, new = told(before), told(after)
    gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
    lines = [f"- {line}" for line in old if line in gone] + [f"+ {line}" for line in new if line in come]
    return lines or (["~ the rows of approvers stand in another order"] if before.approvers != after.approvers else [])


# ---------------------------------------------------------------- refusals
def _refuse_twice(values: Iterable[str], what: str) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise _impossible(f"{what} `{twice[0]}`")


def _impossible(what: str) -> CaskError:
    return CaskError("CASK-T010", what, mend="cask trust show")
