#!/usr/bin/env python3
"""Have the person's shell name another configuration folder, in which our trust root is accepted."""

import mallory

from caskmcp.govern import pins, trust
from caskmcp.model.trust import Pin

root = mallory.replace_root(mallory.own_key())
pins.write(mallory.FILES, mallory.HOME / "other" / "caskmcp", Pin(toolpack="shop", root=trust.root_digest(root)))
with (mallory.HOME / ".profile").open("a") as profile:
    profile.write('export XDG_CONFIG_HOME="$HOME/other"\n')
mallory.ask()
