"""OpenAPI 3.0 and 3.1 in one file, JSON or YAML: each operation that the document declares, with every constraint kept.

`document` reads and follows references inside the file, `schemas` makes self-contained draft 2020-12 of them, `parameters`, `messages`,
`servers` and `security` read the parts of an operation, `operations` puts them together. Other versions are refused by name.
"""

from collections.abc import Iterator
from typing import ClassVar

from caskmcp.compiler.capture.sources.interface import Blocks
from caskmcp.compiler.capture.sources.openapi import document, operations
from caskmcp.model.exchange import Declared, Skipped


class OpenApi:
    """The source `openapi`."""

    kind: ClassVar[str] = "openapi"

    def read(self, blocks: Blocks) -> Iterator[Declared | Skipped]:
        """Yield each operation, once a server, and what was left out. Raises CASK-C002 before the first one, or not at all."""
        yield from operations.read_all(document.read(blocks))
