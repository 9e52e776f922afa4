"""Whether artifacts have their published forms: each file against the JSON Schema of its record, each tool's schemas against the metaschema.

The readers of the records are strict as well. This asks validators, as anybody with the published schemas could: a fast one whether all is
well, and where it is not so sure the reference one (`misfits`), whose word counts.
"""

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Final

import jsonschema_rs

from caskmcp import text
from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.model.finding import Finding, Severity
from caskmcp.model.schemas import SCHEMAS

# fmt: off
FORMS: Final = {
    # artifact                   published schema
    "auth.yaml":                 "auth",
    "baseline.json":             "baseline",
    "contracts.yaml":            "contracts",
    "coverage.json":             "coverage",
    "environments.yaml":         "environments",
    "observations.json":         "observations",
    "policy.yaml":               "policy",
    "scopes.suggested.yaml":     "scopes.suggested",
    "tools.json":                "tools",
    "toolsets.yaml":             "toolsets",
}
# fmt: on
"""`openapi.json` is not ours to define: its form is the OpenAPI specification's."""
METASCHEMA: Final = "https://json-schema.org/draft/2020-12/schema"
"""The validator has it built in."""


def findings(artifacts: Mapping[str, bytes]) -> Iterator[Finding]:
    """One finding for each artifact that does not have its form, and for each tool with a schema that is none."""
    for name in sorted(set(artifacts) & set(FORMS)):
        try:
            value = read(artifacts[name], name)
        except CaskError as error:
            yield _finding(name, f"{name} cannot be read: {error.what}", error.place or name)
            continue
        yield from _against_form(name, value)
    if "tools.json" in artifacts:
        yield from _schemas_of_tools(artifacts["tools.json"])


@lru_cache(maxsize=16)
def read(data: bytes, name: str) -> Any:
    """What an artifact holds, to be looked at and not changed: each step of a check asks for the same bytes. Raises CASK-I003."""
    return text.parse_json(data, name) if name.endswith(".json") else text.parse_yaml(data, name).value


def _against_form(name: str, value: Any) -> Iterator[Finding]:
    schema = load(SCHEMAS[FORMS[name]]).model_json_schema(by_alias=True)
    if _fits(jsonschema_rs.Draft202012Validator(schema, offline=True), value):
        return
    if worst := load("analyze.misfits:of_value")(schema, value):
        yield _finding(name, f"{name} does not have its published form at {worst}", name)


def _schemas_of_tools(data: bytes) -> Iterator[Finding]:
    try:
        tools = read(data, "tools.json").get("tools", ())
    except (CaskError, AttributeError):
        return  # told above: the file cannot be read, or is no object
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict):
            yield from _schemas_of(tool)


def _schemas_of(tool: Mapping[str, Any]) -> Iterator[Finding]:
    for key in ("input_schema", "output_schema"):
        schema = tool.get(key)
        if not isinstance(schema, dict) or _fits(_metaschema(), schema):
            continue
        if worst := load("analyze.misfits:of_schema")(schema):
            yield _finding(f"tool:{tool.get('name')}", f"its {key} is no JSON Schema at {worst}", "tools.json")


@cache
def _metaschema() -> jsonschema_rs.Draft202012Validator:
    """Formats count: a `pattern` has to be a regular expression, a `$ref` a reference."""
    return jsonschema_rs.Draft202012Validator({"$ref": METASCHEMA}, validate_formats=True, offline=True)


def _fits(validator: jsonschema_rs.Draft202012Validator, value: Any) -> bool:
    """Whether the fast validator is sure that a value is valid. What it cannot take (a number beyond its range) it is not sure of."""
    try:
        return validator.is_valid(value)
    except ValueError:
        return False


def _finding(subject: str, message: str, place: str) -> Finding:
    return Finding(code="CASK-L010", severity=Severity.REFUSED, subject=subject, message=message, place=place, mend="cask build")
