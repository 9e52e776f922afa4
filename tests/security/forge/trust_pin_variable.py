#!/usr/bin/env python3
"""Tell the person's shell to ask for our trust root: a variable may add a condition to a pin, and not stand in for it."""

import mallory

from caskmcp.govern import trust

root = mallory.replace_root(mallory.own_key())
with (mallory.HOME / ".profile").open("a") as profile:
    profile.write(f"export CASK_TRUST_PIN={trust.root_digest(root)}\n")
mallory.ask()
