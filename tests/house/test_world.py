"""The world is injected: clock, randomness, environment, files, network, processes and the console are touched in named places only.

`PLACES` is the whole list of those places. A use elsewhere fails, and so does a row that nothing needs any more.
"""

import re
from typing import Final, NamedTuple

import pytest

from tests.support.syntax import Module, modules

# What each kind of world access looks like: full names of imported things and builtins, matched as a whole.
# fmt: off
KINDS: Final = {
    "clock":       r"datetime\.(datetime|date)\.(now|utcnow|today)|time\.(?!struct_time).*|(asyncio|anyio)\.(current_time|sleep).*",
    "randomness":  r"random\..*|secrets\..*|uuid\.uuid[14]|os\.(urandom|getrandom).*",
    "environment": r"os\.(environ|getenv|putenv|getcwd|getlogin|getuid|geteuid|uname|cpu_count).*|platform\..*|locale\..*"
                   r"|pathlib\.Path\.(cwd|home)|sys\.(argv|platform|version_info|executable).*",
    "files":       r"builtins\.open|io\.(open|FileIO)|(gzip|bz2|lzma)\.open|shutil\..*|tempfile\..*|glob\..*|sqlite3\..*|fcntl\..*|mmap\..*"
                   r"|importlib\.resources\..*|os\.(open|read|write|close|fsync|replace|rename|remove|unlink|rmdir|mkdir|makedirs|scandir|listdir"
                   r"|walk|stat|lstat|chmod|chown|umask|link|symlink|readlink|truncate|ftruncate|utime|access|mkfifo|path\.(exists|isfile|isdir"
                   r"|islink|getsize|getmtime|realpath|abspath|expanduser)).*",
    "network":     r"socket\..*|ssl\..*|http\.(client|server).*|urllib\.request.*|asyncio\.(open_connection|start_server).*|socketserver\..*",
    "processes":   r"subprocess\..*|os\.(system|popen|fork|forkpty|exec\w*|spawn\w*|posix_spawn\w*|kill|killpg|waitpid|wait|getpid)|signal\..*"
                   r"|multiprocessing\..*|concurrent\.futures\.ProcessPoolExecutor|pty\..*|asyncio\.create_subprocess\w*",
    "console":     r"builtins\.(print|input)|sys\.(stdin|stdout|stderr).*|logging\..*|getpass\..*",
    "hashing":     r"hashlib\..*|hmac\..*",
}
# Methods of path objects that touch the disk and that no port of ours has.
PATH_METHODS: Final = frozenset({
    "read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "iterdir", "rglob", "unlink", "rmdir", "touch", "symlink_to",
    "hardlink_to", "chmod", "lstat", "is_file", "is_dir", "is_symlink", "expanduser",
})
# fmt: on


class Place(NamedTuple):
    """A room (`store/`) or module that may touch the world."""

    path: str
    kinds: tuple[str, ...]
    reason: str


# fmt: off
PLACES: Final = (
    #     path                  kinds                                    reason
    Place("canon.py",           ("hashing",),                            "the one place that hashes artifacts"),
    Place("cli/main.py",        ("console", "environment", "files"),     "the command line, the traceback under --debug, /dev/null when the reader went away"),
    Place("cli/world.py",       ("environment",),                        "builds the world from the real adapters, once a run"),
    Place("compiler/normalize/words.py", ("files",),                     "reads the word table that ships with the package; the toolchain has its digest"),
    Place("compiler/emit/files/container.py", ("files",),                "reads the pins that ship with the package; the toolchain has their digest"),
    Place("compiler/capture/inflate.py", ("environment",),               "takes the standard library's zstd where this Python has it"),
    Place("engine/processes.py", ("files", "processes"),                 "the pool for CPU-heavy stages; Ctrl-C is the parent's business; Linux lists threads in /proc"),
    Place("govern/agentsocket.py", ("clock", "network"),                 "the Unix socket of an ssh-agent, and how long it may take"),
    Place("govern/sshsig.py",   ("hashing",),                            "the digests that OpenSSH's form of a signature is made over; none of an artifact"),
    Place("record/mcp_surface.py", ("console", "environment", "files"),  "starts a server as the user's shell would; what it logs goes nowhere"),
    Place("record/plugins.py",  ("environment", "processes"),            "runs a third party's adapter in a process of its own"),
    Place("record/plugin_child.py", ("console", "environment"),             "that process: a line for each exchange on its stdout"),
    Place("record/mitmdump.py", ("environment", "files", "processes"),   "looks for mitmdump, and makes an environment for it"),
    Place("record/session.py",  ("clock", "files", "processes"),         "runs mitmdump: its pipe, its time, its end"),
    Place("record/proxy.py",    ("files", "network", "processes"),       "the proxy's private folder, and whether its port is free"),
    Place("record/addon/stream.py", ("console", "environment", "files"), "runs inside mitmdump: reads its settings, writes into its pipe"),
    Place("record/interrupt.py", ("processes",),                         "Ctrl-C and SIGTERM end a recording, not the program"),
    Place("record/playbook_page.py", ("files",),                         "runs inside the browser's process: its playbook, and the texts that it read"),
    Place("record/otlp.py",     ("clock", "network"),                    "the receiver of traces on the loopback address, and how long a request may take"),
    Place("redact/placeholder.py", ("hashing",),                         "keyed fingerprints of what was cut; no digest of an artifact"),
    Place("store/index.py",     ("clock",),                              "waits until a file's time can tell a later edit, as git's index does"),
    Place("store/pipes.py",     ("files",),                              "standard input or `<(…)` in the place of a file, read once"),
    Place("store/scratch.py",   ("files",),                              "the folder in which `check` derives again"),
    Place("store/spool.py",     ("files",),                              "what waits for its name waits in a file without one"),
    Place("workflows/verify/outcomes.py", ("clock",),                    "waits between two tries of a read that is to hold eventually"),
    Place("workflows/console/door.py", ("hashing",),                     "compares the session's secrets in constant time"),
    Place("workflows/console/server.py", ("network",),                   "the console's page on the loopback address"),
    Place("workflows/demo/agent.py", ("environment", "files"),           "starts the server with this Python"),
    Place("workflows/demo/attacks.py", ("files",),                       "edits files of the throwaway root, as an attacker would"),
    Place("workflows/demo/scene.py", ("environment", "files", "processes"), "the throwaway root and the command line that the attacker runs"),
    Place("record/browser.py",  ("clock", "console", "environment", "files", "processes"), "starts and ends the browser's process, whose script may print; the display"),
    Place("record/chromium.py", ("clock", "console", "environment", "files", "processes"), "the browser's process: its pipes, its signals, the plan on stdin"),
    Place("record/events.py",   ("clock",),                              "when a page was last heard of"),
    Place("report/console.py",  ("console",),                            "the adapter of Console"),
    Place("report/error.py",    ("console",),                            "shows the error that ended a command, when there may be no world yet"),
    Place("report/logged.py",   ("console",),                            "the Console of a program: its logger"),
    Place("runtime/conduct.py", ("clock",),                              "pauses before a request is sent again; for how long it is told"),
    Place("runtime/http_guard.py", ("clock",),                           "how long a request's body may take"),
    Place("runtime/http_server.py", ("console", "network", "processes"), "listens, ends on a signal, and silences the loggers of the libraries behind it"),
    Place("runtime/reload.py",  ("clock",),                              "sleeps between two looks at the files"),
    Place("runtime/progress.py", ("clock",),                             "sleeps between two notes to a client that waits"),
    Place("runtime/state.py",   ("files",),                              "SQLite: challenges and budgets"),
    Place("runtime/stdio.py",   ("files", "console"),                    "the process's own stdin and stdout, as the protocol's wire"),
    Place("runtime/twin/server.py", ("network",),                        "the twin's socket on the loopback address"),
    Place("runtime/tokens.py",  ("hashing",),                            "compares digests of tokens in constant time"),
    Place("store/clients.py",   ("environment",),                        "where MCP clients of this user keep their files, and how this program is started"),
    Place("store/installed.py", ("environment",),                        "the version of this Python, for the doctor"),
    Place("store/clock.py",     ("clock",),                              "the adapter of Clock"),
    Place("store/entropy.py",   ("randomness",),                         "the adapter of Entropy"),
    Place("store/globs.py",     ("files",),                              "follows links, to refuse sources that lead out of the project"),
    Place("store/project.py",   ("files",),                              "the same for the paths that the manifest names"),
    Place("store/room.py",      ("files",),                              "how much room the disk has, and whether this user may write there, for the doctor"),
    Place("store/swap.py",      ("files",),                              "a finished folder takes the place of another one at once"),
    Place("workflows/demo/service.py", ("network",),                     "the demo's loopback upstream"),
    Place("store/programs.py",  ("processes",),                          "runs a command that the user's own configuration names"),
    Place("runtime/signing.py", ("hashing",),                            "the signature that an upstream wants over a request"),
    Place("runtime/upstream.py", ("network",),                           "whose certificates are taken, and what is wrong with one"),
    Place("runtime/sigv4.py",   ("hashing",),                            "the same, by AWS's scheme"),
    Place("store/files.py",     ("files",),                              "the adapter of Files"),
    Place("store/replacing.py", ("files", "processes"),                  "its files in the making; removes what a process that is gone left half-written"),
)
# fmt: on


def world_uses(module: Module) -> list[tuple[str, int, str]]:
    """Kind, line and name of each access to the world in a module."""
    found = [(kind, line, name) for line, name in module.uses() for kind, form in KINDS.items() if re.fullmatch(form, name)]
    found += [("files", line, f".{name}()") for line, name in module.methods() if name in PATH_METHODS]
    return sorted(found)


def covers(place: Place, module: Module) -> bool:
    return module.path == place.path or (place.path.endswith("/") and module.path.startswith(place.path))


def test_no_module_touches_the_world_outside_the_named_places() -> None:
    stray = [
        f"{module.path}:{line}: {name} ({kind})"
        for module in modules()
        for kind, line, name in world_uses(module)
        if not any(covers(place, module) and kind in place.kinds for place in PLACES)
    ]
    assert stray == []


def test_no_named_place_has_outlived_its_need() -> None:
    used = {(place.path, kind) for module in modules() for kind, _, _ in world_uses(module) for place in PLACES if covers(place, module)}
    stale = [f"{place.path}: {kind}" for place in PLACES for kind in place.kinds if (place.path, kind) not in used]
    assert stale == []


def test_each_place_stands_once_and_says_why() -> None:
    assert len({place.path for place in PLACES}) == len(PLACES)
    assert all(place.reason and set(place.kinds) <= set(KINDS) for place in PLACES)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("clock", "from datetime import datetime\nx = datetime.now()"),
        ("clock", "import time as t\nx = t.monotonic()"),
        ("randomness", "from uuid import uuid4\nx = uuid4()"),
        ("randomness", "import os\nx = os.urandom(3)"),
        ("environment", "import os\nx = os.environ.get('HOME')"),
        ("environment", "from os import getenv\nx = getenv('HOME')"),
        ("files", "x = open('a')"),
        ("files", "def f(path):\n    return path.read_text()"),
        ("files", "from os import replace\nreplace('a', 'b')"),
        ("network", "import socket\nsocket.socket()"),
        ("processes", "import subprocess as sub\nsub.run([])"),
        ("console", "print('x')"),
        ("hashing", "from hashlib import sha256\nsha256()"),
    ],
)
def test_the_search_finds_each_kind_however_it_is_imported(kind: str, code: str) -> None:
    assert [found for found, _, _ in world_uses(Module("runtime/example.py", code))] == [kind]


@pytest.mark.parametrize(
    "code", ["x = 'a'.replace('a', 'b')", "import datetime\nx = datetime.timedelta(1)", "def f(files, p):\n    return files.read(p)"]
)
def test_the_search_leaves_alone_what_is_no_world(code: str) -> None:
    assert world_uses(Module("runtime/example.py", code)) == []
