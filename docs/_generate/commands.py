"""`docs/reference/commands.md`: each command with its options, from the table that the command line is made of."""


def files() -> dict[str, bytes]:
    """Nothing before there is a command line."""
    return {}
