"""`evidence/<run>/`: what a run saw, named by the digest of its manifest, so that nothing in it can change, go, come or move unnoticed.

The manifest is the same for the same toolpack, statements and answers: times stand beside it.
"""

from typing import Any, Final, Literal

from pydantic import Field

from caskmcp.model.record import Record
from caskmcp.model.trust import Signature

EVIDENCE_SCHEMA: Final = "caskmcp/evidence/1"
EVIDENCE_TYPE: Final = "application/vnd.caskmcp.evidence+json"


class Manifest(Record):
    """`manifest.json`."""

    format: str = Field(alias="schema", default=EVIDENCE_SCHEMA)
    kind: Literal["verify", "drift-live"]
    toolpack: str
    """The toolpack's id."""
    lock: str
    """Digest of the bytes of the lock."""
    files: dict[str, str]
    """Name -> digest of its bytes: all but `manifest.json`, `times.json` and `signatures.json`."""
    baseline: str = ""
    """Of a probe: what it was measured from."""
    handoff: str = ""
    """Digest of `toolpack.yaml`, which names every artifact."""
    stated: str = ""
    """Digest of what `verify.yaml` said; empty without one."""
    against: str = ""
    """`live` or `twin`."""
    environment: str = ""
    twin: str = ""
    """Digest of the twin."""
    modes: dict[str, str] = {}
    """Mode -> `pass`, `fail` or `not-run`."""

    def content(self) -> dict[str, Any]:
        """As it is written, and as its digest is taken: fields that were left at their default are left out."""
        return {"schema": self.format, **self.plain()}


class Times(Record):
    """`times.json`: when it was, apart from all else."""

    started: str
    ended: str
    manifest: str = ""
    """Digest of the manifest that it belongs to."""
    digest: str = ""
    """Of the other three fields; empty in what earlier versions wrote."""

    def told(self) -> dict[str, str]:
        """What the digest is of."""
        return {"started": self.started, "ended": self.ended, "manifest": self.manifest}


class Signatures(Record):
    """`signatures.json`: who vouches for the manifest and its times."""

    signatures: tuple[Signature, ...]


def payload(manifest: str, times: str) -> dict[str, object]:
    """What is signed: digests of the manifest and of the times."""
    return {"schema": EVIDENCE_SCHEMA, "manifest": manifest, "times": times}
