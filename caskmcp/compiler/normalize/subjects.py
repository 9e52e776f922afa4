"""What a field or an argument is called after: `order` for `order_id`, for `id` of the items of `orders`, for `{order_id}` of a path.

Names alone make no edge between an answer and an argument. They are asked only where equal values are no proof: `17` names a product and
an order alike.
"""

from collections.abc import Sequence
from typing import Final

from caskmcp.compiler.normalize import names, words

# fmt: off
KINDS: Final = names.GENERIC | frozenset(
    ["ids", "uuids", "keys", "slugs", "codes", "names", "numbers", "number", "no", "nr", "num", "refs", "reference", "iid", "oid", "urn", "ulid", "serial", "handle", "external", "hash"]
)
"""Last words that say in which way a thing is named, and not which thing it is."""
GIVEN: Final = frozenset({"id", "ids", "pk", "uuid", "uuids", "guid", "uid", "oid", "ulid"})
"""Those of `KINDS` that a service gives to a thing; the others are often what people call it."""
ENVELOPES: Final = frozenset(
    ["data", "item", "items", "result", "results", "record", "records", "row", "rows", "list", "entry", "entries", "node", "nodes", "edge", "edges", "content", "contents", "value", "values", "payload", "object", "objects", "hit", "hits", "element", "elements", "embedded", "response", "page", "meta", "body", "collection", "docs", "model", "models", "self"]
)
"""Names of objects around an answer that say nothing of what is in it."""
# fmt: on


SHORTEST: Final = 2
"""Letters that say nothing: `{c}` of `/customers/{c}`."""


def of_name(name: str) -> str:
    """The noun of one name, singular and in lower case; empty if it has none (`id`, `items`)."""
    parts = [part.lower() for part in words.split(name)] if name.isascii() else []
    while parts and parts[-1] in KINDS:
        parts.pop()
    return names.singular(parts[-1]) if parts and not (len(parts) == 1 and parts[0] in ENVELOPES) else ""


def of_pointer(pointer: str, resource: str) -> str:
    """The noun of a field: its own, else that of the object around it, else the operation's resource."""
    own = (of_name(part) for part in reversed(pointer.split("/")) if part not in ("", "*"))
    return next((noun for noun in own if noun), resource)


def of_parameter(name: str, before: str) -> str:
    """The noun of a parameter of a path: of its name, if that says anything, else of the segment before it."""
    noun = of_name(name)
    return noun if len(noun) > SHORTEST else of_name(before)


def of_argument(name: str, resource: str) -> str:
    """The noun of a parameter, or of a field of a body by its pointer: the resource's only if the name says nothing but that it names a thing."""
    *above, last = [part for part in name.split("/") if part not in ("", "*")] or [resource]
    noun = of_name(last)
    if noun or not _only_names(last):
        return noun
    return next((noun for noun in map(of_name, reversed(above)) if noun), resource)


def _only_names(name: str) -> bool:
    parts = words.split(name) if name.isascii() else ()
    return bool(parts) and all(part.lower() in KINDS for part in parts)


def is_own(place: str, noun: str, resource: str) -> bool:
    """Whether a field of a body is how the client itself calls the thing that the operation is about: then no answer gives it."""
    where, _, pointer = place.partition(" ")
    parts = words.split(_leaf(pointer))
    return where == "body" and noun == resource and bool(parts) and parts[-1].lower() in KINDS - GIVEN


def is_home(pointer: str, resource: str) -> bool:
    """Whether a field is what names the thing around it (`id`, `slotId` in `slots`), and not what that refers to or was told (`owner_id`)."""
    leaf = _leaf(pointer)
    noun, above = of_name(leaf), pointer.removesuffix("/*").rpartition("/")[0]
    return _only_names(leaf) or (noun != "" and noun == of_pointer(above, resource))


def _leaf(pointer: str) -> str:
    return next((part for part in reversed(pointer.split("/")) if part not in ("", "*")), "")


def of_path(literals: Sequence[str], call: str = "") -> str:
    """The resource of an operation: the noun of its last literal segment, or of what a shared endpoint is asked for."""
    nouns = (of_name(text) for text in ((call,) if call else tuple(reversed(literals))))
    return next((noun for noun in nouns if noun), "")
