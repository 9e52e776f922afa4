"""Writes what is generated from the package: JSON Schemas, reference pages, the example's artifacts, the README's status table.

Each generator is a function without arguments that returns files as {path below the checkout: bytes}; the same sources give the same
bytes on every Python. `python -m docs._generate write|check [GENERATOR…]` is what the tasks of `dodo.py` run.
"""
