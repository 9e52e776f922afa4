"""Parameters that were in every success and are optional all the same: traffic alone cannot prove a need outside of path and body, and that is said."""

from caskmcp.model.contract import Parameter


def is_doubtful(row: Parameter) -> bool:
    """Whether only want of evidence makes a parameter optional."""
    always = row.evidence.seen == row.evidence.total > 0
    return row.location != "path" and not row.required and always and row.evidence.sources == ("traffic",)
