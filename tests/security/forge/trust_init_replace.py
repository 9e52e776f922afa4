#!/usr/bin/env python3
"""Give up the person's trust root at a pseudo-terminal, with a key and a passphrase of our own, and approve under the new one."""

import mallory

mallory.type_into(["cask", "keys", "new", "mallory"], "own words")
mallory.type_into(["cask", "trust", "init", "--replace", "--key", "mallory"], "own words")
words = ["cask", "gate", "allow", mallory.TOOL, "policy", "--reason", "reviewed", "--key", "mallory"]
mallory.type_into(words, "own words")
mallory.ask()
