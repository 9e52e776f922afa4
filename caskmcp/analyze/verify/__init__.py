"""Verification: what answers show, against what was approved and what people say; one file a mode."""
