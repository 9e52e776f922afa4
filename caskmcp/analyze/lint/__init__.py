"""Lint: hygiene of a compiled surface. One row a rule (`rules.py`), one file a family; records in, findings out."""
