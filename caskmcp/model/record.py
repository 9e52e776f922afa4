"""The base of all records: frozen, strict, closed. Parsed once at the border; inside there is nothing unchecked."""

import json
from collections.abc import Callable
from typing import Any, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from caskmcp.errors import CaskError
from caskmcp.text import Document, parse_json, parse_yaml

T = TypeVar("T")
_OWN: Final = "CASK-I004"
"""The code of a person's own document: what cannot even be parsed there is CASK-I003."""
JsonSchema = dict[str, Any]
"""A JSON Schema, draft 2020-12, self-contained (`$ref` only into its own `$defs`)."""


class Record(BaseModel):
    """Frozen, strict, `extra="forbid"`. Fields that hold their default are left out when written (`plain`)."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True, defer_build=True)

    def plain(self) -> dict[str, Any]:
        """The record as plain JSON values, without fields that were left at their default."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    @classmethod
    def of(cls, document: Document, *, code: str = "CASK-I004") -> Self:
        """Check a parsed document. Raises CaskError with `file:line` of the first thing that is wrong."""
        try:
            return cls.model_validate_json(_json(document.value))
        except ValidationError as cause:
            raise refusal(cause, document, code) from cause

    @classmethod
    def from_yaml(cls, data: bytes, name: str, *, code: str = "CASK-I004") -> Self:
        """Parse and check YAML bytes. code: of what is wrong in either way, if it is not a person's own document."""
        return cls.of(_parsed(parse_yaml, data, name, code), code=code)

    @classmethod
    def from_json(cls, data: bytes, name: str, *, code: str = "CASK-I004") -> Self:
        """Parse and check JSON bytes. code: as for YAML."""
        return cls.of(Document(name, _parsed(parse_json, data, name, code), {}), code=code)


def _parsed(parse: Callable[[bytes, str], T], data: bytes, name: str, code: str) -> T:
    try:
        return parse(data, name)
    except CaskError as cause:
        if code == _OWN:
            raise
        raise CaskError(code, cause.what, place=cause.place, mend=cause.mend) from cause


def refusal(cause: ValidationError, document: Document, code: str) -> CaskError:
    """The first of pydantic's complaints as an error with a place; an unknown key is told before its consequences."""
    rows = sorted(cause.errors(), key=lambda row: row["type"] != "extra_forbidden")
    path = rows[0]["loc"]
    dotted = ".".join(str(part) for part in path) or "the document"
    said = rows[0]["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    what = f"unknown key `{dotted}`" if rows[0]["type"] == "extra_forbidden" else f"`{dotted}`: {said}"
    return CaskError(code, what, place=document.place(path))


def _json(value: Any) -> bytes:
    # Strict mode takes tuples and enums from JSON only, so records are always checked from JSON bytes.
    try:
        return to_json(value)
    except PydanticSerializationError:
        pass  # the other writer says why
    try:
        return json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as cause:
        raise CaskError("CASK-I003", "a text holds half a character (a lone surrogate)") from cause
