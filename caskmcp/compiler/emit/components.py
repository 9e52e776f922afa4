"""Definitions of many self-contained schemas as the components of one document: one name, one content."""

import re
from collections.abc import Mapping
from typing import Any, Final

from caskmcp.model.record import JsonSchema
from caskmcp.model.shared import Table

_VALUES: Final = frozenset({"enum", "const", "default", "example", "examples"})
"""Keywords whose content is data, not schemas."""
_EXAMPLES: Final = frozenset({"default", "example", "examples"})
_MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
"""Keywords whose keys are names, which may be those of keywords."""
_PREFIX: Final = "#/components/schemas/"


class Components:
    """Gathers definitions while schemas are placed."""

    def __init__(self) -> None:
        self.schemas: dict[str, JsonSchema] = {}
        self._origins: dict[str, str] = {}
        self._waiting: list[tuple[str, str]] = []
        """(name given, name) of definitions that were referred to and are not placed yet."""
        self._given: dict[str, str] = {}
        """Name in the schema that is being placed -> name given."""
        self._table = Table()
        """Origins: operations of one document often carry the same definitions."""

    def place(self, schema: JsonSchema) -> JsonSchema:
        """The schema without `$defs`, its references into the components."""
        definitions = schema.get("$defs", {})
        body = {key: value for key, value in schema.items() if key != "$defs"}
        known = definitions if isinstance(definitions, Mapping) else {}
        self._given = {}
        placed: JsonSchema = self._node(body, known)
        # One after the other, not one inside the other: a document may hold a chain of as many definitions as it likes.
        while self._waiting:
            given, name = self._waiting.pop()
            self.schemas[given] = self._node(known[name], known)
        return placed

    def _node(self, node: Any, definitions: Mapping[str, Any]) -> Any:
        if isinstance(node, list):
            return [self._node(item, definitions) for item in node]
        if not isinstance(node, Mapping):
            return node
        out: JsonSchema = {}
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                out |= self._reference(value, definitions)
            elif key == "discriminator" and isinstance(value, Mapping):
                out[key] = self._discriminator(value, definitions)
            elif key in _MAPS and isinstance(value, Mapping):
                out[key] = {name: self._node(row, definitions) for name, row in value.items()}
            elif key not in _VALUES:
                out[key] = self._node(value, definitions)
            elif key not in _EXAMPLES or not _mentions_reference(value):
                out[key] = value
        return out

    def _discriminator(self, value: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
        mapping = value.get("mapping")
        rows = (
            {name: self._reference(str(target), definitions).get("$ref") for name, target in mapping.items()}
            if isinstance(mapping, Mapping)
            else {}
        )
        kept = {name: target for name, target in rows.items() if target}
        # `defaultMapping` is of 3.2, and what is written here is 3.1.
        words = {key: item for key, item in value.items() if key not in ("mapping", "defaultMapping")}
        return words | ({"mapping": kept} if kept else {})

    def _reference(self, value: str, definitions: Mapping[str, Any]) -> dict[str, str]:
        name = value.removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
        if not value.startswith("#/$defs/") or name not in definitions:
            return {}
        if name not in self._given:
            self._given[name] = self._define(name, definitions)
        return {"$ref": _PREFIX + self._given[name]}

    def _define(self, name: str, definitions: Mapping[str, Any]) -> str:
        origin = self._table.key(name, definitions)
        wanted = re.sub(r"[^A-Za-z0-9_]+", "_", name)[:60] or "Definition"
        given = wanted if self._origins.get(wanted, origin) == origin else f"{wanted}_{origin.rpartition('.')[2][:8]}"
        if given not in self._origins:
            self._origins[given] = origin
            self._waiting.append((given, name))
        return given


def _mentions_reference(value: Any) -> bool:
    """Whether data holds a key `$ref`, which readers of a whole document would follow."""
    if isinstance(value, Mapping):
        return "$ref" in value or any(map(_mentions_reference, value.values()))
    return isinstance(value, list) and any(map(_mentions_reference, value))
