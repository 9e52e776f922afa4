"""`docs/reference/errors/`: one page a code, an index, and the exit statuses."""

from typing import Final

from caskmcp.errors import CODES, Code, Exit

EXITS: Final = {
    Exit.CLEAN: "clean or done (`mint`, `build`, `capture`: done, whatever the findings)",
    Exit.REVIEW: "needs review, not breaking",
    Exit.BREAKING: "breaking",
    Exit.INPUT: "bad input, configuration or usage",
    Exit.REFUSED: "refused: signature, trust, tamper, policy, no terminal",
    Exit.WORLD: "the world: disk, network, missing extra",
    Exit.BUG: "a bug in CaskMCP",
}


def page(row: Code) -> str:
    """The page of one code."""
    return f"""# {row.code}: {row.title}

{row.why}

Exit status {int(row.exit)}: {EXITS[row.exit]}.

The message names what is wrong, where, and the command that mends it, in this order: `{row.code} what · where · mend`.

[All errors](README.md)
"""


def index() -> str:
    """All codes, in order."""
    lines = [f"| [{row.code}]({row.code}.md) | {int(row.exit)} | {row.title} |" for row in sorted(CODES.values())]
    return "\n".join(["# Errors", "", "| code | exit status | what |", "|---|---|---|", *lines, ""])


def exits() -> str:
    """The exit statuses."""
    lines = [f"| {int(exit_)} | {meaning} |" for exit_, meaning in sorted(EXITS.items())]
    intro = "The same for every command. Machine output (`--format json`) goes to stdout alone, prose and progress to stderr."
    return "\n".join(["# Exit statuses", "", intro, "", "| status | meaning |", "|---|---|", *lines, ""])


def files() -> dict[str, bytes]:
    """One page a code, the index, the exit statuses."""
    pages = {f"docs/reference/errors/{row.code}.md": page(row) for row in CODES.values()}
    pages["docs/reference/errors/README.md"] = index()
    pages["docs/reference/exit-codes.md"] = exits()
    return {path: text.encode("utf-8") for path, text in pages.items()}
