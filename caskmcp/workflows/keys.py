"""`cask keys`: make and list signing keys in the user's configuration folder."""

from caskmcp.errors import CaskError
from caskmcp.govern import keys
from caskmcp.govern.public import key_id
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.ports import World
from caskmcp.workflows import person


def new(world: World, *, name: str) -> Report:
    """Make a key. Raises CASK-A001 without a terminal, CASK-I009, CASK-K002, CASK-K003."""
    person.require(world, f"cask keys new {name}")
    where = keys.place(world.config, name)
    made = person.make_key(world, name)
    return Report(
        report="keys",
        summary={"key": name, "id": made.id, "file": str(where.private)},
        lines=(f"Made the key {name}. Keep its passphrase: nobody can recover it.",),
    )


def listing(world: World) -> Report:
    """The keys here, with a finding for each that may not sign."""
    found = tuple(keys.listing(world.files, world.config))
    rows = tuple({"name": key.name, "id": key_id(key), "scheme": key.scheme} for key in found)
    problems = (_problem(world, key.name) for key in found)
    return Report(
        report="keys",
        summary={"keys": len(rows)},
        tables={"keys": rows},
        findings=tuple(row for row in problems if row),
        lines=() if rows else ("No key yet. Make one: cask keys new NAME",),
    )


def _problem(world: World, name: str) -> Finding | None:
    try:
        keys.refuse_readable(world.files, world.config, name)
    except CaskError as cause:
        return Finding(
            code=cause.code,
            severity=Severity.REVIEW,
            subject=f"key:{name}",
            message=cause.what,
            place=cause.place or "",
            mend=cause.mend or "",
        )
    return None
