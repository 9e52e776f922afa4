"""A stage for the scripts of `tests/security/forge`: a person's repository, home and installed program, and the judge who asks their server.

Each script is started on a fresh copy as that person's user would start it. What it touched is measured, not told: files of the home, files of the
program. In strict mode (root is needed) the scripts run as one user, while the program, the server, its pin and its settings belong to others.

    python -m tests.support.forge [--strict] [NAME…]
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from caskmcp.errors import CaskError
from caskmcp.govern import keys, lockfile, offer, pins, sign
from caskmcp.govern.admit import admit
from caskmcp.govern.sign import Signer
from caskmcp.model.pack import AdmittedPack
from caskmcp.model.statement import Statement
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack
from caskmcp.workflows import here
from caskmcp.workflows.shown import request_line
from tests.support import spoilt
from tests.support.serving import META
from tests.support.spoilt import PACK, PASSPHRASE, Place
from tests.support.terminal import ROOT, Terminal
from tests.support.world import world

FORGE: Final = ROOT / "tests" / "security" / "forge"
SCRIPTS: Final = tuple(sorted(path.name for path in FORGE.iterdir() if path.suffix in (".py", ".sh") and path.name != "mallory.py"))
TOOL: Final = "delete_product"
"""Approved once, taken back by a signed block since: nothing may serve it."""
KNOWN: Final = frozenset({"create_order", "get_customer", "get_order", "get_product", "list_orders", "list_products"})
ORDER_PLAN: Final = "GET http://api.shop.example/v1/orders/{order_id}"
ORDER: Final = "GET http://api.shop.example/v1/orders/1"
"""What the approved tool `get_order` sends."""
WRITING: Final = frozenset({"patch_install.py"})
"""Scripts that want the program to be their own copy: the others share one, which is looked at all the same."""
SIGNING: Final = frozenset({"read_memory.py"})
"""Scripts that need a person who is about to sign something else."""
ANSWER: Final = '#!{python} -IS\nimport socket, sys\nwith socket.socket(socket.AF_UNIX) as line:\n    line.connect("{path}")\n    said = line.makefile().read()\nprint(said)\nsys.exit(not said.startswith("FORGED"))\n'

OPEN: Final = (
    "import sys; from caskmcp.store import shield; shield.close = lambda: None; from caskmcp.cli.main import main; sys.exit(main())"
)
"""The program, which leaves its memory open."""

Judge = Callable[["Stage"], str]


@dataclass(frozen=True)
class Owner:
    """A user that processes run as; None: whoever runs the tests."""

    uid: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        """For `subprocess`."""
        return {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}

    def give(self, folder: Path) -> None:
        """Make everything below a folder this user's."""
        if self.uid is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.uid, self.uid, follow_symlinks=False)


@dataclass(frozen=True)
class Stage:
    """One script's world."""

    folder: Path
    agent: Owner = Owner()
    """Who the scripts run as."""
    server: Owner = Owner()
    """Who the server runs as."""
    system: Path | None = None
    """A folder that the server sees laid over `/etc`, in a mount namespace of its own: what an administrator put there."""

    @property
    def starting(self) -> tuple[list[str], dict[str, Any]]:
        """What stands before the server's command, and how it is started."""
        if self.system is None:
            return [], self.server.options
        drop = f"setpriv --reuid={self.server.uid} --regid={self.server.uid} --clear-groups"
        return ["unshare", "-m", "sh", "-c", f'mount -t overlay overlay -o lowerdir={self.system}:/etc /etc && exec {drop} "$@"', "sh"], {}

    @property
    def place(self) -> Place:
        """The repository and the home of the agent's user."""
        return Place(self.folder)

    @property
    def home(self) -> Path:
        """The home of the server's user: with one user, the same."""
        return self.place.home if self.agent == self.server else self.folder / "guard"

    @property
    def install(self) -> Path:
        """The environment that holds the program."""
        return self.folder / "install"

    @property
    def packages(self) -> Path:
        """Where the program's package lies."""
        return next((self.install / "lib").glob("python*/site-packages"))

    def variables(self, **more: str) -> dict[str, str]:
        """What a shell of the agent's user has."""
        own = {"HOME": str(self.place.home), "PATH": f"{self.install}/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm"}
        return {**own, **more}


# ---------------------------------------------------------------- laying it out
def open_python() -> str:
    """A Python of the version that runs the tests which every user may run; empty if there is none."""
    wanted = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for path in (os.path.realpath(sys.executable), f"/usr/bin/python{wanted}", f"/usr/local/bin/python{wanted}"):
        asked = [path, "-c", "import cryptography, sys; print('%d.%d' % sys.version_info[:2])"]
        variables = {"PYTHONPATH": sysconfig.get_path("purelib")}
        with suppress(OSError):
            done = subprocess.run(asked, capture_output=True, text=True, check=False, env=variables, **Owner(65534).options)
            if done.stdout.strip() == wanted:
                return path
    return ""


def program(folder: Path, python: str = sys.executable) -> None:
    """An environment with a copy of this checkout's package, and the libraries of the one that runs the tests."""
    subprocess.run([python, "-m", "venv", "--without-pip", "--symlinks", str(folder)], check=True)
    packages = next((folder / "lib").glob("python*/site-packages"))
    shutil.copytree(ROOT / "caskmcp", packages / "caskmcp")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    script = folder / "bin" / "cask"
    script.write_text(
        f"#!{folder}/bin/python\nimport sys\nfrom caskmcp.cli.main import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
    )
    script.chmod(0o755)


def base(folder: Path) -> Place:
    """A repository with six approved tools; a seventh was approved, and taken back by a signed block that the server saw."""
    place = spoilt.approved(folder)
    shutil.rmtree(place.project / ".caskmcp" / "cache")
    alice = keys.load(LocalFiles(), place.config, "alice", PASSPHRASE)
    pack = Pack(place.project / PACK)
    approved = _say(pack, alice, "allow", 500)
    (folder / "history").mkdir()
    (folder / "scratch").mkdir()
    (folder / "history" / "old.lock.yaml").write_bytes(approved)
    (folder / "history" / "other.lock.yaml").write_bytes(_elsewhere(pack, alice))
    pack.lock.write_bytes(_say(pack, alice, "block", 501))
    seen = _admitted(Stage(folder))
    here_ = world(place.project, config=place.config)
    pins.remember(here_.files, here_.config, seen.pin)
    (place.home / ".client.json").write_text(json.dumps({"command": "cask", "args": ["serve", "--dry-run"], "env": {}}))
    return place


def _say(pack: Pack, by: Signer, verdict: str, sequence: int) -> bytes:
    files = offer.read(LocalFiles(), pack)
    lock = lockfile.read(files.lock, files.id)
    said = sign.sign_statement(by, _statement(pack, by, verdict=verdict, sequence=sequence))
    return lockfile.dump(lockfile.replaced(lock, f"tool:{TOOL}", [said]))


def _elsewhere(pack: Pack, by: Signer) -> bytes:
    said = sign.sign_statement(by, _statement(pack, by, toolpack="other"))
    return lockfile.dump(lockfile.replaced(lockfile.read(None, "other"), f"tool:{TOOL}", [said]))


def _statement(pack: Pack, by: Signer, **changes: Any) -> Statement:
    files = offer.read(LocalFiles(), pack)
    (row,) = (row for row in offer.parse(files).tools if row.name == TOOL)
    facts = {"toolpack": files.id, "verdict": "allow", "sequence": 700, **changes}
    return Statement(
        subject=row.subject,
        digest=row.digest,
        basis="traffic",
        key=by.id,
        issued_at="2026-11-20T09:00:00Z",
        root_version=1,
        reason="",
        **facts,
    )


def _open(folder: Path) -> None:
    """Everybody may read it: a repository, but for its private folders, is what all look at."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)


def stage(of: Path, folder: Path, *, own_program: bool = True) -> Stage:
    """A copy of a base that was laid out, with its program or with a copy of it."""
    shutil.copytree(of, folder, symlinks=True, ignore=shutil.ignore_patterns("install"))
    made = Stage(folder)
    if own_program:
        _copy_program(of / "install", made.install)
    else:
        made.install.symlink_to(of / "install")
    return made


def _copy_program(of: Path, folder: Path) -> None:
    shutil.copytree(of, folder, symlinks=True)
    for script in (folder / "bin" / "cask", folder / "pyvenv.cfg"):
        script.write_text(script.read_text().replace(str(of), str(folder)))


def one_user(of: Path, folder: Path, uid: int) -> Stage:
    """The same for a user who is not root, and who has all of it."""
    owner = Owner(uid)
    made = replace(stage(of, folder), agent=owner, server=owner)
    owner.give(folder)
    folder.chmod(0o755)
    return made


def administered(made: Stage) -> Stage:
    """The same stage on a machine whose administrator laid down the pin: only root may write it."""
    system = made.folder.with_name(f"{made.folder.name}-etc")
    folder = system / "caskmcp" / "trust.d"
    folder.mkdir(parents=True)
    shutil.copy(made.place.config / "pins" / "shop.json", folder)
    for path in (system, *system.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return replace(made, system=system)


def strict(of: Path, folder: Path, agent: int, server: int) -> Stage:
    """The same with three owners: the agent's user has the repository and a home (with the person's sealed keys), the server's user
    its own home with pin and settings and the folder of the state, root the program."""
    made = replace(stage(of, folder), agent=Owner(agent), server=Owner(server))
    shutil.copytree(made.place.home, made.home)
    for its in (made.place.project, made.place.home, folder / "history", folder / "scratch"):
        made.agent.give(its)
    _open(made.place.project)
    state = made.place.project / ".caskmcp" / "state"
    for own in (made.home, state):
        own.mkdir(exist_ok=True)
        made.server.give(own)
    folder.chmod(0o755)
    return made


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder that every user may go through: those of the test runner are its own."""
    with tempfile.TemporaryDirectory(prefix="cask-strict-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


# ---------------------------------------------------------------- judging
def at_the_door(made: Stage) -> str:
    """What the door lets through, asked in this process: for scripts that left settings and program alone."""
    try:
        pack = _admitted(made)
    except CaskError as refusal:
        return f"DEFEATED: the toolpack is refused: {refusal.code}"
    order = pack.tools.get("get_order")
    sends = [f"get_order now sends {request_line(order.tool.request)}"] if order and request_line(order.tool.request) != ORDER_PLAN else []
    return verdict([*pack.tools, *pack.auth, *sends])


def _admitted(made: Stage) -> AdmittedPack:
    its = world(made.place.project, config=made.home / ".config" / "caskmcp")
    files = offer.read(its.files, here.pack(its))
    return admit(files, pin=here.pin(its, files.id), condition=None, environment=None, at=its.clock.now())


def over_the_wire(made: Stage) -> str:
    """What a server lists and takes that is started as the person's client starts it: in a login shell, by the absolute path that `cask config` writes."""
    settings = json.loads((made.home / ".client.json").read_text())
    command = str(made.install / "bin" / settings["command"])
    calls = ({"name": TOOL, "arguments": {"product_id": 1}}, {"name": "get_order", "arguments": {"order_id": 1}})
    asked = [("tools/list", {}), *(("tools/call", call) for call in calls)]
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, "_meta": META}})
        for number, (method, params) in enumerate(asked)
    ]
    before, how = made.starting
    done = subprocess.run(
        [*before, "/bin/sh", "-l", "-c", 'exec "$@"', "sh", command, *settings["args"]],
        cwd=made.place.project,
        env={**made.variables(), "HOME": str(made.home), **settings["env"]},
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **how,
    )
    answers = {row.get("id"): row for row in map(json.loads, done.stdout.splitlines())}
    if done.returncode != 0 or len(answers) != len(asked):
        return f"DEFEATED: the server ended with {done.returncode}: {done.stderr.strip()[-300:]}"
    taken, order = (row.get("result", {"isError": True}) for row in (answers[1], answers[2]))
    called = [] if taken["isError"] else [TOOL]
    sends = [] if order["isError"] or ORDER in json.dumps(order) else [f"get_order now answers {json.dumps(order)}"]
    return verdict([*(row["name"] for row in answers[0]["result"]["tools"]), *called, *sends])


def verdict(served: Iterable[str]) -> str:
    """The judge's word, from what is served, taken or changed."""
    served = set(served)
    more = sorted(served - KNOWN)
    return f"FORGED: {', '.join(more)}" if more else f"DEFEATED: served are {', '.join(sorted(served)) or 'no tools'}"


# ---------------------------------------------------------------- running
@dataclass(frozen=True)
class Tried:
    """What came of a script."""

    name: str
    said: str
    """The judge's word; `SKIPPED: …` where the machine lacks what the script needs."""
    touched: frozenset[str]
    """`configuration` and `program`, as far as their files differ from before."""

    @property
    def forged(self) -> bool:
        """Whether the tool was served."""
        return self.said.startswith("FORGED")


def run(made: Stage, name: str, judge: Judge | None = None, guess: str = "password", shielded: bool = True) -> Tried:
    """Run a script on a stage, and judge: without a judge at the door if the program and the way in which it starts are as they were, else over the wire.

    shielded: whether the program of a person who is about to sign closes its memory.
    """
    before = _touchable(made)
    after: dict[str, Mapping[str, str]] = {}

    def looking(at: Stage) -> str:
        after.update(_touchable(at))  # before the judge: a server that was fooled writes down what it saw
        chosen = judge or (over_the_wire if _starts_otherwise(before, after) else at_the_door)
        return chosen(at)

    with _listening(made, looking) as path, _signing(made, name, shielded) as person:
        told = {
            "FORGE_PROJECT": str(made.place.project),
            "FORGE_TOOL": TOOL,
            "FORGE_INSTALL": str(made.packages),
            "FORGE_PYTHON": f"{made.install}/bin/python",
            "FORGE_JUDGE": str(path),
            "FORGE_GUESS": guess,
            "FORGE_OLD_LOCK": str(made.folder / "history" / "old.lock.yaml"),
            "FORGE_OTHER_LOCK": str(made.folder / "history" / "other.lock.yaml"),
            "FORGE_PERSON": person,
            "FORGE_SCRATCH": str(made.folder / "scratch"),
        }
        words = [f"{made.install}/bin/python"] if name.endswith(".py") else ["/bin/sh"]
        done = subprocess.run(
            [*words, str(FORGE / name)],
            cwd=made.place.project,
            env=made.variables(**told),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            **made.agent.options,
        )
    said = (done.stdout.strip().splitlines() or [""])[-1]
    if not said.startswith(("FORGED", "DEFEATED", "SKIPPED")):
        raise AssertionError(f"{name} ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-2000:]}")
    return Tried(name, said, frozenset(part for part, marks in after.items() if before[part] != marks))


def _touchable(made: Stage) -> dict[str, Mapping[str, str]]:
    """Files of the person's settings and of the program, with their digests. Bytecode and locks come and go by themselves."""

    def passing(name: str) -> bool:
        return "__pycache__" in name or name.endswith("pins/.lock")

    program_ = {str(made.packages): spoilt.tree(made.packages / "caskmcp", passing), "script": spoilt.tree(made.install / "bin")}
    return {
        "configuration": {**spoilt.tree(made.place.home, passing), **spoilt.tree(made.home, passing)},
        "program": {name: mark for part in program_.values() for name, mark in part.items()},
    }


def _starts_otherwise(before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether more changed than what the door reads itself: keys and pins."""
    changed = {name for part in before for name, _ in before[part].items() ^ after[part].items()}
    return any(not name.startswith(".config/caskmcp/") for name in changed)


@contextmanager
def _listening(made: Stage, judge: Judge) -> Iterator[Path]:
    """The judge behind a socket: the script asks once, whoever it runs as."""
    with tempfile.TemporaryDirectory(prefix="cask-judge-") as name, socket.socket(socket.AF_UNIX) as line:
        folder = Path(name)
        folder.chmod(0o755)
        line.bind(f"{folder}/line")
        (folder / "line").chmod(0o777)
        line.listen()
        line.settimeout(90)
        asking = folder / "judge"
        asking.write_text(ANSWER.format(python=os.path.realpath(made.install / "bin" / "python"), path=f"{folder}/line"))
        asking.chmod(0o755)

        def answer() -> None:
            try:
                with line.accept()[0] as caller:
                    caller.sendall(judge(made).encode())
            except OSError:
                return  # the script never asked

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield asking
        line.close()
        thread.join(1)


@contextmanager
def _signing(made: Stage, name: str, shielded: bool) -> Iterator[str]:
    """The process id of a person who has typed the passphrase and has not yet typed the name, for the scripts that want one. Nothing is signed."""
    if name not in SIGNING:
        yield "self"
        return
    uid = made.server.uid
    other = [] if uid is None else ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    program_ = [f"{made.install}/bin/cask"] if shielded else [f"{made.install}/bin/python", "-c", OPEN]
    words = [*other, *program_, "trust", "init", "--replace", "--key", "alice"]
    with Terminal.spawn(words, made.place.project, made.variables(HOME=str(made.home))) as person:
        person.expect(spoilt.ASK).send(PASSPHRASE).expect("Type `shop` to sign:")
        yield str(person.pid)
        person.interrupt()


def main(words: list[str]) -> int:
    """Run scripts on fresh stages and print what came of each. The exit status counts those that succeeded without touching settings or program."""
    with shared_folder() as folder:
        laid = base(folder / "base").folder
        program(laid / "install", open_python() if "--strict" in words else sys.executable)
        bad = 0
        for script in [word for word in words if word != "--strict"] or SCRIPTS:
            target = folder / script
            made = strict(laid, target, 65534, 65533) if "--strict" in words else stage(laid, target)
            tried = run(made, script, over_the_wire)
            print(
                f"{script:24} {tried.said[:150]}  [touched: {', '.join(sorted(tried.touched)) or 'neither settings nor program'}]",
                flush=True,
            )
            bad += tried.forged and not tried.touched
            shutil.rmtree(target)
        return bad


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
