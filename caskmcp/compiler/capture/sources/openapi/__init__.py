"""OpenAPI 3.0, 3.1, 3.2 and Swagger 2.0, JSON or YAML, in one file or several: each operation that the document declares, every constraint kept.

`bundle` carries the files as one text, `document` reads them and follows references among them, `schemas` makes self-contained draft 2020-12
of them, `openapi3` (with `parameters`, `messages`, `servers`, `security`) and `swagger` read the parts of an operation, `operations` puts them
together, `carried` keeps the whole within bounds. Other versions are refused by name.
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
        """Yield each operation, once a server, and what was left out. Raises CASK-C002 before the first one, or not at all.

        blocks: the document, or its files as `bundle.pack` puts them together.
        """
        yield from operations.read_all(document.read(blocks))
