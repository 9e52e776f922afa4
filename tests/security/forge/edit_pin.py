#!/usr/bin/env python3
"""Put a trust root of our own in the repository, and write into the person's pin that it was accepted."""

import mallory

root = mallory.replace_root(mallory.own_key())
try:
    mallory.pin(root)
except Exception as refused:
    print(refused)
mallory.ask()
