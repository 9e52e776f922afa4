"""Large documents for tests, in the manner of public ones, each with what was planted in it: expected values are those that were written down.

`scale` is the number of operations. A document is a mapping from file name to content, its main file first; JSON is YAML too, so all are written as JSON.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

Schema = dict[str, Any]
OK: Final[Schema] = {"200": {"description": "ok"}}


class Planted(NamedTuple):
    """One constraint that has to arrive."""

    operation: str
    """operationId."""
    path: tuple[str, ...]
    """`query name` or `body`, then names of properties; `*` for the items of a list."""
    keyword: str
    value: Any


@dataclass
class Made:
    """A document, and what was planted in it."""

    files: dict[str, Any]
    operations: list[str] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)
    unsent: dict[str, str] = field(default_factory=dict)
    """Operations that no request plan can send -> their place."""

    def parts(self) -> dict[str, bytes]:
        """File name -> text."""
        return {name: json.dumps(value, indent=1).encode() for name, value in self.files.items()}

    def plant(self, operation: str, path: tuple[str, ...], schema: Schema, *keywords: str) -> Schema:
        """Note keywords of a schema (all of them, if none is named), and give the schema back."""
        self.planted += [Planted(operation, path, word, schema[word]) for word in keywords or schema]
        return schema


def _head(version: str, **fields: Any) -> Schema:
    key = "swagger" if version == "2.0" else "openapi"
    place: Schema = (
        {"host": "api.example.com", "basePath": "/v1"} if key == "swagger" else {"servers": [{"url": "https://api.example.com/v1"}]}
    )
    return {key: version, "info": {"title": "made", "version": "1"}, **place, "paths": {}, **fields}


def _json(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}


def _answers(schema: Schema) -> Schema:
    return {"200": {"description": "ok", **_json(schema)}}


# fmt: off
CONSTRAINTS: Final[tuple[Schema, ...]] = (
    {"type": "string", "enum": ["asc", "desc"], "default": "asc"},
    {"type": "integer", "minimum": 1, "maximum": 100, "default": 30},
    {"type": "string", "pattern": "^[a-z]{2,8}$", "minLength": 2, "maxLength": 8},
    {"type": "number", "multipleOf": 0.5, "minimum": 0},
    {"type": "string", "format": "date-time"},
    {"type": "array", "items": {"type": "string", "maxLength": 9}, "minItems": 1, "maxItems": 10, "uniqueItems": True},
)
# fmt: on


def forge(scale: int) -> Made:
    """As GitHub's: many small operations, shared parameters, answers of some depth. 3.1."""
    doc = _head("3.1.0", components={"schemas": {}, "parameters": {}})
    made = Made({"forge.json": doc})
    doc["components"]["parameters"]["per_page"] = {"name": "per_page", "in": "query", "schema": CONSTRAINTS[1]}
    for index in range(max(scale // 10, 2)):
        after = f"#/components/schemas/entity{(index + 1) % max(scale // 10, 2)}"
        doc["components"]["schemas"][f"entity{index}"] = {
            "type": "object",
            "properties": {"id": {"type": "integer"}, "next": {"$ref": after}},
        }
    for index in range(scale):
        name = f"forge_op_{index}"
        own = made.plant(name, (f"query q{index}",), CONSTRAINTS[index % len(CONSTRAINTS)])
        made.plant(name, ("query per_page",), CONSTRAINTS[1])
        owner = made.plant(name, ("path owner",), {"type": "string", "minLength": 3, "maxLength": 39})
        doc["paths"][f"/repos/{{owner}}/things{index}"] = {
            "parameters": [{"name": "owner", "in": "path", "required": True, "schema": owner}],
            "get": {
                "operationId": name,
                "parameters": [{"name": f"q{index}", "in": "query", "schema": own}, {"$ref": "#/components/parameters/per_page"}],
                "responses": _answers({"$ref": f"#/components/schemas/entity{index % max(scale // 10, 2)}"}),
            },
        }
        made.operations.append(name)
    return made


def payments(scale: int) -> Made:
    """As Stripe's: form bodies, deep objects in queries, answers in which everything leads to everything. 3.0."""
    doc = _head("3.0.3", components={"schemas": {}})
    made = Made({"payments.json": doc})
    count = max(scale // 2, 3)
    for index in range(count):
        parts = {f"expand{step}": {"$ref": f"#/components/schemas/object{(index * step + 1) % count}"} for step in (1, 3, 7)}
        doc["components"]["schemas"][f"object{index}"] = {
            "type": "object",
            "properties": {"id": {"type": "string", "maxLength": 5000}, **parts, "nothing": {"type": "string", "nullable": True}},
        }
    for index in range(scale):
        name = f"pay_op_{index}"
        amount = made.plant(
            name, ("body", "amount"), {"type": "integer", "minimum": 0, "exclusiveMaximum": True, "maximum": 999}, "type", "minimum"
        )
        made.planted.append(Planted(name, ("body", "amount"), "exclusiveMaximum", 999))
        inner = made.plant(name, ("query created", "gte"), {"type": "integer", "minimum": 5})
        fields = {"amount": amount, "currency": made.plant(name, ("body", "currency"), {"type": "string", "enum": ["eur", "usd"]})}
        form = {"type": "object", "required": ["amount"], "properties": fields}
        doc["paths"][f"/objects{index}"] = {
            "post": {
                "operationId": name,
                "parameters": [
                    {"name": "created", "in": "query", "style": "deepObject", "explode": True,
                     "schema": {"type": "object", "properties": {"gte": inner}}},
                ],
                "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}},
                "responses": _answers({"$ref": f"#/components/schemas/object{index % count}"}),
            }
        }  # fmt: skip
        made.operations.append(name)
    return made


def cluster(scale: int) -> Made:
    """As Kubernetes': Swagger 2.0, long descriptions, one large kind that many bodies hold."""
    prose = "A long description of a field, as generated from comments in the source. " * 3
    container = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 63, "description": prose}}}
    spec = {
        "type": "object",
        "description": prose,
        "properties": {"containers": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/core.v1.Container"}}},
    }
    doc = _head(
        "2.0",
        consumes=["application/json"],
        produces=["application/json"],
        definitions={"core.v1.Container": container, "core.v1.Spec": spec},
    )
    made = Made({"cluster.json": doc})
    for index in range(scale):
        name = f"cluster_op_{index}"
        doc["definitions"][f"v1.Kind{index}"] = {
            "type": "object",
            "properties": {
                "spec": {"$ref": "#/definitions/core.v1.Spec"},
                "replicas": {"type": "integer", "format": "int32", "minimum": index},
            },
        }
        made.planted += [
            Planted(name, ("body", "replicas"), "minimum", index),
            Planted(name, ("body", "spec", "containers"), "minItems", 1),
            Planted(name, ("body", "spec", "containers", "*", "name"), "maxLength", 63),
            Planted(name, ("query pretty",), "enum", ["true", "false"]),
        ]
        doc["paths"][f"/namespaces/{{namespace}}/kinds{index}"] = {
            "parameters": [{"name": "namespace", "in": "path", "required": True, "type": "string"}],
            "post": {
                "operationId": name,
                "parameters": [
                    {"name": "body", "in": "body", "required": True, "schema": {"$ref": f"#/definitions/v1.Kind{index}"}},
                    {"name": "pretty", "in": "query", "type": "string", "enum": ["true", "false"]},
                ],
                "responses": {"201": {"description": "ok", "schema": {"$ref": f"#/definitions/v1.Kind{index}"}}},
            },
        }
        made.operations.append(name)
    return made


def trees(scale: int) -> Made:
    """Recursive in every way: through lists, maps, choices and each other. 3.1."""
    ref = "#/components/schemas/"
    leaf = {"type": "string", "minLength": 1, "maxLength": 7}
    schemas: Schema = {
        "Tree": {
            "type": "object",
            "properties": {"name": leaf, "children": {"type": "array", "maxItems": 4, "items": {"$ref": f"{ref}Tree"}}},
        },
        "Map": {"type": "object", "properties": {"tree": {"$ref": f"{ref}Tree"}}, "additionalProperties": {"$ref": f"{ref}Map"}},
        "Even": {"type": "object", "properties": {"odd": {"$ref": f"{ref}Odd"}, "depth": {"type": "integer", "multipleOf": 2}}},
        "Odd": {
            "type": "object",
            "properties": {"even": {"anyOf": [{"$ref": f"{ref}Even"}, {"type": "null"}]}, "list": {"$ref": f"{ref}Tree"}},
        },
    }
    made = Made({"trees.json": _head("3.1.0", components={"schemas": schemas})})
    for index in range(scale):
        name, kind = f"tree_op_{index}", ("Tree", "Even")[index % 2]
        far = ("body", "children", "*", "children", "*", "name") if kind == "Tree" else ("body", "odd", "list", "name")
        made.planted += [Planted(name, far, "maxLength", 7)]
        made.planted += [Planted(name, ("body", "depth"), "multipleOf", 2)] if kind == "Even" else []
        body = {"type": "object", "properties": {"wrapped": {"$ref": f"{ref}Map"}}, "allOf": [{"$ref": ref + kind}]}
        made.files["trees.json"]["paths"][f"/trees{index}"] = {
            "post": {"operationId": name, "requestBody": _json(body), "responses": _answers({"$ref": ref + kind})}
        }
        made.operations.append(name)
    return made


def chains(scale: int) -> Made:
    """`allOf` upon `allOf`: each kind adds a field to the one before. 3.0."""
    ref = "#/components/schemas/"
    doc = _head("3.0.3", components={"schemas": {"Base": {"type": "object", "properties": {"id": {"type": "string", "minLength": 11}}}}})
    made = Made({"chains.json": doc})
    for index in range(scale):
        before = f"{ref}Link{index - 1}" if index else f"{ref}Base"
        own = {"type": "object", "required": [f"f{index}"], "properties": {f"f{index}": {"type": "integer", "maximum": index}}}
        doc["components"]["schemas"][f"Link{index}"] = {"allOf": [{"$ref": before}, own]}
        name = f"chain_op_{index}"
        made.planted += [Planted(name, ("body", "id"), "minLength", 11), Planted(name, ("body", f"f{index // 2}"), "maximum", index // 2)]
        doc["paths"][f"/links{index}"] = {
            "put": {"operationId": name, "requestBody": _json({"$ref": f"{ref}Link{index}"}), "responses": OK}
        }
        made.operations.append(name)
    return made


def enums(scale: int) -> Made:
    """Vocabularies of thousands of words, as of currencies, time zones and SKUs. 3.1."""
    words = [f"word-{number:05d}" for number in range(3000)]
    made = Made({"enums.json": _head("3.1.0")})
    for index in range(scale):
        name = f"enum_op_{index}"
        schema = made.plant(name, ("query code",), {"type": "string", "enum": words[index : index + 1500], "default": words[index]})
        const = made.plant(name, ("query fixed",), {"const": f"fixed-{index}"})
        made.files["enums.json"]["paths"][f"/codes{index}"] = {
            "get": {
                "operationId": name,
                "parameters": [{"name": "code", "in": "query", "schema": schema}, {"name": "fixed", "in": "query", "schema": const}],
                "responses": OK,
            }
        }
        made.operations.append(name)
    return made


STYLED: Final = (
    ("query", "form", True), ("query", "form", False), ("query", "spaceDelimited", False), ("query", "pipeDelimited", False),
    ("header", "simple", False), ("cookie", "form", True), ("path", "simple", False), ("path", "label", False), ("path", "matrix", False),
    ("path", "label", True), ("path", "matrix", True),
)  # fmt: skip


def styles(scale: int) -> Made:
    """Every place with every style, as lists. 3.0."""
    made = Made({"styles.json": _head("3.0.3")})
    for index in range(scale):
        where, style, explode = STYLED[index % len(STYLED)]
        name, schema = f"style_op_{index}", {"type": "array", "items": {"type": "string"}, "maxItems": 3}
        path = f"/styled{index}" + ("/{list}" if where == "path" else "")
        row = {"name": "list", "in": where, "required": where == "path", "style": style, "explode": explode, "schema": schema}
        if where == "path" and style != "simple" and explode:
            made.unsent[name] = f"paths.{path}.get"
        else:
            made.operations.append(name)
            made.planted += [Planted(name, (f"{where} list",), "maxItems", 3)]
        made.files["styles.json"]["paths"][path] = {"get": {"operationId": name, "parameters": [row], "responses": OK}}
    return made


FORMATS: Final = ("csv", "ssv", "pipes", "multi", "tsv")


def formats(scale: int) -> Made:
    """Lists in every format of 2.0, fields of forms and files."""
    made = Made({"formats.json": _head("2.0")})
    for index in range(scale):
        kind, name = FORMATS[index % len(FORMATS)], f"format_op_{index}"
        items = {"type": "string", "pattern": "^[a-z]+$"}
        parameters: list[Schema] = [
            {"name": "list", "in": "query", "required": True, "type": "array", "items": items, "collectionFormat": kind, "maxItems": 4},
            {"name": "size", "in": "formData", "type": "integer", "maximum": 10, "exclusiveMaximum": True},
            {"name": "upload", "in": "formData", "required": True, "type": "file"},
        ]
        made.files["formats.json"]["paths"][f"/formats{index}"] = {
            "post": {"operationId": name, "consumes": ["multipart/form-data"], "parameters": parameters, "responses": OK}
        }
        if kind == "tsv":
            made.unsent[name] = f"paths./formats{index}.post"
            continue
        made.operations.append(name)
        made.planted += [
            Planted(name, ("query list",), "maxItems", 4),
            Planted(name, ("query list", "*"), "pattern", "^[a-z]+$"),
            Planted(name, ("body", "size"), "exclusiveMaximum", 10),
            Planted(name, ("body",), "required", ["upload"]),
        ]
    return made


def animals(scale: int) -> Made:
    """Discriminators with mappings, and kinds that extend one another. 3.0."""
    ref = "#/components/schemas/"
    doc = _head("3.0.3", components={"schemas": {}})
    made = Made({"animals.json": doc})
    for index in range(scale):
        cat, dog, name = f"Cat{index}", f"Dog{index}", f"animal_op_{index}"
        claws, bark = {"type": "integer", "maximum": index + 1}, {"type": "string", "enum": ["woof", f"w{index}"]}
        kind = {"kind": {"type": "string"}}
        doc["components"]["schemas"] |= {
            cat: {"type": "object", "required": ["kind"], "properties": {**kind, "claws": claws}},
            dog: {"type": "object", "required": ["kind"], "properties": {**kind, "bark": bark}},
        }
        mapping = {"cat": f"{ref}{cat}", "dog": dog}
        pet = {"oneOf": [{"$ref": ref + cat}, {"$ref": ref + dog}], "discriminator": {"propertyName": "kind", "mapping": mapping}}
        made.planted += [
            Planted(name, ("body", "pet", "claws"), "maximum", index + 1),
            Planted(name, ("body", "pet", "bark"), "enum", ["woof", f"w{index}"]),
        ]
        body = {"type": "object", "required": ["pet"], "properties": {"pet": pet}}
        doc["paths"][f"/pets{index}"] = {"post": {"operationId": name, "requestBody": _json(body), "responses": OK}}
        made.operations.append(name)
    return made


def newest(scale: int) -> Made:
    """What 3.2 brought: the method `query`, further methods, a whole query as a form, named media types, `$self`."""
    media = {"schema": {"type": "object", "properties": {"text": {"type": "string", "maxLength": 20}}}}
    doc = _head("3.2.0", components={"mediaTypes": {"search": media}}, **{"$self": "https://api.example.com/newest.json"})
    made = Made({"newest.json": doc})
    for index in range(scale):
        search, copy = f"search_op_{index}", f"copy_op_{index}"
        page = made.plant(search, ("query page",), {"type": "integer", "minimum": 1, "maximum": index + 2})
        whole = {"type": "object", "properties": {"page": page}}
        made.planted += [Planted(search, ("body", "text"), "maxLength", 20)]
        doc["paths"][f"/items{index}"] = {
            "query": {
                "operationId": search,
                "parameters": [{"name": "all", "in": "querystring", "content": {"application/x-www-form-urlencoded": {"schema": whole}}}],
                "requestBody": {
                    "content": {"application/json": {"$ref": "https://api.example.com/newest.json#/components/mediaTypes/search"}}
                },
                "responses": {"200": {"summary": "ok"}},
            },
            "additionalOperations": {"COPY": {"operationId": copy, "responses": {"200": {}}}},
        }
        made.operations += [search, copy]
    return made


def files(scale: int) -> Made:
    """One file a path and one a kind, in folders, leading to each other. 3.1."""
    main = _head("3.1.0")
    made = Made({"openapi.json": main, "parts/common.json": {"limit": {"name": "limit", "in": "query", "schema": CONSTRAINTS[1]}}})
    for index in range(scale):
        name = f"file_op_{index}"
        after = f"kind{(index + 1) % scale}.json"
        made.files[f"kinds/kind{index}.json"] = {
            "type": "object",
            "properties": {"size": {"type": "integer", "maximum": index}, "next": {"$ref": after}},
        }
        made.files[f"paths/path{index}.json"] = {
            "post": {
                "operationId": name,
                "parameters": [{"$ref": "../parts/common.json#/limit"}],
                "requestBody": _json({"$ref": f"../kinds/kind{index}.json"}),
                "responses": _answers({"$ref": f"../kinds/kind{index}.json"}),
            }
        }
        main["paths"][f"/files{index}"] = {"$ref": f"./paths/path{index}.json"}
        made.planted += [
            Planted(name, ("query limit",), "maximum", 100),
            Planted(name, ("body", "size"), "maximum", index),
            Planted(name, ("body", "next", "size"), "maximum", (index + 1) % scale),
        ]
        made.operations.append(name)
    return made


def tangle(scale: int) -> Made:
    """Bodies and answers of kinds that all lead to each other. 3.1."""
    ref, count = "#/components/schemas/", max(scale * 3, 3)
    doc = _head("3.1.0", components={"schemas": {}})
    made = Made({"tangle.json": doc})
    for index in range(count):
        parts = {f"p{step}": {"$ref": f"{ref}T{(index * step + 1) % count}"} for step in (1, 5, 7)}
        doc["components"]["schemas"][f"T{index}"] = {
            "type": "object",
            "properties": {"size": {"type": "integer", "maximum": index}, **parts},
        }
    for index in range(scale):
        name = f"tangle_op_{index}"
        made.planted += [
            Planted(name, ("body", "size"), "maximum", index),
            Planted(name, ("body", "p1", "size"), "maximum", (index + 1) % count),
        ]
        doc["paths"][f"/t{index}"] = {
            "post": {
                "operationId": name,
                "requestBody": _json({"$ref": f"{ref}T{index}"}),
                "responses": _answers({"$ref": f"{ref}T{index}"}),
            }
        }
        made.operations.append(name)
    return made


# fmt: off
DOCUMENTS: Final[dict[str, tuple[Callable[[int], Made], int]]] = {
    # name       maker     operations when it is large
    "forge":    (forge,    1000),
    "payments": (payments, 500),
    "cluster":  (cluster,  600),
    "trees":    (trees,    300),
    "chains":   (chains,   150),
    "enums":    (enums,    100),
    "styles":   (styles,   440),
    "formats":  (formats,  500),
    "animals":  (animals,  300),
    "newest":   (newest,   300),
    "files":    (files,    150),
    "tangle":   (tangle,   60),
}
# fmt: on


# ---------------------------------------------------------------- looking for what was planted
def places(schema: Any, path: tuple[str, ...], whole: Schema) -> Iterator[Schema]:
    """Every schema that speaks of the value at a path: through references into `$defs` of `whole`, and parts and choices of the same value."""
    waiting: list[tuple[Any, tuple[str, ...], frozenset[str]]] = [(schema, path, frozenset())]
    while waiting:
        here, rest, seen = waiting.pop()
        if not isinstance(here, dict):
            continue
        reference = str(here.get("$ref", ""))
        if reference and reference not in seen:
            waiting.append((whole.get("$defs", {}).get(reference.removeprefix("#/$defs/")), rest, seen | {reference}))
        waiting += [(part, rest, seen) for word in ("allOf", "anyOf", "oneOf") for part in here.get(word, ())]
        if not rest:
            yield here
        elif rest[0] == "*":
            waiting.append((here.get("items"), rest[1:], frozenset()))
        else:
            waiting.append((here.get("properties", {}).get(rest[0]), rest[1:], frozenset()))


def arrives(planted: Planted, schema: Schema, path: tuple[str, ...]) -> bool:
    """Whether a constraint stands in a schema at a path."""
    return any(found.get(planted.keyword) == planted.value for found in places(schema, path, schema))
