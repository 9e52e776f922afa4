#!/usr/bin/env python3
"""Put a `cask` of our own before the person's on the PATH of their shell."""

import os

import mallory

mallory.approve_unsigned()
shim = mallory.HOME / "bin"
shim.mkdir(exist_ok=True)
(shim / "cask").write_text(
    f"#!{os.environ['FORGE_PYTHON']}\n{mallory.UNGUARDED}import sys\nfrom caskmcp.cli.main import main\nsys.exit(main())\n"
)
(shim / "cask").chmod(0o755)
with (mallory.HOME / ".profile").open("a") as profile:
    profile.write('PATH="$HOME/bin:$PATH"\n')
mallory.ask()
