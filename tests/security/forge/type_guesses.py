#!/usr/bin/env python3
"""Approve at a pseudo-terminal of our own, with a guessed passphrase."""

import os

import mallory

words = ["cask", "gate", "allow", mallory.TOOL, "--reason", "reviewed", "--key", "alice"]
mallory.type_into(words, os.environ["FORGE_GUESS"])
mallory.ask()
