"""Every command on bad input: an error record with code, place and mend, and nothing written.

Each row spoils a copy of an approved project in one way (`tests/support/spoilt.py`), runs one command line in this process, and looks at the
exit status, at the one line on stderr, at stdout, and at every byte below the project and the home. What a failed build keeps for itself does
not count: the cache, which is safe to delete, and the empty file that is its lock.
"""

import io
import json
import os
import re
import shlex
from pathlib import Path
from typing import Final, NamedTuple

import click
import pytest

from caskmcp.cli.main import main
from caskmcp.cli.table import COMMANDS
from caskmcp.load import load
from tests.support.spoilt import ASK, PASSPHRASE, SPOILT, Place, approved, tree
from tests.support.terminal import CASK, Terminal, environment, without_terminal


class Row(NamedTuple):
    """One bad input."""

    spoilt: str
    """A key of `SPOILT`."""
    line: str
    """What is typed after `cask`."""
    exit: int
    code: str
    place: str
    """Text of the line's place; `{project}` and `{home}` are the folders."""
    mend: str


class Typed(NamedTuple):
    """One bad input at a terminal."""

    spoilt: str
    line: str
    answers: tuple[tuple[str, str], ...]
    """(prompt, what is typed), in order."""
    exit: int
    code: str
    mend: str


class Reported(NamedTuple):
    """One bad input of a command that goes on and reports it."""

    spoilt: str
    line: str
    exit: int
    code: str
    """Of a finding."""
    mend: str
    """Of that finding."""


# fmt: off
REFUSED: Final = (
    #   spoilt                   command line                                      exit code       place                          mend
    Row("empty",                 "init",                                          3, "CASK-I001", "",                            "cask init -a HOST"),
    Row("manifest broken",       "init",                                          3, "CASK-I003", "cask.yaml:4",                 "edit cask.yaml"),
    Row("sound",                 "init --name other",                             3, "CASK-I001", "cask.yaml",                   "edit cask.yaml"),
    Row("empty",                 "init --name Bad! -a a.example",                 3, "CASK-I009", "",                            "cask init --name my-shop"),
    Row("sound",                 "init -a not/host",                              3, "CASK-I001", "",                            "cask init -a api.example.com"),
    Row("empty",                 "mint gone.har -a api.shop.example",             3, "CASK-I002", "{project}/gone.har",          "ls {project}"),
    Row("empty",                 "mint . -a api.shop.example",                    3, "CASK-C001", ".",                           "ls ."),
    Row("sound",                 "mint https://shop.example --script gone.py",    3, "CASK-I002", "gone.py",                     "ls {project}"),
    Row("sound",                 "mint cask.yaml",                                3, "CASK-C001", "cask.yaml",                   "cask capture import --help"),
    Row("sound",                 "mint shop.har --name other",                    3, "CASK-I001", "cask.yaml",                   "edit cask.yaml"),
    Row("manifest unknown key",  "mint shop.har",                                 3, "CASK-I004", "cask.yaml:4",                 "edit cask.yaml"),
    Row("root is a file",        "mint shop.har",                                 5, "CASK-W001", "{project}/.caskmcp/state/lock", "ls -ld {project}/.caskmcp"),
    Row("empty",                 "build",                                         3, "CASK-I006", "{project}",                   "cask init -a HOST"),
    Row("manifest folder",       "build",                                         3, "CASK-I002", "{project}/cask.yaml",         "ls -ld {project}/cask.yaml"),
    Row("manifest broken",       "build",                                         3, "CASK-I003", "cask.yaml:4",                 "edit cask.yaml"),
    Row("manifest unknown key",  "build",                                         3, "CASK-I004", "cask.yaml:4",                 "edit cask.yaml"),
    Row("manifest bad name",     "build",                                         3, "CASK-I004", "cask.yaml:2",                 "edit cask.yaml"),
    Row("manifest not text",     "build",                                         3, "CASK-I003", "cask.yaml",                   "edit cask.yaml"),
    Row("manifest twice",        "build",                                         3, "CASK-I003", "cask.yaml:2",                 "edit cask.yaml"),
    Row("manifest outside",      "build",                                         3, "CASK-I005", "cask.yaml:4",                 "edit cask.yaml"),
    Row("manifest other host",   "build",                                         3, "CASK-C003", "shop.har",                    "name the first-party host: `hosts: [api.shop.example]` in cask.yaml, or `-a api.shop.example`"),
    Row("no root",               "build",                                         3, "CASK-C004", "cask.yaml:6",                 "cask capture import FILE -a HOST"),
    Row("capture id short",      "build",                                         3, "CASK-I009", "cask.yaml:4",                 "cask capture list"),
    Row("har cut",               "build",                                         3, "CASK-C001", "shop.har, byte 21",           "take the recording again, whole"),
    Row("har text",              "build",                                         3, "CASK-C001", "shop.har, byte 0",            "take the recording again, whole"),
    Row("har empty",             "build",                                         3, "CASK-C001", "shop.har, byte 0",            "take the recording again, whole"),
    Row("spec broken",           "build",                                         3, "CASK-C002", "api.yaml:3",                  "correct the document, then: cask build"),
    Row("spec unknown",          "build",                                         3, "CASK-C002", "api.yaml:1",                  "convert it to OpenAPI 3.1 first"),
    Row("capture garbage",       "build",                                         3, "CASK-C001", "afa74295aa98…",               "take the recording again, whole"),
    Row("tools folder",          "build",                                         3, "CASK-I002", "{project}/.caskmcp/toolpacks/shop/artifact/tools.json", "ls -ld {project}/.caskmcp/toolpacks/shop/artifact/tools.json"),
    Row("observations garbage",  "build",                                         3, "CASK-I003", "{project}/.caskmcp/toolpacks/shop/artifact/observations.json", "git checkout -- {project}/.caskmcp/toolpacks/shop/artifact/observations.json"),
    Row("observations folder",   "build",                                         3, "CASK-I002", "{project}/.caskmcp/toolpacks/shop/artifact/observations.json", "ls -ld {project}/.caskmcp/toolpacks/shop/artifact/observations.json"),
    Row("given garbage",         "build",                                         3, "CASK-I008", "{project}/.caskmcp/state/given.json", "rm {project}/.caskmcp/state/given.json"),
    Row("key of redaction",      "build",                                         3, "CASK-I002", "{project}/.caskmcp/state/redaction.key", "ls -ld {project}/.caskmcp/state/redaction.key"),
    Row("lock of the root",      "build",                                         5, "CASK-W001", "{project}/.caskmcp/state/lock", "ls -ld {project}/.caskmcp/state"),
    Row("root is a file",        "build",                                         5, "CASK-W001", "{project}/.caskmcp/state/lock", "ls -ld {project}/.caskmcp"),
    Row("cache is a file",       "build",                                         5, "CASK-W001", "{project}/.caskmcp",          "ls -ld {project}/.caskmcp"),
    Row("sound",                 "build --jobs 0",                                3, "CASK-I001", "",                            "cask build --help"),
    Row("sound",                 "build --jobs many",                             3, "CASK-I001", "",                            "cask build --help"),
    Row("sound",                 "build --out",                                   3, "CASK-I001", "",                            "cask build --help"),
    Row("sound",                 "build --root cask.yaml",                        5, "CASK-W001", "{project}/cask.yaml/state/lock", "ls -ld {project}/cask.yaml"),
    Row("sound",                 "build --loud",                                  3, "CASK-I001", "",                            "cask build --help"),
    Row("manifest broken",       "build --locked",                                3, "CASK-I003", "cask.yaml:4",                 "edit cask.yaml"),
    Row("har cut",               "build --locked",                                3, "CASK-C001", "shop.har, byte 21",           "take the recording again, whole"),
    Row("empty",                 "diff",                                          3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("no toolpack",           "diff",                                          3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("lock garbage",          "diff",                                          4, "CASK-L001", "caskmcp.lock.yaml",           "git log -p -- '*caskmcp.lock.yaml'"),
    Row("tools garbage",         "diff",                                          4, "CASK-L002", "tools.json:1",                "cask build"),
    Row("sound",                 "diff --format yaml",                            3, "CASK-I001", "",                            "cask diff --help"),
    Row("manifest empty",        "build",                                         3, "CASK-I004", "cask.yaml:1",                 "edit cask.yaml"),
    Row("source missing",        "build",                                         3, "CASK-C004", "cask.yaml:4",                 "cask capture import FILE -a HOST"),
    Row("sound",                 "build --out cask.yaml",                         3, "CASK-I010", "{project}/cask.yaml",         "cask build --out DIR"),
    Row("two toolpacks",         "diff",                                          3, "CASK-I007", "",                            "cask diff --toolpack other"),
    Row("no toolpack",           "gate block get_order",                          3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("sound",                 "gate block",                                    3, "CASK-I001", "",                            "cask gate block NAME"),
    Row("sound",                 "gate block nothing_like_it",                    3, "CASK-I010", "",                            "cask gate status"),
    Row("sound",                 "gate block env:nowhere",                        3, "CASK-I010", "",                            "cask gate status"),
    Row("lock garbage",          "gate block get_order",                          4, "CASK-L001", "caskmcp.lock.yaml",           "git log -p -- '*caskmcp.lock.yaml'"),
    Row("lock of the root",      "gate block get_order",                          5, "CASK-W001", "{project}/.caskmcp/state/lock", "ls -ld {project}/.caskmcp/state"),
    Row("tools garbage",         "gate block get_order",                          4, "CASK-L002", "tools.json:1",                "cask build"),
    Row("two toolpacks",         "gate block get_order",                          3, "CASK-I007", "",                            "cask gate block get_order --toolpack other"),
    Row("no toolpack",           "gate status",                                   3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("two toolpacks",         "gate status",                                   3, "CASK-I007", "",                            "cask gate status --toolpack other"),
    Row("sound",                 "gate status --toolpack other",                  3, "CASK-I010", "{project}/.caskmcp",          "cask gate status --toolpack shop"),
    Row("lock garbage",          "gate status",                                   4, "CASK-L001", "caskmcp.lock.yaml",           "git log -p -- '*caskmcp.lock.yaml'"),
    Row("lock folder",           "gate status",                                   3, "CASK-I002", "{project}/.caskmcp/toolpacks/shop/lockfile/caskmcp.lock.yaml", "ls -ld {project}/.caskmcp/toolpacks/shop/lockfile/caskmcp.lock.yaml"),
    Row("lock empty",            "gate status",                                   4, "CASK-L001", "caskmcp.lock.yaml:1",         "git log -p -- '*caskmcp.lock.yaml'"),
    Row("tools garbage",         "gate status",                                   4, "CASK-L002", "tools.json:1",                "cask build"),
    Row("tools missing",         "gate status",                                   4, "CASK-L002", "{project}/.caskmcp/toolpacks/shop/artifact/tools.json", "cask build"),
    Row("tools folder",          "gate status",                                   3, "CASK-I002", "{project}/.caskmcp/toolpacks/shop/artifact/tools.json", "ls -ld {project}/.caskmcp/toolpacks/shop/artifact/tools.json"),
    Row("policy garbage",        "gate status",                                   4, "CASK-L002", "policy.yaml:2",               "cask build"),
    Row("handoff garbage",       "gate status",                                   4, "CASK-L002", "toolpack.yaml:2",             "cask build"),
    Row("handoff empty",         "gate status",                                   4, "CASK-L002", "toolpack.yaml:1",             "cask build"),
    Row("root garbage",          "gate status",                                   4, "CASK-T003", "trust/1.root.json",           "git log -p -- '*/trust/*.root.json'"),
    Row("pin garbage",           "gate status",                                   4, "CASK-T007", "{home}/.config/caskmcp/pins/shop.json", "cask trust pin --replace"),
    Row("pin folder",            "gate status",                                   4, "CASK-T007", "{home}/.config/caskmcp/pins/shop.json", "cask trust pin --replace"),
    Row("no toolpack",           "gate list",                                     3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("lock garbage",          "gate list",                                     4, "CASK-L001", "caskmcp.lock.yaml",           "git log -p -- '*caskmcp.lock.yaml'"),
    Row("sound",                 "gate list --format yaml",                       3, "CASK-I001", "",                            "cask gate list --help"),
    Row("no toolpack",           "gate sync",                                     3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("lock garbage",          "gate sync",                                     4, "CASK-L001", "caskmcp.lock.yaml",           "git log -p -- '*caskmcp.lock.yaml'"),
    Row("sound",                 "gate sync --all",                               3, "CASK-I001", "",                            "cask gate sync --help"),
    Row("no toolpack",           "gate check",                                    3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("sound",                 "gate check --trust-pin rubbish",                4, "CASK-T007", "",                            "cask trust show"),
    Row("empty",                 "check",                                         3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("no toolpack",           "check",                                         3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("sound",                 "check --only nothing",                          3, "CASK-I010", "",                            "cask check --help"),
    Row("sound",                 "check --only lock --skip lock",                 3, "CASK-I001", "",                            "cask check"),
    Row("sound",                 "check --trust-pin rubbish",                     4, "CASK-T007", "",                            "cask trust show"),
    Row("no toolpack",           "serve",                                         3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("two toolpacks",         "serve",                                         3, "CASK-I007", "",                            "cask serve --toolpack other"),
    Row("sound",                 "serve --toolset nothing",                       3, "CASK-I010", "",                            "cask gate status"),
    Row("sound",                 "serve --env nowhere",                           3, "CASK-I010", "environments.yaml",           "cask gate status"),
    Row("sound",                 "serve --trust-pin rubbish",                     4, "CASK-T007", "",                            "cask trust show"),
    Row("sound",                 "serve --unsafe-no-lockfile",                    3, "CASK-I012", "",                            "cask gate allow --all"),
    Row("lock garbage",          "serve",                                         4, "CASK-L001", "caskmcp.lock.yaml",           "git log -p -- '*caskmcp.lock.yaml'"),
    Row("tools missing",         "serve",                                         4, "CASK-L002", "{project}/.caskmcp/toolpacks/shop/artifact/tools.json", "cask build"),
    Row("toolsets garbage",      "serve",                                         4, "CASK-L002", "toolsets.yaml:2",             "cask build"),
    Row("root garbage",          "serve",                                         4, "CASK-T003", "trust/1.root.json",           "git log -p -- '*/trust/*.root.json'"),
    Row("no trust root",         "serve",                                         4, "CASK-T006", "",                            "cask trust init --key NAME"),
    Row("no pin",                "serve",                                         4, "CASK-T001", "",                            "cask trust pin"),
    Row("pin garbage",           "serve",                                         4, "CASK-T007", "{home}/.config/caskmcp/pins/shop.json", "cask trust pin --replace"),
    Row("config is a file",      "serve",                                         4, "CASK-T001", "",                            "cask trust pin"),
    Row("sound",                 "explain",                                       3, "CASK-I001", "",                            "cask explain --help"),
    Row("sound",                 "explain get_ordr",                              3, "CASK-I010", "",                            "cask gate status"),
    Row("sound",                 "explain get_order.nothing",                     3, "CASK-I010", "",                            "cask explain get_order"),
    Row("no toolpack",           "explain get_order",                             3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("two toolpacks",         "explain get_order",                             3, "CASK-I007", "",                            "cask explain get_order --toolpack other"),
    Row("tools garbage",         "explain get_order",                             4, "CASK-L002", "tools.json:1",                "cask build"),
    Row("contracts garbage",     "explain get_order",                             4, "CASK-L002", "contracts.yaml:2",            "cask build"),
    Row("sound",                 "lint --client netscape",                        3, "CASK-I010", "",                            "cask lint --help"),
    Row("no toolpack",           "lint",                                          3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("two toolpacks",         "lint",                                          3, "CASK-I007", "",                            "cask lint --toolpack other"),
    Row("tools garbage",         "lint",                                          4, "CASK-L002", "tools.json:1",                "cask build"),
    Row("toolsets garbage",      "lint",                                          4, "CASK-L002", "toolsets.yaml:2",             "cask build"),
    Row("lint no rule",          "lint",                                          3, "CASK-I010", "lint.yaml",                   "cask lint --help"),
    Row("lint no reason",        "lint",                                          3, "CASK-I004", "lint.yaml:3",                 "edit lint.yaml"),
    Row("lint every secret",     "lint",                                          3, "CASK-I004", "lint.yaml",                   "cask lint --format json"),
    Row("lint outside",          "lint",                                          3, "CASK-I005", "lint.yaml",                   "rm lint.yaml"),
    Row("sound",                 "scopes all",                                    3, "CASK-I001", "",                            "cask scopes --help"),
    Row("no manifest",           "scopes",                                        3, "CASK-I006", "{project}",                   "cask init -a HOST"),
    Row("no toolpack",           "scopes merge",                                  3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("suggested garbage",     "scopes",                                        4, "CASK-L002", "scopes.suggested.yaml:2",     "cask build"),
    Row("own scopes broken",     "scopes merge",                                  3, "CASK-I004", "scopes.yaml:2",               "edit scopes.yaml"),
    Row("sound",                 "capture webmcp",                                3, "CASK-I001", "",                            "cask capture webmcp --help"),
    Row("sound",                 "build --engine dask://",                        3, "CASK-I001", "",                            "cask build --engine dask://HOST:PORT"),
    Row("sound",                 "config",                                        3, "CASK-I001", "",                            "cask config --help"),
    Row("sound",                 "config --client nobody",                        3, "CASK-I001", "",                            "cask config --help"),
    Row("sound",                 "config --client cursor --toolset nothing",      3, "CASK-I010", "",                            "cask config --help"),
    Row("sound",                 "config --client cursor --env nowhere",          3, "CASK-I010", "",                            "cask config --help"),
    Row("no toolpack",           "config --client cursor",                        3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("client garbage",        "config --client cursor --install",              3, "CASK-I003", "{home}/.cursor/mcp.json:1",   "edit {home}/.cursor/mcp.json"),
    Row("handoff garbage",       "config --client cursor",                        4, "CASK-L002", "toolpack.yaml:2",             "cask build"),
    Row("sound",                 "demo --out cask.yaml",                          3, "CASK-I010", "{project}/cask.yaml",         "cask demo --out DIR"),
    Row("evidence",              "demo --out evidence",                           3, "CASK-I010", "{project}/evidence",          "rm -r evidence"),
    Row("sound",                 "demo --loud",                                   3, "CASK-I001", "",                            "cask demo --help"),
    Row("sound",                 "capture import",                                3, "CASK-I001", "",                            "cask capture import --help"),
    Row("sound",                 "capture import gone.har",                       3, "CASK-I002", "{project}/gone.har",          "ls {project}"),
    Row("sound",                 "capture import .",                              3, "CASK-C001", ".",                           "ls ."),
    Row("sound",                 "capture record ftp://x",                        3, "CASK-I001", "",                            "cask capture record --help"),
    Row("sound",                 "capture otlp -a not/host",                      3, "CASK-I001", "",                            "cask init -a api.example.com"),
    Row("sound",                 "capture proxy -a not/host",                     3, "CASK-I001", "",                            "cask init -a api.example.com"),
    Row("sound",                 "capture setup-proxy extra",                     3, "CASK-I001", "",                            "cask capture setup-proxy --help"),
    Row("sound",                 "capture mcp ftp://x",                           3, "CASK-I001", "",                            "cask capture mcp --help"),
    Row("sound",                 "capture import cask.yaml",                      3, "CASK-C001", "cask.yaml",                   "cask capture import --help"),
    Row("har cut",               "capture import shop.har",                       3, "CASK-C001", "shop.har, byte 21",           "take the recording again, whole"),
    Row("sound",                 "capture import shop.har -a not/host",           3, "CASK-I001", "",                            "cask init -a api.example.com"),
    Row("no manifest",           "capture import shop.har",                       3, "CASK-I001", "",                            "cask capture import shop.har -a api.shop.example"),
    Row("manifest other host",   "capture import shop.har",                       3, "CASK-C003", "shop.har",                    "cask capture import shop.har -a api.shop.example"),
    Row("manifest not text",     "capture import shop.har",                       3, "CASK-I003", "cask.yaml",                   "edit cask.yaml"),
    Row("key of redaction",      "capture import shop.har",                       3, "CASK-I002", "{project}/.caskmcp/state/redaction.key", "ls -ld {project}/.caskmcp/state/redaction.key"),
    Row("manifest not text",     "capture list",                                  3, "CASK-I003", "cask.yaml",                   "edit cask.yaml"),
    Row("receipt garbage",       "capture list",                                  3, "CASK-I008", "{project}/.caskmcp/captures/afa74295aa98ec5c992f01b66db22754de3f097482bf128b147ed4399cf5867e/redaction.json", "cask capture forget afa74295aa98"),
    Row("sound",                 "capture list all",                              3, "CASK-I001", "",                            "cask capture list --help"),
    Row("sound",                 "capture forget",                                3, "CASK-I001", "",                            "cask capture forget --help"),
    Row("sound",                 "capture forget nothing",                        3, "CASK-I010", "",                            "cask capture list"),
    Row("sound",                 "capture forget ../../x",                        3, "CASK-I010", "",                            "cask capture list"),
    Row("manifest broken",       "capture forget afa7",                           3, "CASK-I003", "cask.yaml:4",                 "edit cask.yaml"),
    Row("given garbage",         "capture forget afa7",                           3, "CASK-I008", "{project}/.caskmcp/state/given.json", "rm {project}/.caskmcp/state/given.json"),
    Row("sound",                 "keys new",                                      3, "CASK-I001", "",                            "cask keys new --help"),
    Row("sound",                 "keys list all",                                 3, "CASK-I001", "",                            "cask keys list --help"),
    Row("sound",                 "trust init --force",                            3, "CASK-I001", "",                            "cask trust init --help"),
    Row("no toolpack",           "trust show",                                    3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("root garbage",          "trust show",                                    4, "CASK-T003", "trust/1.root.json",           "git log -p -- '*/trust/*.root.json'"),
    Row("no trust root",         "trust show",                                    4, "CASK-T006", "",                            "cask trust init --key NAME"),
    Row("pin garbage",           "trust show",                                    4, "CASK-T007", "{home}/.config/caskmcp/pins/shop.json", "cask trust pin --replace"),
    Row("sound",                 "trust pin --force",                             3, "CASK-I001", "",                            "cask trust pin --help"),
    Row("state garbage",         "confirm list",                                  5, "CASK-W001", "{project}/.caskmcp/state/confirmations.db", "ls -l {project}/.caskmcp/state/confirmations.db"),
    Row("sound",                 "confirm list all",                              3, "CASK-I001", "",                            "cask confirm list --help"),
    Row("sound",                 "confirm grant",                                 3, "CASK-I001", "",                            "cask confirm grant --help"),
    Row("sound",                 "confirm deny",                                  3, "CASK-I001", "",                            "cask confirm deny --help"),
    Row("sound",                 "confirm deny nothing",                          3, "CASK-I010", "",                            "cask confirm list"),
    Row("empty",                 "confirm deny nothing",                          3, "CASK-I010", "",                            "cask confirm list"),
    Row("state garbage",         "confirm deny nothing",                          5, "CASK-W001", "{project}/.caskmcp/state/confirmations.db", "ls -l {project}/.caskmcp/state/confirmations.db"),
    Row("sound",                 "doctor all",                                    3, "CASK-I001", "",                            "cask doctor --help"),
    Row("empty",                 "graph",                                         3, "CASK-I006", "{project}",                   "cask init -a HOST"),
    Row("manifest broken",       "graph",                                         3, "CASK-I003", "cask.yaml:4",                 "edit cask.yaml"),
    Row("manifest outside",      "graph",                                         3, "CASK-I005", "cask.yaml:4",                 "edit cask.yaml"),
    Row("sound",                 "graph --format svg",                            3, "CASK-I001", "",                            "cask graph --help"),
    Row("sound",                 "gate allow --force",                            3, "CASK-I001", "",                            "cask gate allow --help"),
    Row("sound",                 "gate snapshot --force",                         3, "CASK-I001", "",                            "cask gate snapshot --help"),
    Row("sound",                 "drift --baseline gone.json",                     3, "CASK-I002", "{project}/gone.json",         "cask gate snapshot"),
    Row("no toolpack",           "drift",                                          3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("sound",                 "drift --format yaml",                            3, "CASK-I001", "",                            "cask drift --help"),
    Row("sound",                 "git merge-lock",                                 3, "CASK-I001", "",                            "cask git merge-lock --help"),
    Row("sound",                 "git diff-surface",                               3, "CASK-I001", "",                            "cask git diff-surface --help"),
    Row("sound",                 "keys export nobody",                             3, "CASK-K004", "{home}/.config/caskmcp/keys", "cask keys list"),
    Row("sound",                 "keys export",                                    3, "CASK-I001", "",                            "cask keys export --help"),
    Row("sound",                 "keys rotate",                                    3, "CASK-I001", "",                            "cask keys rotate --help"),
    Row("sound",                 "keys revoke",                                    3, "CASK-I001", "",                            "cask keys revoke --help"),
    Row("sound",                 "gate review --force",                            3, "CASK-I001", "",                            "cask gate review --help"),
    Row("sound",                 "trust edit --force",                             3, "CASK-I001", "",                            "cask trust edit --help"),
    Row("sound",                 "confirm console --force",                        3, "CASK-I001", "",                            "cask confirm console --help"),
    Row("no toolpack",           "bundle",                                         3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("lock garbage",          "bundle",                                         4, "CASK-L001", "caskmcp.lock.yaml",           "git log -p -- '*caskmcp.lock.yaml'"),
    Row("no trust root",         "bundle",                                         4, "CASK-T006", "",                            "cask trust init --key NAME"),
    Row("sound",                 "install gone.zip",                               3, "CASK-I002", "{project}/gone.zip",          "ls {project}"),
    Row("sound",                 "install cask.yaml",                              3, "CASK-P001", "",                            "ask who gave it to you for another copy"),
    Row("sound",                 "state verify all",                               3, "CASK-I001", "",                            "cask state verify --help"),
    Row("sound",                 "state gc all",                                   3, "CASK-I001", "",                            "cask state gc --help"),
    Row("sound",                 "state unlock all",                               3, "CASK-I001", "",                            "cask state unlock --help"),
    Row("sound",                 "audit verify all",                               3, "CASK-I001", "",                            "cask audit verify --help"),
    Row("sound",                 "audit query --since yesterday",                  3, "CASK-I010", "",                            "cask audit query --since 24h"),
    Row("sound",                 "verify --calls 0",                               3, "CASK-I001", "",                            "cask verify --calls 200"),
    Row("sound",                 "evidence verify nothing",                        3, "CASK-I010", "",                            "cask evidence list"),
    Row("sound",                 "evidence list all",                              3, "CASK-I001", "",                            "cask evidence list --help"),
    Row("sound",                 "evidence prune --retain soon",                   3, "CASK-I010", "",                            "cask evidence prune --retain 30d"),
    Row("sound",                 "compliance all",                                 3, "CASK-I001", "",                            "cask compliance --help"),
    Row("sound",                 "why nothing",                                    3, "CASK-I010", "",                            "cask audit query --since 24h"),
    Row("sound",                 "policy test",                                    3, "CASK-I001", "",                            "cask policy test --help"),
    Row("sound",                 "policy test absent.yaml",                        3, "CASK-I002", "{project}/absent.yaml",       "ls {project}"),
    Row("sound",                 "drift --served --live",                          3, "CASK-I001", "",                            "cask drift --served"),
    Row("sound",                 "enforce evaluate absent.json",                   3, "CASK-I002", "{project}/absent.json",       "ls {project}"),
    Row("sound",                 "enforce evaluate cask.yaml",                     3, "CASK-I003", "{project}/cask.yaml:1",       "cask enforce evaluate --help"),
    Row("no pin",                "enforce proxy",                                  4, "CASK-T001", "",                            "cask trust pin"),
    Row("sound",                 "enforce proxy --at 0.0.0.0:1",                   4, "CASK-H001", "",                            "cask enforce proxy --at 127.0.0.1:8766"),
    Row("no toolpack",           "inspect",                                        3, "CASK-I011", "{project}/.caskmcp",          "cask build"),
    Row("sound",                 "inspect --env nowhere",                          3, "CASK-I010", "",                            "cask gate status"),
    Row("sound",                 "propose file cask.yaml",                         3, "CASK-I003", "cask.yaml:1",                 "cask propose file --help"),
    Row("drafts garbage",        "propose list",                                   3, "CASK-I003", "",                            "rm {project}/.caskmcp/state/drafts/d-000000000000.json"),
    Row("sound",                 "propose show nothing",                           3, "CASK-I010", "",                            "cask propose list"),
    Row("sound",                 "propose reject nothing",                         3, "CASK-I010", "",                            "cask propose list"),
    Row("sound",                 "repair --format yaml",                          3, "CASK-I001", "",                            "cask repair --help"),
    Row("sound",                 "migrate all",                                    3, "CASK-I001", "",                            "cask migrate --help"),
    Row("sound",                 "serve --http nowhere",                           3, "CASK-I010", "",                            "cask serve --http 127.0.0.1:8765"),
    Row("sound",                 "serve --http 0.0.0.0:80",                        4, "CASK-H001", "",                            "cask serve --http 0.0.0.0:80 --token-file FILE --public-url URL --behind-proxy"),
    Row("sound",                 "serve --http --token-file gone",                 3, "CASK-I002", "{project}/gone",              "ls {project}"),
    Row("sound",                 "nothing",                                       3, "CASK-I001", "",                            "cask --help"),
    Row("sound",                 "gate nothing",                                  3, "CASK-I001", "",                            "cask gate --help"),
    Row("sound",                 "--loud build",                                  3, "CASK-I001", "",                            "cask --help"),
    Row("sound",                 "mcp nothing",                                   3, "CASK-I001", "",                            "cask --help"),
)

REPORTED: Final = (
    #        spoilt             command line  exit code      mend
    Reported("no pin",          "gate check", 4, "CASK-T001", "cask trust pin"),
    Reported("no trust root",   "gate check", 4, "CASK-T006", "cask trust init --key NAME"),
    Reported("manifest broken", "check",      3, "CASK-I003", "edit cask.yaml"),
    Reported("har cut",         "check",      3, "CASK-C001", "take the recording again, whole"),
    Reported("tools garbage",   "check",      4, "CASK-L002", "cask build"),
    Reported("lock garbage",    "check",      4, "CASK-L001", "git log -p -- '*caskmcp.lock.yaml'"),
    Reported("content garbage", "check",      4, "CASK-L004", "git checkout -- '*/lockfile/content/*'"),
    Reported("lock garbage",    "gate check", 4, "CASK-L001", "git log -p -- '*caskmcp.lock.yaml'"),
    Reported("root garbage",    "gate check", 4, "CASK-T003", "git log -p -- '*/trust/*.root.json'"),
    Reported("content garbage", "gate check", 4, "CASK-L004", "git checkout -- '*/lockfile/content/*'"),
    Reported("no pin",          "check",      4, "CASK-T001", "cask trust pin"),
    Reported("empty",           "doctor",     1, "CASK-I006", "cask init -a HOST"),
    Reported("manifest broken", "doctor",     3, "CASK-I003", "edit cask.yaml"),
    Reported("tools garbage",   "doctor",     4, "CASK-L002", "cask build"),
    Reported("pin garbage",     "doctor",     4, "CASK-T007", "cask trust pin --replace"),
)

ALICE: Final = (ASK, PASSPHRASE)
SIGN: Final = "Type `shop` to sign:"
BOB: Final = "Passphrase for bob:"

TYPED: Final = (
    #     spoilt             command line                                         answers                       exit code       mend
    Typed("sound",           "keys new ../x",                                      (),                           3, "CASK-I009", "cask keys list"),
    Typed("sound",           "keys new alice",                                     (),                           3, "CASK-K003", "cask keys list"),
    Typed("sound",           "keys new bob",                                       ((BOB, "one"), (BOB, "two")), 4, "CASK-K002", "cask keys new bob"),
    Typed("sound",           "keys new bob",                                       ((BOB, ""), (BOB, "")),       4, "CASK-K002", "cask keys new bob"),
    Typed("config is a file", "keys new bob",                                      ((BOB, "a"), (BOB, "a")),     5, "CASK-W001", "ls -ld {home}/.config"),
    Typed("sound",           "trust init",                                         (),                           4, "CASK-T005", "cask trust init --replace"),
    Typed("no pin",          "trust init --key alice",                             (),                           4, "CASK-T005", "cask trust pin"),
    Typed("no toolpack",     "trust init --key alice",                             (),                           3, "CASK-I011", "cask build"),
    Typed("no trust root",   "trust pin",                                          (),                           4, "CASK-T006", "cask trust init --key NAME"),
    Typed("root garbage",    "trust pin",                                          (),                           4, "CASK-T003", "git log -p -- '*/trust/*.root.json'"),
    Typed("no toolpack",     "gate allow --all",                                   (),                           3, "CASK-I011", "cask build"),
    Typed("two toolpacks",   "gate allow --all",                                   (),                           3, "CASK-I007", "cask gate allow --all --toolpack other"),
    Typed("sound",           "gate allow",                                         (),                           3, "CASK-I001", "cask gate allow --all"),
    Typed("sound",           "gate allow nothing",                                 (),                           3, "CASK-I010", "cask gate status"),
    Typed("sound",           "gate allow cancel_order --expires 5y",               (),                           3, "CASK-I001", "cask gate allow cancel_order --expires 90d"),
    Typed("sound",           "gate allow cancel_order --key nobody",               (),                           3, "CASK-K004", "cask keys new nobody"),
    Typed("sound",           "gate allow cancel_order",                            (("Reason:", ""),),           3, "CASK-A003", "cask gate allow cancel_order --reason TEXT"),
    Typed("sound",           "gate allow cancel_order --reason x",                 ((ASK, "wrong"),),            4, "CASK-K002", "cask keys list"),
    Typed("sound",           "gate allow cancel_order --reason x",                 (ALICE, (SIGN, "shap")),      4, "CASK-A002", "type shop"),
    Typed("key garbage",     "gate allow cancel_order --reason x",                 (ALICE,),                     4, "CASK-K002", "cask keys list"),
    Typed("lock of the root", "gate allow cancel_order --reason x",                (ALICE, (SIGN, "shop")),      5, "CASK-W001", "ls -ld {project}/.caskmcp/state"),
    Typed("lock garbage",    "gate allow cancel_order --reason x",                 (),                           4, "CASK-L001", "git log -p -- '*caskmcp.lock.yaml'"),
    Typed("root garbage",    "gate allow cancel_order --reason x",                 (),                           4, "CASK-T003", "git log -p -- '*/trust/*.root.json'"),
    Typed("pin garbage",     "gate allow cancel_order --reason x",                 (),                           4, "CASK-T007", "cask trust pin --replace"),
    Typed("manifest broken", "gate allow cancel_order --reason x",                 (),                           3, "CASK-I003", "edit cask.yaml"),
    Typed("lock garbage",    "gate snapshot",                                      (),                           4, "CASK-L001", "git log -p -- '*caskmcp.lock.yaml'"),
    Typed("sound",           "confirm grant nothing",                              (),                           3, "CASK-I010", "cask confirm list"),
    Typed("sound",           "propose promote nothing",                            (),                           3, "CASK-I010", "cask propose list"),
    Typed("state garbage",   "confirm grant nothing",                              (),                           5, "CASK-W001", "ls -l {project}/.caskmcp/state/confirmations.db"),
)

TERMINAL_ONLY: Final = {
    # command        arguments
    "gate allow":    ("get_order",),
    "gate snapshot": (),
    "gate review":   (),
    "keys new":      ("bob",),
    "keys rotate":   ("alice", "--to", "bob"),
    "keys revoke":   ("alice",),
    "trust init":    (),
    "trust edit":    (),
    "trust pin":     (),
    "confirm grant": ("0123456789abcdef",),
    "confirm console": (),
    "propose promote": ("d-000000000000",),
}
VALUES: Final = {"--lockfile": ".caskmcp/toolpacks/shop/lockfile/caskmcp.lock.yaml", "--format": "text", "--root": ".caskmcp", "--toolpack": "shop", "--toolset": "readonly", "--risk": "low", "--port": "8123", "--threshold": "1", "--role": "root", "--requires": "none", "--auto-narrowing": "on"}
# fmt: on

LINE: Final = re.compile(r"error: (CASK-[A-Z][0-9]{3}) (.+?) · (?:run|mend): (.+)\n")


def kept_for_itself(name: str) -> bool:
    """What a build that failed may leave."""
    return "/.caskmcp/cache" in f"/{name}" or name == "project/.caskmcp/state/lock"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return approved(tmp_path_factory.mktemp("approved") / "desk")


@pytest.fixture
def spoil(base: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Spoils a copy, and goes there."""

    def spoiled(how: str) -> Place:
        place = base.copy(tmp_path / "desk")
        SPOILT[how](place)
        monkeypatch.chdir(place.project)
        monkeypatch.setenv("HOME", str(place.home))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(place.home / ".config"))
        monkeypatch.setattr("sys.stdin", io.StringIO())
        return place

    return spoiled


def command_of(line: str) -> str:
    """The row of the table that a command line means; nothing for one that means none."""
    return max((row.name for row in COMMANDS if f"{line} ".startswith(f"{row.name} ")), key=len, default="")


def takes_json(name: str) -> bool:
    row = next((row for row in COMMANDS if row.name == name and row.run), None)
    formats = [param.type for param in load(row.run).params if "--format" in param.opts] if row else []
    return any(isinstance(kind, click.Choice) and "json" in kind.choices for kind in formats)


def shown(text: str, place: Place) -> str:
    return text.replace(str(place.project), "{project}").replace(str(place.home), "{home}")


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row.spoilt}-{row.line}")
def test_bad_input_is_one_line_with_code_place_and_mend_and_changes_nothing(row: Row, spoil, capsys: pytest.CaptureFixture[str]) -> None:
    place = spoil(row.spoilt)
    before = tree(place.folder, kept_for_itself)
    status = main(shlex.split(row.line))
    said = capsys.readouterr()
    line = LINE.fullmatch(shown(said.err, place))
    assert line is not None, said.err
    assert (status, line[1], line[3], said.out) == (row.exit, row.code, row.mend, "")
    assert line[2].endswith(f" · {row.place}") or not row.place
    if takes_json(command_of(row.line)) and "--format" not in row.line:
        assert main([*shlex.split(row.line), "--format", "json"]) == row.exit
        found = json.loads(capsys.readouterr().out)
        assert (found["schema"], found["summary"]) == ("caskmcp/error/1", {"exit": row.exit})
        assert [each["code"] for each in found["findings"]] == [row.code]
        assert all(each["message"] and each["mend"] for each in found["findings"])
    assert tree(place.folder, kept_for_itself) == before


@pytest.mark.parametrize("row", REPORTED, ids=lambda row: f"{row.spoilt}-{row.line}")
def test_a_command_that_reports_names_it_among_its_findings_and_changes_nothing(
    row: Reported, spoil, capsys: pytest.CaptureFixture[str]
) -> None:
    place = spoil(row.spoilt)
    before = tree(place.folder, kept_for_itself)
    assert main([*row.line.split(), "--format", "json"]) == row.exit
    said = capsys.readouterr()
    findings = json.loads(said.out)["findings"]
    assert (row.code, row.mend) in {(each["code"], each["mend"]) for each in findings}
    assert said.err == ""
    assert tree(place.folder, kept_for_itself) == before


@pytest.mark.parametrize("row", TYPED, ids=lambda row: f"{row.spoilt}-{row.line}")
def test_bad_input_at_a_terminal_ends_with_the_same_line_and_signs_nothing(row: Typed, base: Place, tmp_path: Path) -> None:
    place = base.copy(tmp_path / "desk")
    SPOILT[row.spoilt](place)
    before = tree(place.folder, kept_for_itself)
    with Terminal.spawn([*CASK, *row.line.split()], place.project, environment(place.home)) as person:
        for prompt, answer in row.answers:
            person.expect(prompt).send(answer)
        done = person.finish()
    line = LINE.fullmatch(shown(done.transcript.rstrip("\n").rsplit("\n", 1)[-1] + "\n", place))
    assert line is not None, done.transcript
    assert (done.exit, line[1], line[3]) == (row.exit, row.code, row.mend)
    assert "Traceback" not in done.transcript
    assert tree(place.folder, kept_for_itself) == before


def test_every_command_has_a_bad_input() -> None:
    tried = {command_of(row.line) for row in (*REFUSED, *REPORTED, *TYPED)}
    assert {row.name for row in COMMANDS if row.run} - tried == set()


def test_every_way_to_spoil_a_project_is_tried() -> None:
    assert set(SPOILT) == {row.spoilt for row in (*REFUSED, *REPORTED, *TYPED)}


# ---------------------------------------------------------------- not a terminal
def test_the_commands_that_need_a_terminal_are_those_that_say_so() -> None:
    assert set(TERMINAL_ONLY) == {row.name for row in COMMANDS if "Needs a person at a terminal" in row.help or row.name == "confirm grant"}


def every_option(name: str) -> list[str]:
    """Every option of a command, with a value that fits."""
    params = load(next(row.run for row in COMMANDS if row.name == name)).params
    options = [param for param in params if isinstance(param, click.Option)]
    return [word for each in options for word in ([each.opts[0]] if each.is_flag else [each.opts[0], VALUES.get(each.opts[0], "90d")])]


@pytest.mark.parametrize("name", TERMINAL_ONLY)
@pytest.mark.parametrize("everything", [False, True], ids=["bare", "with every option"])
@pytest.mark.parametrize(
    "env", [{}, {"CI": "1", "CASK_TRUST_PIN": "sha256:" + "0" * 64, "TERM": "xterm", "FORCE_COLOR": "1"}], ids=["", "CI"]
)
def test_without_a_terminal_a_signature_is_refused_whatever_is_said(
    name: str, everything: bool, env: dict[str, str], base: Place, tmp_path: Path
) -> None:
    place = base.copy(tmp_path / "desk")
    before = tree(place.folder)
    words = [*name.split(), *TERMINAL_ONLY[name], *(every_option(name) if everything else ())]
    done = without_terminal([*CASK, *words], cwd=place.project, env=environment(place.home, **env), stdin="shop\nshop\nshop\n")
    again = shlex.join(["cask", *words])
    assert done.exit == 4, done
    assert re.fullmatch(
        r"error: CASK-A001 `[^`]+` needs a person at a terminal: stdin and stdout have to be one · run: (.*)\n", done.errors
    )
    assert done.errors.endswith(f" · run: {again}\n")
    assert done.transcript == ""
    assert tree(place.folder) == before


# ---------------------------------------------------------------- other places
def test_a_folder_with_spaces_and_quotes_is_one_like_any_other(base: Place, tmp_path: Path) -> None:
    place = base.copy(tmp_path / "a b'c\"d$e;f")
    env = environment(place.home)
    assert without_terminal([*CASK, "build"], cwd=place.project, env=env).exit == 0
    assert without_terminal([*CASK, "check"], cwd=place.project, env=env).exit == 1
    gone = without_terminal([*CASK, "capture", "import", "gone.har"], cwd=place.project, env=env)
    assert shlex.split(gone.errors.split(" · run: ")[1]) == ["ls", str(place.project)]


def test_names_that_are_not_utf_8_are_built_and_shown_with_escapes(base: Place, tmp_path: Path) -> None:
    place = base.copy(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")))
    place.put("cask.yaml", 'version: 1\nname: shop\nhosts: [api.shop.example]\nsources: [{har: "*.har"}]\n')
    os.rename(place.project / "shop.har", os.fsencode(place.project) + b"/caf\xe9.har")
    env = environment(place.home)
    built = without_terminal([*CASK, "build", "--explain"], cwd=place.project, env=env)
    assert (built.exit, built.errors) == (0, "")
    assert "caf\\udce9.har" in built.transcript
    before = tree(place.folder)
    refused = without_terminal([*CASK, "config", "--client", "cursor", "--install"], cwd=place.project, env=env)
    assert (refused.exit, refused.transcript) == (3, "")
    assert "CASK-I009 the path of the toolpack is not UTF-8" in refused.errors
    assert tree(place.folder) == before


def test_a_working_directory_that_was_removed_is_said(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    shell = ["/bin/sh", "-c", 'cd "$0" && rmdir "$0" && exec "$@"', str(gone), *CASK, "gate", "status"]
    done = without_terminal(shell, cwd=tmp_path, env=environment(tmp_path))
    assert (done.exit, done.errors) == (3, "error: CASK-I002 the working directory was removed · run: cd\n")


def test_without_a_home_nothing_is_pinned_and_nothing_breaks(base: Place, tmp_path: Path) -> None:
    place = base.copy(tmp_path / "desk")
    env = {key: value for key, value in environment(place.home).items() if key not in ("HOME", "XDG_CONFIG_HOME")}
    status = without_terminal([*CASK, "gate", "status", "--format", "json"], cwd=place.project, env=env)
    assert (status.exit, json.loads(status.transcript)["summary"]["trust"]) == (0, "unpinned")
    assert without_terminal([*CASK, "serve"], cwd=place.project, env=env).exit == 4


# Runs the words in one folder, so that all that they need is imported, gives up the rights of root, and runs them in another.
WITHOUT_RIGHTS: Final = """
import contextlib, io, os, sys
from caskmcp.cli.main import main
rehearsal, folder, *words = sys.argv[1:]
os.chdir(rehearsal)
with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
    main(words)
os.getuid() or (os.setgid(65534), os.setuid(65534))
os.chdir(folder)
sys.exit(main(words))
"""


@pytest.mark.parametrize("line", ["init -a api.shop.example", "build", "gate block get_order", "capture import shop.har", "mint shop.har"])
def test_a_project_that_may_not_be_written_is_an_error_with_its_place(line: str, base: Place, tmp_path: Path) -> None:
    rehearsal, place = base.copy(tmp_path / "rehearsal"), base.copy(tmp_path / "desk")
    if line.startswith("init"):
        SPOILT["no manifest"](place)
    for path in (place.project, *place.project.rglob("*")):
        path.chmod(0o444 if path.is_file() else 0o555)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    before = tree(place.project)
    env = environment(place.home)
    words = [CASK[0], "-c", WITHOUT_RIGHTS, str(rehearsal.project), str(place.project), *line.split()]
    done = without_terminal(words, cwd=tmp_path, env=env)
    assert (done.exit, done.transcript) == (5, ""), done
    assert re.fullmatch(r"error: CASK-W001 permission denied · \S+ · run: ls -ld \S+\n", done.errors), done.errors
    assert tree(place.project) == before


# Every write to a file fails, as on a full disk; pipes still work.
FULL: Final = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from caskmcp.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("spoilt", "line"),
    [
        ("no manifest", "init -a api.shop.example"),
        ("manifest other host", "mint shop.har -a api.shop.example"),
        ("no toolpack", "build"),
        ("sound", "build --out copy"),
        ("sound", "gate block get_order"),
        ("sound", "config --client cursor --install"),
        ("sound", "capture forget afa7"),
    ],
)
def test_on_a_full_disk_the_error_says_where_and_no_file_is_half_written(spoilt: str, line: str, base: Place, tmp_path: Path) -> None:
    place = base.copy(tmp_path / "desk")
    SPOILT[spoilt](place)
    before = tree(place.folder, kept_for_itself)
    done = without_terminal([CASK[0], "-c", FULL, *line.split()], cwd=place.project, env=environment(place.home))
    assert (done.exit, done.transcript) == (5, ""), done
    assert re.fullmatch(r"error: CASK-W001 file too large · \S+ · run: df -h \S+\n", done.errors), done.errors
    left = tree(place.folder, kept_for_itself)
    assert {name: mark for name, mark in left.items() if mark != "folder"} == {
        name: mark for name, mark in before.items() if mark != "folder"
    }
