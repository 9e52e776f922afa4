"""`cask doctor`: what this machine and this project lack, each with the one command that mends it. Changes nothing.

A check is a row: its name, what it looks at, and a function that says what it saw and what is wrong. One that has nothing to look at (no
project, no toolpack) says so and is no pass.
"""

import shlex
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from caskmcp import __version__
from caskmcp.errors import CaskError, Exit
from caskmcp.govern import agent, agentsocket, keys, offer, trust
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.ports import Files, World
from caskmcp.store import installed, project, room
from caskmcp.store.layout import MANIFEST, PRIVATE, Root
from caskmcp.store.locks import holder
from caskmcp.store.project import LoadedProject
from caskmcp.workflows import config, evidence, gitlines, here, places
from caskmcp.workflows.clients import CLIENTS, Client, entries, is_ours
from caskmcp.workflows.patient import Patient, Seen, Wrong

OLDEST_PYTHON: Final = (3, 11)
MCP_MAJOR: Final = 2
ROOM: Final = 64 << 20
"""Bytes that a build and the record of a day's calls want free."""
OLD: Final = 180
"""Days after which a recording says little of what a service does."""


# ---------------------------------------------------------------- the machine
def python(patient: Patient) -> Seen:
    """This Python is one that the program runs on."""
    version = installed.python()
    text = ".".join(map(str, version))
    wrong = Wrong(f"Python {text} is too old: 3.11 or newer is needed", "install Python 3.11", severity=Severity.INPUT)
    return Seen(text, () if version >= OLDEST_PYTHON else (wrong,))


def libraries(patient: Patient) -> Seen:
    """Every library of the base install is here and in its range."""
    rows = [row for row in installed.libraries() if not row.extra]
    if not rows:
        return Seen("")
    wrong = tuple(_library(row) for row in rows if not row.fits)
    return Seen(f"{len(rows) - len(wrong)} of {len(rows)} in range", wrong)


def _library(row: installed.Library) -> Wrong:
    what = f"{row.name} {row.found} is not in the range {row.wanted}" if row.found else f"{row.name} is not installed"
    return Wrong(what, f"python -m pip install '{row.name}{row.wanted}'")


def mcp(patient: Patient) -> Seen:
    """The MCP library has the major version that the server is written for."""
    found = installed.version("mcp")
    fits = found.partition(".")[0] == str(MCP_MAJOR)
    what = f"mcp {found} is here, the server needs {MCP_MAJOR}.x" if found else "mcp is not installed"
    return Seen(found or "none", () if fits else (Wrong(what, f"python -m pip install 'mcp>={MCP_MAJOR}.3,<{MCP_MAJOR + 1}'"),))


def extras(patient: Patient) -> Seen:
    """What the manifest asks for beyond the base install is here."""
    if patient.loaded is None:
        return Seen("")
    wanted = tuple(_wanted(patient.loaded))
    wrong = tuple(row.wrong for row in wanted if not row.fits)
    return Seen(", ".join(f"{row.name} {row.found}" for row in wanted if row.fits) or "" if wanted else "none needed", wrong)


class _Needed(NamedTuple):
    """A distribution that the manifest needs."""

    name: str
    found: str
    fits: bool
    wrong: Wrong


def _wanted(loaded: LoadedProject) -> Iterator[_Needed]:
    stated = loaded.project
    if any(name.startswith("keyring:") for rule in stated.auth.values() for _, name in rule.references):
        found = installed.version("keyring")
        what = "`auth:` names the keyring, which is not installed"
        yield _Needed("keyring", found, bool(found), Wrong(what, "python -m pip install 'caskmcp[keyring]'", MANIFEST, code="CASK-W002"))
    for plugin in sorted(stated.plugins):
        name, _, version = plugin.partition("==")
        found = installed.version(name)
        what = f"`plugins:` names {name} {version}, and {found or 'none'} is installed"
        mend = f"python -m pip install {shlex.quote(plugin)}"
        yield _Needed(name, found, found == version, Wrong(what, mend, MANIFEST, code="CASK-W002"))


def disk(patient: Patient) -> Seen:
    """There is room where the root is, and this user may write there."""
    path = patient.root.path
    free, writable = room.at(path)
    wrong = []
    if free < ROOM:
        wrong.append(Wrong(f"{free >> 20} MiB are free where the root is", "cask state gc", str(path), code="CASK-W001"))
    if not writable:
        wrong.append(Wrong("this user may not write where the root is", f"ls -ld {shlex.quote(str(path))}", str(path), code="CASK-W001"))
    return Seen(f"{free >> 20} MiB free" if free < 10 * ROOM else "room enough", tuple(wrong))


def locks(patient: Patient) -> Seen:
    """Who is at work here: a lock that nobody holds is no hindrance, and `cask state unlock` takes it away."""
    paths = {"root": patient.root.lock, "pins": patient.world.config / "pins" / ".lock"}
    held = {name: holder(patient.files, path) for name, path in paths.items() if patient.files.exists(path)}
    wrong = tuple(
        Wrong(
            f"process {process} holds the lock `{name}` and is at work", "cask state unlock", str(paths[name]), Severity.INFO, "CASK-B003"
        )
        for name, process in held.items()
        if process
    )
    return Seen(", ".join(f"{name} held by {process}" if process else f"{name} free" for name, process in held.items()) or "none", wrong)


# ---------------------------------------------------------------- who starts the server
def clients(patient: Patient) -> Seen:
    """What the files of MCP clients start is there: the program, the toolpack and the root."""
    project_ = patient.loaded.folder if patient.loaded else patient.world.cwd
    rows = [(key, row, file) for key, row in CLIENTS.items() if patient.files.exists(file := row.file(project_))]
    wrong = tuple(wrong for key, row, file in rows for wrong in _client(patient, key, row, file))
    return Seen(", ".join(row.title for _, row, _ in rows) or "none is set up", wrong)


def _client(patient: Patient, key: str, row: Client, file: Path) -> Iterator[Wrong]:
    place = places.shown(patient.world, file)
    try:
        found = entries(row, patient.files.read(file, 16 << 20), place)
    except CaskError as cause:
        yield Wrong(f"the file of {row.title} cannot be read: {cause.what}", "", place, Severity.INFO)
        return
    own = config.name_of(patient.served.id) if patient.served else ""
    for name, entry in found.items():
        if is_ours(entry) and (gone := _gone(patient.files, entry)):
            mend = f"cask config --client {key} --install" if name == own else f"edit {place}"
            yield Wrong(f"{row.title} starts `{name[:40]}` with {gone}, which is not there", mend, place, code="client-nowhere")


def _gone(files: Files, entry: dict[str, object]) -> str:
    """The first place that an entry names in full and that is not there."""
    words = [entry.get("command"), *_after(entry.get("args"), "--toolpack"), *_after(entry.get("args"), "--root")]
    full = [Path(word) for word in words if isinstance(word, str) and word.startswith("/")]
    return next((str(path) for path in full if not files.exists(path)), "")


def _after(args: object, option: str) -> list[object]:
    return [value for name, value in pairwise(args) if name == option] if isinstance(args, list) else []


# ---------------------------------------------------------------- the project
def manifest(patient: Patient) -> Seen:
    """There is a manifest, it is valid, and its sources are here."""
    if project.find_manifest(patient.files, patient.world.cwd) is None:
        return Seen("none", (_nowhere(patient),))
    loaded = project.load_project(patient.files, patient.world.cwd)
    found = project.expand_sources(patient.files, loaded, patient.root.path)
    missing = project.unmatched(patient.files, loaded, patient.root.path)
    wrong = tuple(
        Wrong(f"{row.what}; committed observations have to stand in for it", row.mend or "", row.place or "", code=row.code)
        for row in missing
    )
    return Seen(f"{loaded.project.id}, {len(found)} sources", wrong)


def _nowhere(patient: Patient) -> Wrong:
    """No manifest above: perhaps there is one right below, and the working directory is wrong."""
    cwd = patient.world.cwd
    below = [name for name in patient.files.listing(cwd) if patient.files.exists(cwd / name / MANIFEST)]
    mend = f"cd {shlex.quote(below[0])}" if below else "cask init -a HOST"
    return Wrong(f"no {MANIFEST} in the working directory or above", mend, str(cwd), code="CASK-I006")


def captures(patient: Patient) -> Seen:
    """What was recorded is young enough to say what the service does."""
    if patient.loaded is None:
        return Seen("")
    rows = [row.absolute for row in project.expand_sources(patient.files, patient.loaded, patient.root.path)]
    now = datetime.fromisoformat(patient.world.clock.now()).timestamp()
    ages = {path: int(now - patient.files.stat_key(path)[3] / 1e9) // 86_400 for path in rows if patient.files.exists(path)}
    if not ages:
        return Seen("")
    wrong = tuple(
        Wrong(
            f"{places.shown(patient.world, path)} is {age} days old",
            "cask capture list",
            places.shown(patient.world, path),
            Severity.INFO,
            "capture-old",
        )
        for path, age in ages.items()
        if age >= OLD
    )
    return Seen(f"the newest is {max(min(ages.values()), 0)} days old", wrong)


def git(patient: Patient) -> Seen:
    """Traffic, state and caches stay out of git."""
    if patient.loaded is None or not patient.root.path.is_relative_to(patient.loaded.folder):
        return Seen("")
    lacking = gitlines.lacking(patient.files, patient.loaded.folder, patient.root.path)
    wrong = (Wrong(f"{name} lacks: {', '.join(lines)}", "cask init", name) for name, lines in lacking.items() if lines)
    return Seen(".gitignore, .gitattributes", tuple(wrong))


def root(patient: Patient) -> Seen:
    """What is private under the root is readable by its owner alone."""
    if not patient.files.is_folder(patient.root.path):
        return Seen("")
    return Seen(str(patient.root.path), tuple(_open_to_others(patient.files, patient.root)))


def _open_to_others(files: Files, root: Root) -> Iterator[Wrong]:
    folders = [root.path / name for name in PRIVATE if files.is_folder(root.path / name)]
    captures = [root.capture(name) for name in files.listing(root.captures)]
    inner = [folder / name for folder in captures if files.is_folder(folder) for name in files.listing(folder)]
    for path in (*folders, *captures, *inner, *((root.redaction_key,) if files.exists(root.redaction_key) else ())):
        mode, _ = files.mode(path)
        if mode & 0o077:
            right = "700" if files.is_folder(path) else "600"
            yield Wrong(
                f"others may read {path.relative_to(root.path)} (mode {mode:04o})",
                f"chmod {right} {shlex.quote(str(path))}",
                str(path),
                code="CASK-K001",
            )


# ---------------------------------------------------------------- approving and serving
def signing(patient: Patient) -> Seen:
    """Keys in the configuration folder are usable and private, and the ssh-agent holds those that it is to hold."""
    names = [key.name for key in keys.listing(patient.files, patient.world.config)]
    return Seen(", ".join(names) or "no key yet", tuple(wrong for name in names for wrong in _key(patient, name)))


def _key(patient: Patient, name: str) -> Iterator[Wrong]:
    try:
        if held := keys.referred(patient.files, keys.refuse_readable(patient.files, patient.world.config, name)):
            agent.signer(agentsocket.reach(patient.world.environ), held)
    except CaskError as cause:
        yield _of(cause)


def toolpack(patient: Patient) -> Seen:
    """There is a toolpack, and every file that is served can be read."""
    if patient.pack is None:
        wrong = (Wrong("nothing was built yet", "cask build", str(patient.root.path), code="CASK-I011"),) if patient.loaded else ()
        return Seen("none", wrong)
    offered = offer.parse(offer.read(patient.files, patient.pack))
    return Seen(f"{patient.pack.path.name}, {len(offered.tools)} tools")


def pin(patient: Patient) -> Seen:
    """The trust root holds, and it is the one that this machine accepted."""
    if (files := patient.served) is None:
        return Seen("")
    if not files.roots:
        wrong = Wrong("nothing can be approved yet", "cask trust init --key NAME", severity=Severity.INFO, code="CASK-T006")
        return Seen("no trust root yet", (wrong,))
    chain = trust.chain(files.roots, files.id)
    trust.refuse_expired(chain, patient.world.clock.now())
    trust.anchor(chain, here.pin(patient.world, files.id), here.condition(patient.world))
    soon = tuple(Wrong(row.message, row.mend, row.place, code=row.code) for row in evidence.expiring(chain, patient.world.clock.now()))
    return Seen(f"version {chain.current.version}, pinned", soon)


def clock(patient: Patient) -> Seen:
    """The clock is not behind what was signed here: expiry could not be told."""
    now, files = patient.world.clock.now(), patient.served
    issued = trust.chain(files.roots, files.id).current.issued_at if files and files.roots else now
    return Seen(now, (Wrong(f"the clock says {now}, but the trust root was signed at {issued}", "date"),) if now < issued else ())


# ---------------------------------------------------------------- the table
class Check(NamedTuple):
    """One row."""

    name: str
    run: Callable[[Patient], Seen]


CHECKS: Final = (
    Check("python", python),
    Check("libraries", libraries),
    Check("mcp", mcp),
    Check("extras", extras),
    Check("disk", disk),
    Check("manifest", manifest),
    Check("captures", captures),
    Check("git", git),
    Check("root", root),
    Check("keys", signing),
    Check("toolpack", toolpack),
    Check("pin", pin),
    Check("clock", clock),
    Check("locks", locks),
    Check("clients", clients),
)


def run(world: World) -> Report:
    """Every check, in order. Only what ends each command, a disk that refuses or a bug, ends this one."""
    patient = Patient(world)
    seen = [(check.name, _run(check, patient)) for check in CHECKS]
    once: dict[tuple[str, str], Finding] = {}
    for name, wrong in ((name, wrong) for name, each in seen for wrong in each.wrong):
        once.setdefault((wrong.code, wrong.message), _finding(name, wrong))  # what two checks ran into is told by the first
    rows = tuple({"check": name, "result": _result(each), "found": each.found} for name, each in seen)
    return Report(
        report="doctor", summary={"cask": __version__, "findings": len(once)}, tables={"checks": rows}, findings=tuple(once.values())
    )


def _run(check: Check, patient: Patient) -> Seen:
    try:
        return check.run(patient)
    except CaskError as cause:
        return Seen("not readable", (_of(cause),))


_SEVERITIES: Final = {Exit.INPUT: Severity.INPUT, Exit.REFUSED: Severity.REFUSED}


def told(name: str, cause: CaskError) -> Finding:
    """What kept somebody from looking, as a finding. name: who it was."""
    return _finding(name, _of(cause))


def _of(cause: CaskError) -> Wrong:
    severity = Severity.REVIEW if cause.code in ("CASK-K001", "CASK-T001") else _SEVERITIES.get(cause.exit, Severity.REVIEW)
    return Wrong(cause.what, cause.mend or "", cause.place or "", severity, cause.code)


def _finding(name: str, wrong: Wrong) -> Finding:
    return Finding(
        code=wrong.code or name, severity=wrong.severity, subject=name, message=wrong.message, place=wrong.place, mend=wrong.mend
    )


def _result(seen: Seen) -> str:
    if any(wrong.severity is not Severity.INFO for wrong in seen.wrong):
        return "look"
    return "ok" if seen.found else "not-run"
