"""Where outputs of stages become files: a literal table of rows is given by whoever knows the stages; here is what a row means."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.store.blobs import Blobs
from caskmcp.store.receipts import Outs

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*", re.ASCII)


class Target(NamedTuple):
    """One row: which output goes where."""

    output: str
    """`<stage>.<output>`."""
    place: str
    """Path below the root. `{pack}`: the toolpack's id. `{id}`: the `id` in the output named by `named_by`. `{file}`: the key of an
    output that is a map."""
    private: bool = False
    named_by: str = ""
    """The output of the same stage, one JSON object, whose `id` names the place."""


class Laid(NamedTuple):
    """One file that a step's outputs mean."""

    path: Path
    digest: Digest
    private: bool


class Targets:
    """The table for one root and one toolpack."""

    def __init__(self, rows: tuple[Target, ...], root: Path, pack: str, blobs: Blobs) -> None:
        self.rows = rows
        self.root = root
        self.pack = pack
        self.blobs = blobs

    def of(self, stage: str, outs: Outs) -> tuple[Laid, ...]:
        """The files that the outputs of one run of a stage mean. Raises BlobLost if the output that names them is gone."""
        return tuple(laid for row in self.rows if row.output.partition(".")[0] == stage for laid in self._of(row, outs))

    def _of(self, row: Target, outs: Outs) -> Iterator[Laid]:
        content = outs[row.output.partition(".")[2]]
        names = {"pack": self.pack, **self._named(row, outs)}
        for file, digest in content.items() if isinstance(content, Mapping) else (("", content),):
            place = row.place.format(**names, file=file)
            if not _NAME.fullmatch(place.removeprefix(".")):
                raise CaskError("CASK-B001", f"{row.output} would be written to `{place}`")
            yield Laid(self.root / place, digest, row.private)

    def _named(self, row: Target, outs: Outs) -> dict[str, str]:
        if not row.named_by:
            return {}
        naming = outs[row.named_by]
        if isinstance(naming, Mapping):
            raise TypeError(f"{row.named_by} is a map and names no place")
        return {"id": str(json.loads(self.blobs.get(naming))["id"])}
