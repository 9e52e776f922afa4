#!/usr/bin/env python3
"""Approve with a key of our own that no trust root names."""

import mallory

mallory.approve(mallory.own_key(), [f"tool:{mallory.TOOL}"])
mallory.ask()
