"""What git calls: the merge driver of the lock, and the diff driver of `tools.json`. Git is told of them by its configuration, never by us.

A merge that cannot be made leaves its files alone and ends with status 1, which is a conflict; a diff that cannot be made says so and ends
well, since git takes any other end for a broken driver.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from caskmcp import text
from caskmcp.analyze.diff import RULES, Sides, diff
from caskmcp.errors import CaskError, Exit
from caskmcp.govern import lockfile, merge
from caskmcp.govern.lockfile import ReadLock
from caskmcp.model.policy import Policy
from caskmcp.model.served import served
from caskmcp.model.tool import Tools
from caskmcp.model.toolset import Toolsets
from caskmcp.ports import World

SIGNS: Final = {"tool-added": "+", "tool-removed": "-"}


# ---------------------------------------------------------------- the lock
def merge_lock(world: World, *, base: str, ours: str, theirs: str) -> Exit:
    """Merge three locks into the second, as git's merge drivers do (gitattributes: `%O %A %B`). Status 1, and nothing written, for what cannot be merged."""
    places = [world.cwd / name for name in (base, ours, theirs)]
    try:
        result = merge.merged(*_locks([world.files.read(place, text.MAX_BYTES) for place in places]))
    except CaskError as cause:
        world.console.note(f"the lock cannot be merged: {cause}")
        return Exit.REVIEW
    world.files.write(places[1], lockfile.dump(result))
    return Exit.CLEAN


def _locks(files: list[bytes]) -> tuple[ReadLock, ReadLock, ReadLock]:
    """Base, ours, theirs. An empty base is no lock: both sides made theirs."""
    base, ours, theirs = files
    toolpack = lockfile.toolpack_of(ours)
    return lockfile.read(base or None, toolpack), lockfile.read(ours, toolpack), lockfile.read(theirs, toolpack)


# ---------------------------------------------------------------- tools.json
def diff_surface(world: World, *, path: str, old: str = "", new: str = "") -> Exit:
    """Print what changed between two versions of `tools.json`, a line a change. old, new: files as git names them; none for a path in conflict."""
    world.console.out(_line(f"cask git diff-surface {path}"))
    try:
        lines = list(_changes(_tools(world, old), _tools(world, new))) if old and new else ["in conflict"]
    except CaskError as cause:
        lines = [f"cannot be compared tool by tool ({cause.what}); git diff --no-ext-diff shows the text"]
    world.console.out("\n".join(map(_line, lines or ["nothing that a tool is or does"])))
    return Exit.CLEAN


def _line(text_: str) -> str:
    """On one line: a name or a value cannot write a change of its own."""
    return text_.replace("\n", " ")


def _tools(world: World, name: str) -> Mapping[str, Mapping[str, Any]]:
    """Subject -> what an approval would cover, but for policy and toolsets, which are other files."""
    path = Path(name) if name.startswith("/") else world.cwd / name
    data = b"" if name == "/dev/null" else world.files.read(path, text.MAX_BYTES)
    if not data:
        return {}
    tools = Tools.from_json(data, "tools.json", code="CASK-L002").tools
    names = [tool.name for tool in tools]
    if twice := next((each for each in names if names.count(each) > 1), ""):
        raise CaskError("CASK-L002", f"two tools are called `{twice}`", place="tools.json", mend="cask build")
    return {f"tool:{tool.name}": served(tool, Policy(rules=()), Toolsets(toolsets={})) for tool in tools}


def _changes(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for row in diff(Sides(approved=old, built=new), pinned=True).tables["changes"]:
        name, change = str(row["subject"]).removeprefix("tool:"), str(row["change"])
        if change in SIGNS:
            yield f"{SIGNS[change]} {name}  {row['risk']}  {row['after'] or row['before']}"
        else:
            yield f"~ {name}  {row['risk']}  {_verdict(change)} {row['place'] or row['area']}: {row['before'] or 'nothing'} -> {row['after'] or 'nothing'}"


def _verdict(change: str) -> str:
    """`allows more` and the like: the words of the diff, which compares with what was approved, and git does not."""
    return RULES[change].says.removesuffix(" than what was approved")
