"""The token file of `serve --http`: who may call, each known by the digest of a token. A person's own document; no token stands in it."""

import re
from typing import Annotated, Final, Self

from pydantic import StringConstraints, model_validator

from caskmcp.model.record import Record

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}", re.ASCII)

Name = Annotated[str, StringConstraints(pattern=rf"^{NAME.pattern}$")]
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class TokenRow(Record):
    """One token."""

    name: Name
    """Who holds it; unique in the file; goes on record."""
    sha256: Hex
    """SHA-256 of the token's bytes."""
    toolsets: tuple[str, ...] = ()
    """The toolsets that it may see; empty: all that is served."""


class TokenFile(Record):
    """`--token-file`: the tokens that are taken."""

    tokens: tuple[TokenRow, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for what, values in (("name", [row.name for row in self.tokens]), ("sha256", [row.sha256 for row in self.tokens])):
            if len(set(values)) < len(values):
                raise ValueError(f"two tokens have the same {what}")
        return self

    def added(self, row: TokenRow) -> "TokenFile":
        """The file with one more token, or with another one under the same name."""
        return TokenFile(tokens=(*(kept for kept in self.tokens if kept.name != row.name), row))
