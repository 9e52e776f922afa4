"""`lint.yaml`: what people say about lint findings, beside `cask.yaml`. No build reads it, so that an opinion recompiles nothing."""

from typing import Annotated, Literal

from pydantic import Field

from caskmcp.model.record import Record
from caskmcp.model.suppression import Reason


class Suppression(Record):
    """One accepted finding, or several alike, with the reason."""

    rule: str
    """The rule's id."""
    subject: str = "*"
    """`tool:list_orders`, `policy`, `toolset:support`, a file's name, or a shell pattern of them."""
    fingerprint: Annotated[str, Field(pattern=r"^([0-9a-f]{16})?$")] = ""
    """Of exactly one finding, as the report shows it; empty: every finding of the rule on the subject."""
    reason: Reason


class LintFile(Record):
    """The file."""

    version: Literal[1]
    clients: tuple[Literal["claude", "openai", "gemini", "cursor"], ...] = ()
    """Whom the tools have to suit, in `cask check` and where `--client` is not given."""
    suppress: tuple[Suppression, ...] = ()
