"""JSON bodies wait until many can be counted together, place by place: calls cost more than what they do, and a place has few values in a body.

What is counted is the same for every order and every batch; the bound of what waits is one of memory alone.
"""

from typing import Any, Final

from caskmcp.compiler.normalize.node import Node
from caskmcp.compiler.normalize.shape import add_bodies
from caskmcp.compiler.normalize.stamps import Stamp

MOST: Final = 1 << 20
"""Bytes of bodies that wait, as they were sent."""
UNKNOWN: Final = 1 << 14
"""Bytes that a body without a size counts for."""


class Waiting:
    """The bodies of a source that wait, by the node that counts them."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._bodies: dict[Node, tuple[list[Any], list[Stamp]]] = {}
        self._size = 0

    def add(self, node: Node, value: Any, stamp: Stamp, size: int) -> None:
        """Let one body wait. size: its bytes, 0 if unknown."""
        found = self._bodies.get(node)
        if found is None:
            found = self._bodies[node] = ([], [])
        found[0].append(value)
        found[1].append(stamp)
        self._size += size or UNKNOWN
        if self._size > self._most:
            self.count()

    def count(self) -> None:
        """Count all that waits."""
        for node, (values, stamps) in self._bodies.items():
            if node.own is not None:
                node.own.clear()
                node.own.update(*(own for _, own in stamps))
            add_bodies(node, values, stamps)
        self._bodies, self._size = {}, 0
