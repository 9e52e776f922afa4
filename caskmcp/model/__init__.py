"""Frozen records, one file an artifact. No I/O, and nothing of any stage."""
