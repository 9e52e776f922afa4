"""Emit: tools with their request plans, and every artifact that goes with them."""
