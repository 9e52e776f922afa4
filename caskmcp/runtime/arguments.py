"""The closed check of a call's arguments against a tool's input schema.

Promises: the schema is compiled once, with linear regular expressions only and formats asserted; an argument that the schema does not
name is refused even where the schema forgot to close itself; a refusal names the argument and what is allowed, and never repeats a value.
What the arguments become is `plan`'s business.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs

from caskmcp.errors import CaskError
from caskmcp.model.tool import Tool

SHOWN: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
"""Names that are repeated in an error; a name of another form was made up by the caller and is not."""
MOST: Final = 3
"""Complaints that one refusal holds."""
OPTIONS: Final = 20
"""Values of a closed vocabulary that one refusal lists."""


@dataclass(frozen=True)
class ArgumentCheck:
    """The compiled input schema of one tool."""

    names: tuple[str, ...]
    """Arguments that the tool takes, sorted."""
    validator: jsonschema_rs.Draft202012Validator

    def refuse(self, arguments: Mapping[str, Any]) -> None:
        """Return if the arguments fit. Raises CASK-R002 with the argument's name and what is allowed."""
        unknown = sorted(set(arguments) - set(self.names))
        complaints = [_unknown(unknown, self.names)] if unknown else []
        try:
            complaints += [_complaint(error) for error in self.validator.iter_errors(dict(arguments)) if not (unknown and _at_root(error))]
        except ValueError as cause:  # a lone surrogate, or levels beyond what a document may have
            raise CaskError("CASK-R002", "an argument is no JSON value") from cause
        if complaints:
            raise CaskError("CASK-R002", "; ".join(dict.fromkeys(complaints[:MOST])))


def compiled(tool: Tool) -> ArgumentCheck:
    """Compile a tool's input schema. Raises CASK-L002 if it is no closed object schema that can be compiled: such a tool is not served."""
    schema = tool.input_schema
    if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
        raise CaskError("CASK-L002", f"the input schema of {tool.name} is not a closed object")
    try:
        validator = jsonschema_rs.Draft202012Validator(
            schema, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions(), offline=True
        )
    except (ValueError, jsonschema_rs.ReferencingError) as cause:
        raise CaskError("CASK-L002", f"the input schema of {tool.name} cannot be compiled") from cause
    return ArgumentCheck(tuple(sorted(schema.get("properties", {}))), validator)


def _unknown(unknown: list[str], names: tuple[str, ...]) -> str:
    named = [f"`{name}`" for name in unknown if SHOWN.fullmatch(name)]
    what = f"unknown argument {', '.join(named[:MOST])}" if named else "an unknown argument"
    return f"{what}; allowed: {', '.join(names) if names else 'none'}"


def _at_root(error: jsonschema_rs.ValidationError) -> bool:
    return error.kind.name == "additionalProperties" and not error.instance_path


def _complaint(error: jsonschema_rs.ValidationError) -> str:
    details = error.kind.as_dict()
    return f"{_place(error)} {_WORDS.get(error.kind.name, _other)(details)}"


def _place(error: jsonschema_rs.ValidationError) -> str:
    parts = [str(part) if isinstance(part, int) or SHOWN.fullmatch(part) else "…" for part in error.instance_path]
    return f"`{'.'.join(parts)}`" if parts else "the call"


def _other(_: Mapping[str, Any]) -> str:
    return "does not have an allowed form"


def _limit(words: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda details: f"has to be {words} {details['limit']}"


def _type(details: Mapping[str, Any]) -> str:
    return f"has to be of type {' or '.join(sorted(details['types']))}"


def _enum(details: Mapping[str, Any]) -> str:
    options = details["options"]
    listed = ", ".join(str(option) for option in options[:OPTIONS])
    return f"has to be one of: {listed}{', …' if len(options) > OPTIONS else ''}"


def _names(details: Mapping[str, Any]) -> str:
    named = [f"`{name}`" for name in details["unexpected"] if SHOWN.fullmatch(name)]
    return f"has unknown fields{': ' + ', '.join(named[:MOST]) if named else ''}"


_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "additionalProperties": _names,
    "enum": _enum,
    "exclusiveMaximum": _limit("less than"),
    "exclusiveMinimum": _limit("more than"),
    "format": lambda details: f"has to have the format {details['format']}",
    "maxItems": _limit("a list of at most this many items:"),
    "maxLength": _limit("a text of at most this many characters:"),
    "maximum": _limit("at most"),
    "minItems": _limit("a list of at least this many items:"),
    "minLength": _limit("a text of at least this many characters:"),
    "minimum": _limit("at least"),
    "pattern": lambda details: f"has to match the pattern {details['pattern']}",
    "required": lambda details: f"lacks the required argument `{details['property']}`",
    "type": _type,
}
"""JSON Schema keyword -> what it asks, from the schema's own words alone."""
