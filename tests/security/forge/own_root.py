#!/usr/bin/env python3
"""Put a trust root of our own in the repository and approve everything under it."""

import mallory

mallory.replace_root(mallory.own_key())
mallory.ask()
