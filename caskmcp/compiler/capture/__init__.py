"""Capture: a source's bytes become redacted exchanges of first-party hosts, and a receipt of what was cut and left out."""
