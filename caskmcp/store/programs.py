"""Runs a command that the user's own configuration names, and takes what it prints. Imported only when one is asked."""

import subprocess
from collections.abc import Sequence
from typing import Final

TIME: Final = 30.0
"""Seconds that a command may take."""


def output(command: Sequence[str], limit: int) -> bytes | str:
    """What a command prints; a text that says what went wrong if it gives nothing that counts. No shell, nothing on stdin, stderr goes nowhere."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=TIME, check=False
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {TIME:.0f} seconds"
    except (OSError, ValueError):
        return "cannot be started"
    if done.returncode:
        return f"ended with status {done.returncode}"
    return done.stdout if len(done.stdout) <= limit else f"printed more than {limit} bytes"
