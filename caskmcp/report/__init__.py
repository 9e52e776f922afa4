"""How reports reach people and machines: one renderer a format, and the console."""
