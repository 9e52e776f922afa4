#!/usr/bin/env python3
"""Keep a toolpack of our own outside of the repository and lead there by a symbolic link."""

import os
import shutil
from pathlib import Path

import mallory

elsewhere = Path(os.environ["FORGE_SCRATCH"]) / "pack"
mallory.replace_root(mallory.own_key())
shutil.move(mallory.PACK.path, elsewhere)
mallory.PACK.path.symlink_to(elsewhere)
mallory.ask()
