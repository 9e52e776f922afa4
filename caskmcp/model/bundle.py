"""`bundle.json`: what a toolpack that is handed over as one file holds, and who vouches for just that."""

from typing import Final

from pydantic import Field

from caskmcp.model.record import Record
from caskmcp.model.trust import Signature

BUNDLE_SCHEMA: Final = "caskmcp/bundle/1"
BUNDLE_TYPE: Final = "application/vnd.caskmcp.bundle+json"


class Member(Record):
    """One file of the toolpack."""

    digest: str
    """Of its bytes."""
    size: int


class Manifest(Record):
    """What is signed of a bundle. It names no time and no maker: equal toolpacks give equal bundles."""

    format: str = Field(alias="schema", default=BUNDLE_SCHEMA)
    toolpack: str
    """The toolpack's id."""
    members: dict[str, Member]
    """Path below the toolpack, with slashes -> the file; all but `bundle.json` itself."""

    def payload(self) -> dict[str, object]:
        """All fields, as signed."""
        return self.model_dump(mode="json", by_alias=True)


class SignedManifest(Record):
    """`bundle.json` itself. The signatures are beside those of the lock, which the bundle carries in any case."""

    signed: Manifest
    signatures: tuple[Signature, ...] = ()
