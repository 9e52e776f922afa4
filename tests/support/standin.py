"""Programs that stand in for mitmdump where only its exit status, its silence or its end matter. What mitmdump does is tested with mitmdump."""

import sys
from pathlib import Path
from typing import Final

from caskmcp.record.mitmdump import Program

START: Final = """\
import json, os, signal, sys, time
settings = json.loads(os.environ["CASK_RECORD"])
def say(**line):
    os.write(settings["out"], json.dumps(line).encode() + b"\\n")
def exchange(number):
    body = {"media": "application/json", "data": "eyJpZCI6IDF9"}
    say(**{"is": "exchange", "method": "GET", "url": f"https://api.example.com/orders/{number}", "headers": [], "request": None, "status": 200,
           "response_headers": [], "response": body, "kind": ""})
def begin():
    say(**{"is": "begun", "version": "12.2.3"})
def listen():
    say(**{"is": "listening", "port": 8099})
def end(count):
    say(**{"is": "ended", "count": count})
def wait():
    while os.read(settings["life"], 1):
        pass
"""


def standin(folder: Path, code: str) -> Program:
    """A program that runs some lines of Python; `say`, `begin`, `listen`, `exchange`, `end` and `wait` are there for them."""
    path = folder / "mitmdump"
    path.write_text(f"#!{sys.executable} -I\n{START}{code}\n")
    path.chmod(0o755)
    return Program(path, "a stand-in", {})
