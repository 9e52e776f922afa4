"""A value of a document that knows its place, so that each refusal names the rule and the line. What the parts mean is said elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caskmcp.errors import CaskError

if TYPE_CHECKING:
    from caskmcp.compiler.capture.sources.openapi.document import Spec

Path = tuple[str | int, ...]
"""Steps from the root of the main file; in another file the first step is `./` and its name."""


@dataclass(frozen=True)
class Node:
    """A value of the document and where it stands."""

    spec: "Spec"
    value: Any
    at: Path

    def refuse(self, rule: str, *, mend: str | None = None) -> CaskError:
        """The error that says which rule is broken here."""
        return self.spec.refuse(self.at, rule, mend=mend)

    @property
    def place(self) -> str:
        """The steps to here, as `Skipped.place` writes them."""
        return ".".join(map(str, self.at))

    def get(self, key: str) -> "Node | None":
        """The child of that name, if there is one."""
        value = self.object("this")
        return self.child(key) if key in value else None

    def child(self, key: str | int) -> "Node":
        """The child of that name, or of that index of a list, which is known to be there."""
        return Node(self.spec, self.value[key], (*self.at, key))

    def need(self, key: str, what: str) -> "Node":
        """The child of that name; its absence breaks a rule."""
        child = self.get(key)
        if child is None:
            raise self.refuse(f"{what} needs `{key}`")
        return child

    def fields(self, what: str, *, known: frozenset[str] | None = None) -> Iterator[tuple[str, "Node"]]:
        """Name and value of each field but `x-…`, in order. known: the names that there may be."""
        for key in self.object(what):
            if key.startswith("x-"):
                continue
            if known is not None and key not in known:
                raise self.child(key).refuse(f"{what} has no field `{key}`")
            yield key, self.child(key)

    def fields_of(self, key: str) -> Iterator[tuple[str, "Node"]]:
        """As `fields` of an optional child; nothing without it."""
        child = self.get(key)
        yield from () if child is None else child.fields(f"`{key}`")

    def check(self, what: str, known: frozenset[str]) -> None:
        """Refuse a field that is not known."""
        for _ in self.fields(what, known=known):
            pass

    def items(self, what: str) -> list["Node"]:
        """The items of a list."""
        if not isinstance(self.value, list):
            raise self.refuse(f"{what} has to be a list")
        return [self.child(index) for index in range(len(self.value))]

    def items_of(self, key: str) -> list["Node"]:
        """The items of an optional list; none without it."""
        child = self.get(key)
        return [] if child is None else child.items(f"`{key}`")

    def object(self, what: str) -> dict[str, Any]:
        """The value as an object."""
        if not isinstance(self.value, dict):
            raise self.refuse(f"{what} has to be an object")
        return self.value

    def string(self, what: str) -> str:
        """The value as text."""
        if not isinstance(self.value, str):
            raise self.refuse(f"{what} has to be text")
        return self.value

    def text_of(self, key: str) -> str:
        """The text of an optional field; empty without it."""
        child = self.get(key)
        return "" if child is None else child.string(f"`{key}`")

    def texts_of(self, key: str) -> tuple[str, ...]:
        """The texts of an optional list; none without it."""
        return tuple(item.string(f"an item of `{key}`") for item in self.items_of(key))

    def flag_of(self, key: str) -> bool:
        """The truth of an optional field; false without it."""
        child = self.get(key)
        if child is not None and not isinstance(child.value, bool):
            raise child.refuse(f"`{key}` has to be true or false")
        return child is not None and bool(child.value)

    def followed(self) -> "Node":
        """What a reference object leads to in the end; the node itself if it is none."""
        node, seen = self, {self.at}
        while isinstance(node.value, dict) and isinstance(node.value.get("$ref"), str):
            node = self.spec.target(node.value["$ref"], (*node.at, "$ref"))
            if node.at in seen:
                raise self.refuse("a reference leads back to itself")
            seen.add(node.at)
        return node
