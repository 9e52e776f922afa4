"""`cask capture record`: a browser's session becomes a capture, with a login that is brought along or kept where the person asked for it.

Looks at everything that can be wrong before a browser is started. A session that turns out to be logged out is an error and not a capture.
"""

import json
import shlex
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.errors import AGAIN, CaskError
from caskmcp.model.finding import Report
from caskmcp.model.project import ID
from caskmcp.ports import World
from caskmcp.record.browser import Browser, refuse_without
from caskmcp.record.frames import Plan
from caskmcp.record.login import Account
from caskmcp.store.layout import ROOT
from caskmcp.workflows import here, live

KIND: Final = "browser"
NOTHING: Final = "CASK-C003"
"""Nothing of a first party was seen."""
PROFILES: Final = "profiles"
"""Folder in the user's configuration folder that holds the storage states of named profiles."""
LARGEST_STATE: Final = 16 << 20
OTHERS: Final = 0o077
"""Permission bits of everybody but the owner."""


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    headless: bool = False
    script: str | None = None
    load_state: str | None = None
    save_state: str | None = None
    profile: str | None = None
    duration: float | None = None
    """Seconds."""
    browser: str | None = None
    keep: tuple[str, ...] = ()
    """Reasons and patterns, as `capture import` takes them."""


@dataclass(frozen=True)
class States:
    """Where a login comes from and goes to."""

    load: Path | None
    save: Path | None


def run(world: World, *, url: str, hosts: tuple[str, ...], options: Options, name: str | None = None) -> Report:
    """Record until the script, the duration, the person or the page ends it, and keep what was seen of the first parties.

    Raises CASK-I001, CASK-I002, CASK-I003, CASK-I009 and CASK-C032 for what is given, CASK-W002 and CASK-W005 for what is missing, CASK-W006
    for a page that is not there, CASK-C030 for a session that is over, CASK-C031 for a script that fails, and what `live.keep` raises; then
    nothing is kept.
    """
    plan, states = prepared(world, url, options)
    account = Account(url, live.first_parties(world, hosts, name))
    browser = Browser(plan, duration=options.duration, script=options.script or "")
    beginning = told(world, options, states.load)
    try:
        report = live.keep(world, KIND, watched(world, browser, account, plan, beginning), hosts, KIND, name=name, keep_=options.keep)
    except CaskError as cause:
        if cause.code == NOTHING:  # logging in may be all that it was for
            for line in _save(world, states.save, browser):
                world.console.note(line)
        raise
    return report.model_copy(update={"lines": (*_save(world, states.save, browser), *report.lines)})


def prepared(world: World, url: str, options: Options, *, takes_offers: bool = False) -> tuple[Plan, "States"]:
    """What the browser is told, and where a login comes from and goes to: everything checked that can be before a start. Raises as `run` does.

    takes_offers: as in `Plan`.
    """
    _refuse_address(url)
    if options.duration is not None and not options.duration > 0:  # what is no number is not greater either
        raise CaskError("CASK-I001", "a duration is a number of seconds above 0", mend=f"{AGAIN} --duration 60")
    states = _states(world, options)
    return _plan(world, url, options, states, takes_offers=takes_offers), states


def watched(world: World, browser: Browser, account: Account, plan: Plan, beginning: tuple[str, ...]) -> Generator[Recorded, None, None]:
    """What the browser gives. Raises CASK-C030 at its end if the login that was brought along does not hold."""
    refuse_without(plan)
    for line in beginning:
        world.console.note(line)
    for recorded in browser.exchanges():
        account.see(recorded)
        try:
            yield recorded
        except KeyboardInterrupt:
            browser.stop()
    asks = browser.ended is not None and browser.ended.asks_password
    if plan.state is not None and (problem := account.problem(browser.visited, asks_password=asks)):
        what = f"the session is not logged in any more: {problem}"
        raise CaskError("CASK-C030", what, mend="cask capture record URL -a HOST --save-storage-state FILE")


def told(world: World, options: Options, load: Path | None) -> tuple[str, ...]:
    """What ends the recording, and whether others can read the login in `load`."""
    ways = (
        (options.duration is not None, f"after {options.duration or 0:g} s"),
        (options.script is not None, "when the script is done"),
        (not options.headless, "when its window is closed"),
        (options.headless and not options.script and options.duration is None, "when the page is done"),
    )
    lines: tuple[str, ...] = (f"recording; it ends {', '.join(text for applies, text in ways if applies)}, or with Ctrl-C",)
    if load is not None and world.files.mode(load)[0] & OTHERS:
        lines += (f"others can read {load}, and be logged in with it: chmod 600 {shlex.quote(str(load))}",)
    return lines


# ---------------------------------------------------------------- what is given
def _refuse_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_web = False
    if not is_web:
        raise CaskError("CASK-I001", "an address that begins with http:// or https:// is needed", mend="cask capture record --help")


def _plan(world: World, url: str, options: Options, states: States, *, takes_offers: bool) -> Plan:
    return Plan(
        url,
        headless=options.headless,
        browser=_file(world, options.browser or world.environ.get("CASK_CHROMIUM", "")),
        script=_file(world, options.script or ""),
        state=_state(world, states.load),
        keeps_state=states.save is not None,
        ends_when_quiet=options.headless and not options.script and options.duration is None,
        takes_offers=takes_offers,
    )


def _file(world: World, given: str) -> str:
    """The absolute path of a file that was given, or nothing. Raises CASK-I002."""
    path = world.cwd / given
    if not given:
        return ""
    if not world.files.exists(path) or world.files.is_folder(path):
        raise CaskError("CASK-I002", "there is no such file", place=given, mend=f"ls {shlex.quote(str(path.parent))}")
    return str(path)


# ---------------------------------------------------------------- storage states
def _states(world: World, options: Options) -> States:
    """Raises CASK-I001 for both ways at once, CASK-I009 for a profile that has no name, CASK-C032 for a file that lies where it must not."""
    if options.profile is None:
        load, save = (world.cwd / given if given else None for given in (options.load_state, options.save_state))
        for path in (load, save):
            if path is not None:
                _refuse_inside(world, path)
        if save is not None and world.files.is_folder(save):  # now, and not after a long recording
            raise CaskError("CASK-I002", "this is a folder, a file is needed", place=str(save), mend=f"{AGAIN} --save-storage-state FILE")
        return States(load, save)
    if options.load_state or options.save_state:
        raise CaskError("CASK-I001", "a profile says where the session is: give no file beside it", mend="cask capture record --help")
    if not ID.fullmatch(options.profile):
        what = f"`{options.profile}` is no name of a profile: expected 1 to 40 of a-z, 0-9 and dashes"
        raise CaskError("CASK-I009", what, mend=f"{AGAIN} --profile NAME")
    path = world.config / PROFILES / f"{options.profile}.json"
    return States(path if world.files.exists(path) else None, path)


def _refuse_inside(world: World, path: Path) -> None:
    """A folder of ours is handed over, committed or bundled; a session is not."""
    real, root = path.resolve(), here.root(world).path.resolve()
    packed = any(world.files.exists(folder / "toolpack.yaml") for folder in real.parents)
    if packed or real.is_relative_to(root) or ROOT in real.parts:
        what = "a session lies neither under the root nor in a toolpack: whoever has it is logged in"
        raise CaskError("CASK-C032", what, place=str(path), mend=f"{AGAIN} --profile NAME")


def _state(world: World, path: Path | None) -> bytes | None:
    """The storage state in a file. Raises CASK-I002, and CASK-I003 for what is none; nothing of it is echoed."""
    if path is None:
        return None
    data = world.files.read(path, LARGEST_STATE)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not all(isinstance(value.get(name, []), list) for name in ("cookies", "origins")):
        raise CaskError("CASK-I003", "this is no storage state of a browser", place=str(path), mend=f"{AGAIN} --load-storage-state FILE")
    return data


def _save(world: World, path: Path | None, browser: Browser) -> tuple[str, ...]:
    """Write the session where the person asked for it, for the owner alone."""
    if path is None:
        return ()
    if browser.ended is None or browser.ended.state is None:
        return (f"the session could not be saved to {path}: the browser was gone before it could be asked",)
    world.files.write(path, browser.ended.state, private=True)
    return (f"the session is in {path} (0600): whoever has it is logged in",)
