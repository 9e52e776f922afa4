"""A disk that fails at any change to any file: what is left is old or new, the error says so, and the same command again does its work.

Modes: `kill` and `torn` end the process, `enospc` fails this change and every later one, `eio` this one. A part of the changes is tried in each
run of the tests, spread over all of them, each in the next mode; `CASK_EVERY_CHANGE=1` tries every change in every mode.
"""

import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from caskmcp.cli.table import COMMANDS
from caskmcp.errors import CaskError
from caskmcp.govern import keys, lockfile, offer, pins, trust
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack
from tests.support import packs
from tests.support.faults import KILLED, MODES, Faults, Trial, library
from tests.support.packs import signer
from tests.support.spoilt import ASK, HEAD, LOCK, PACK, PASSPHRASE, Place, Tree, approved, tree
from tests.support.terminal import CASK, environment

pytestmark = pytest.mark.skipif(library() is None, reason="needs Linux and a C compiler")

EVERY: Final = os.environ.get("CASK_EVERY_CHANGE") == "1"
ALICE: Final = (ASK, PASSPHRASE)
BOB: Final = "Passphrase for bob:"
TYPED: Final = ("Type `shop` to sign:", "shop")
NAMED: Final = ("Type `alice` to sign:", "alice")
DECIDE: Final = (("[a/b/s/q]:", "block"), ("Reason:", "x"), ("[a/b/s/q]:", "q"))
LOCK_FILE: Final = f"{PACK}/{LOCK}"


def another_source(place: Place) -> None:
    """The next build has something to do: a recording beside the capture."""
    place.put("cask.yaml", HEAD + "sources: [{har: shop.har}]\npaths: ['/v1/orders/{order}']\n")


def nothing_but_the_recording(place: Place) -> None:
    """Before the first command, but with a key of redaction: another one would be drawn each time."""
    kept = {place.project / name for name in ("shop.har", ".caskmcp", ".caskmcp/state", ".caskmcp/state/redaction.key")}
    for path in sorted({*place.project.rglob("*")} - kept, reverse=True):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()


def as_it_is(place: Place) -> None:
    """Nothing to prepare."""


def without_the_pin(place: Place) -> None:
    """As in a clone."""
    (place.config / "pins" / "shop.json").unlink()


def with_bobs_key(place: Place) -> None:
    """A second key, which does nothing yet; the same in each copy."""
    keys.save(LocalFiles(), place.config, packs.signer("bob"), "secret")


def with_a_vanished_subject(place: Place) -> None:
    """The lock says something of a tool that is no more."""
    lock = place.project / LOCK_FILE
    before, statements = lock.read_text().split('  "tool:list_products":\n')
    lock.write_text(before + '  "tool:gone":\n' + statements)


def with_another_key(place: Place) -> None:
    """A key that may do nothing yet."""
    keys.save(LocalFiles(), place.config, signer("bob"), "secret")


class Case(NamedTuple):
    """A command that writes."""

    line: str
    prepare: Callable[[Place], None]
    answers: tuple[tuple[str, str], ...] | None
    """What a person types; None for pipes."""
    again: tuple[int, ...]
    """Exit statuses of the same command once the disk is well: 0, and that of what is done already."""
    tries: int
    """Changes that are tried, each in the next of the four modes."""


# fmt: off
CASES: Final = (
    #    line                                        prepare                    answers                              again    tries
    Case("build",                                    another_source,            None,                                (0,),    3),
    Case("mint shop.har -a api.shop.example",        nothing_but_the_recording, None,                                (0,),    2),
    Case("capture import shop.har",                  lambda place: place.put("cask.yaml", HEAD), None,               (0,),    2),
    Case("capture forget afa7",                      as_it_is,                  None,                                (0, 3),  2),
    Case("gate block get_order --reason x",          as_it_is,                  None,                                (0,),    2),
    Case("keys new bob",                             as_it_is,                  ((BOB, "secret"), (BOB, "secret")),  (0, 3),  2),
    Case("gate allow cancel_order --reason x",       as_it_is,                  (ALICE, TYPED),                      (0,),    3),
    Case("gate block *_products --key alice",        as_it_is,                  (ALICE,),                            (0,),    2),
    Case("gate review --plain",                      as_it_is,                  DECIDE,                              (0,),    2),
    Case("gate sync",                                with_a_vanished_subject,   None,                                (0,),    2),
    Case("gate snapshot",                            as_it_is,                  (),                                  (0,),    2),
    Case("trust init --replace --key alice",         as_it_is,                  (ALICE, TYPED),                      (0,),    2),
    Case("trust pin",                                without_the_pin,           (),                                  (0,),    2),
    Case("trust edit --expires 365d --key alice",    as_it_is,                  (ALICE, TYPED),                      (0, 3),  2),
    Case("keys rotate alice --to bob",               with_bobs_key,             (ALICE, TYPED),                      (0, 3),  2),
    Case("keys revoke alice",                        as_it_is,                  (NAMED, ALICE, TYPED),               (0, 3, 4), 2),
    # Both end in the writer of `trust edit`, and a run of each takes two passphrases: tried where every change is.
    *((
        Case("keys rotate alice --to bob",           with_another_key,          (ALICE, TYPED),                      (0, 3),  1),
        Case("keys revoke alice",                    as_it_is,                  (("Type `alice` to sign:", "alice"), ALICE, TYPED), (0, 3), 1),
    ) if EVERY else ()),
)
# fmt: on


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return approved(tmp_path_factory.mktemp("approved") / "desk")


class Bench:
    """Copies of one place, and a command on them."""

    def __init__(self, base: Place, case: Case, folder: Path) -> None:
        self.case, self.base, self.folder, self.made = case, base, folder, 0
        self.before = self.copy()
        self.after = self.copy()
        self.changes = self.run(self.after).changes

    def copy(self) -> Place:
        self.made += 1
        place = self.base.copy(self.folder / str(self.made))
        self.case.prepare(place)
        return place

    def run(self, place: Place, mode: str = "kill", at: int = 0, program: tuple[str, ...] = CASK) -> Trial:
        faults = Faults(place.folder, environment(place.home))
        return faults.run([*program, *self.case.line.split()], place.project, mode=mode, at=at, answers=self.case.answers)

    def moments(self) -> list[tuple[int, str]]:
        """Changes to try, and the mode of each: all of them, or some that are spread evenly, the first and the last among them."""
        if EVERY:
            return [(at, mode) for at in range(1, self.changes + 1) for mode in MODES]
        tries = min(self.case.tries, self.changes)
        spread = sorted({1 + round(index * (self.changes - 1) / max(1, tries - 1)) for index in range(tries)})
        return list(zip(spread, itertools.cycle(MODES)))


APART: Final = {
    "gate status": "reads", "gate list": "reads", "gate check": "reads", "keys list": "reads", "trust show": "reads",
    "keys export": "public parts to stdout, or copies of what was signed to a folder that the person names",
}  # fmt: skip
"""Commands that write nothing of ours, or what another one here writes."""


def test_every_command_of_gate_keys_and_trust_is_tried_or_says_why_not() -> None:
    known = {row.name for row in COMMANDS if " " in row.name and row.name.split()[0] in ("gate", "keys", "trust")}
    tried = {" ".join(case.line.split()[:2]) for case in CASES}
    assert known - APART.keys() <= tried
    assert APART.keys() <= known - tried


def private(name: str) -> bool:
    """What nobody reads but the program itself, and does without: the cache, and locks."""
    return "/.caskmcp/cache" in f"/{name}" or name.endswith(("state/lock", "pins/.lock"))


def passing(name: str) -> bool:
    """What may be there or not: also what a killed writer left beside its target, which the next write of that file removes."""
    return private(name) or name.endswith(".cask-tmp")


SIGNED: Final = (
    f"project/{LOCK_FILE}",
    f"project/{PACK}/trust/",
    "project/.caskmcp/state/keys/",
    "home/.config/caskmcp/keys/",
    "home/.config/caskmcp/pins/shop.json",
)
"""Files that differ from run to run: they hold a time, a sequence, or what was drawn."""


@pytest.mark.slow
@pytest.mark.timeout(7200 if EVERY else 300)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.line)
def test_files_are_old_or_new_and_the_same_command_again_does_its_work(case: Case, base: Place, tmp_path: Path) -> None:
    bench = Bench(base, case, tmp_path)
    old, new = tree(bench.before.folder), tree(bench.after.folder)
    assert bench.changes > 0
    wrong = [
        f"{mode} at {at} of {bench.changes}: {problem}" for at, mode in bench.moments() for problem in problems(bench, mode, at, old, new)
    ]
    assert wrong == []


IN_PLACE: Final = """
import sys
from caskmcp.store.files import LocalFiles
def write(self, path, data, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
LocalFiles.write = write
from caskmcp.cli.main import main
sys.exit(main())
"""
"""A program that writes files where they stand."""


def test_without_whole_writes_the_same_trials_find_half_a_lock(base: Place, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.line.startswith("gate block get_order"))
    bench, program = Bench(base, case, tmp_path), (sys.executable, "-c", IN_PLACE)
    changes = bench.run(bench.copy(), program=program).changes
    found: list[str] = []
    for at in range(changes, 0, -1):
        place = bench.copy()
        bench.run(place, "torn", at, program)
        found = unreadable(place)
        if found:
            break
    assert [line.split(":")[0] for line in found] == ["the lock is half written"]


def problems(bench: Bench, mode: str, at: int, old: Tree, new: Tree) -> list[str]:
    place, wanted = bench.copy(), finished(bench.after)
    trial = bench.run(place, mode, at)
    found = [*ending(trial, mode), *half_written(tree(place.folder), old, new, mode)]
    if trial.exit == 0:
        found += [f"it said that all is well, but {name} differs" for name in different(finished(place), wanted)]
    found += unreadable(place)
    again = bench.run(place)
    if again.exit not in bench.case.again:
        found.append(f"again: {again.exit} {again.said[-300:]}")
    return [*found, *(f"again: {name} differs" for name in different(finished(place), wanted))]


def unreadable(place: Place) -> list[str]:
    """What is half written of the files whose bytes differ from run to run: they are read as the program reads them."""
    files, pack = LocalFiles(), Pack(place.project / PACK)
    wrong = []
    readers: dict[str, Callable[[], object]] = {
        "the lock": lambda: sound(lockfile.read(files.read(pack.lock), "shop")) if pack.lock.exists() else None,
        "the trust root": lambda: chain_of(pack) if pack.trust.exists() else None,
        "the pin": lambda: pins.stored(files, place.config, "shop"),
    }
    for name, read in readers.items():
        try:
            read()
        except CaskError as refusal:
            wrong.append(f"{name} is half written: {refusal.what}")
    folder = place.config / "keys"
    private = [path.name for path in folder.iterdir() if keys.NAME.fullmatch(path.name)] if folder.exists() else []
    return wrong + [f"the key {name} is half written" for name in private if keys.public(files, keys.place(place.config, name)) is None]


def sound(lock: lockfile.ReadLock) -> None:
    for broken in lock.broken.values():
        raise CaskError("CASK-L001", broken.problem, place=broken.place)


def chain_of(pack: Pack) -> object:
    return trust.chain(tuple((pack.trust / name).read_bytes() for name in offer.root_files(LocalFiles(), pack)), "shop")


def finished(place: Place) -> Tree:
    """What two runs that did their work have in common."""
    return {name: mark for name, mark in tree(place.folder, passing).items() if not name.startswith(SIGNED)}


def different(one: Tree, other: Tree) -> list[str]:
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def ending(trial: Trial, mode: str) -> list[str]:
    """A command that could not write says so on one line, with status 5."""
    if mode in ("kill", "torn"):
        return [] if trial.exit in (KILLED, 0) else [f"exit {trial.exit}"]
    if trial.exit == 0:
        return []  # the change was one that can be done without
    line = trial.said.rstrip("\n").rsplit("\n", 1)[-1]
    told = line.startswith("error: CASK-W001 ") and " · run: " in line and "Traceback" not in trial.said
    return [] if trial.exit == 5 and told else [f"exit {trial.exit}: {trial.said[-300:]}"]


def half_written(left: Tree, old: Tree, new: Tree, mode: str) -> list[str]:
    dead = mode in ("kill", "torn")
    names = [name for name in left if not private(name) and not name.startswith(SIGNED) and not (dead and name.endswith(".cask-tmp"))]
    half = [name for name in names if left[name] not in (old.get(name), new.get(name)) and left[name] != "folder"]
    lost = [name for name in old if name not in left and name in new and not private(name)]
    return [f"{name} is neither old nor new" for name in half] + [f"{name} is lost" for name in lost]
