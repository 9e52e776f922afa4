"""Every Python of this machine that can run the program: this one, those on the PATH, and those that `CASK_PYTHONS` names (`:` between them)."""

import os
import shutil
import subprocess
import sys
from functools import cache

from tests.support.syntax import ROOT

MINORS = ("3.11", "3.12", "3.13", "3.14")
_PROBE = "import sys, caskmcp.workflows.build, caskmcp.compiler.capture.stage, caskmcp.compiler.infer.stage; print('%d.%d' % sys.version_info[:2])"


@cache
def interpreter(minor: str) -> str | None:
    """A Python of a minor version that has what the program needs; None if there is none here."""
    named = os.environ.get("CASK_PYTHONS", "").split(os.pathsep)
    candidates = [sys.executable, shutil.which(f"python{minor}"), *named]
    return next((each for each in candidates if each and _runs(each, minor)), None)


def _runs(python: str, minor: str) -> bool:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run([python, "-c", _PROBE], env=env, capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == minor
