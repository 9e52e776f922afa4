#!/usr/bin/env python3
"""Change the installed program, so that it no longer looks at signatures."""

import mallory

mallory.approve_unsigned()
try:
    with (mallory.INSTALL / "caskmcp" / "govern" / "statements.py").open("a") as program:
        program.write("\n_forgery = lambda *_: ''\n")
except OSError as refused:
    print(refused)
mallory.ask()
