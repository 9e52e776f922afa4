"""A GraphQL schema, as SDL or as the answer to an introspection query: one operation for each field of `Query` and `Mutation`.

`document` reads the file, `operations` writes the text that asks for a field, `types` says what goes in and what comes out. A schema names no
server: requests go to POST https://<the manifest's first host>/graphql, or to where recordings show that host's GraphQL endpoint.
Subscriptions are left out.
"""

from collections.abc import Iterator
from typing import ClassVar

from caskmcp.compiler.capture.sources.graphql import document, operations
from caskmcp.compiler.capture.sources.interface import Blocks
from caskmcp.model.exchange import Declared, Skipped


class GraphQL:
    """The source `graphql`."""

    kind: ClassVar[str] = "graphql"

    def read(self, blocks: Blocks) -> Iterator[Declared | Skipped]:
        """Yield each operation in the schema's order. Raises CASK-C002 or CASK-C005 before the first one, or not at all."""
        yield from operations.read_all(document.read(blocks))
