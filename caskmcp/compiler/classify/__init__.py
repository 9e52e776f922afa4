"""Classify: what each operation does and how much a mistake would cost, with the rule that said so."""
