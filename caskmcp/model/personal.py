"""`config.yaml` in the user's configuration folder: what this person's machine knows and no repository may say.

It names the files and the commands behind `config:NAME`, and authorities whose certificates are taken for certain hosts. A person's own document.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from caskmcp.model.project import Host
from caskmcp.model.record import Record

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Path = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Kept(Record):
    """Where a secret is: in a file, or printed by a command."""

    file: Path | None = None
    """Absolute, or beside this document. The owner's alone (0600)."""
    command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """A program with its arguments, no shell; it prints the secret alone."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.file is None) == (self.command is None):
            raise ValueError("expected exactly one of file, command")
        return self


class Personal(Record):
    """The document."""

    version: Literal[1] = 1
    credentials: dict[Name, Kept] = {}
    """NAME of `config:NAME` -> where it is."""
    authorities: dict[Host, Path] = {}
    """Host, without port -> a file of certificates (PEM), absolute or beside this document: only what they vouch for is taken for this host."""
