#!/usr/bin/env python3
"""Merge the approvals of another toolpack, in which the same person approved a tool of that name with that very content."""

import os
from pathlib import Path

import mallory

from caskmcp import text

other = text.parse_yaml(Path(os.environ["FORGE_OTHER_LOCK"]).read_bytes(), "lock").value
value = mallory.lock()
value["subjects"][f"tool:{mallory.TOOL}"] = other["subjects"][f"tool:{mallory.TOOL}"]
mallory.write_lock(value)
mallory.ask()
