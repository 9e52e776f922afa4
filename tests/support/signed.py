"""A built toolpack of many plain tools, all of them signed: for measuring what a gate costs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caskmcp.govern import pins, sign
from caskmcp.store.layout import Pack
from caskmcp.workflows import approve, build, here
from tests.support import packs
from tests.support.world import world

HOST = "api.example.com"
MANIFEST = f"""\
version: 1
name: shop
hosts: [{HOST}]
sources: [{{openapi: api.json}}]
auth: {{{HOST}: {{scheme: bearer, from: env:TOKEN}}}}
environments: {{local: {{{HOST}: {{url: "http://127.0.0.1:8080", private: true}}}}}}
"""
BY = packs.signer("alice")


def operation(number: int) -> dict[str, Any]:
    """A read with three parameters and an answer of six fields."""
    fields: dict[str, Any] = {name: {"type": "string", "description": f"The {name} of item {number}"} for name in ("name", "state", "city")}
    fields |= {"id": {"type": "integer"}, "total": {"type": "number"}, "tags": {"type": "array", "items": {"type": "string"}}}
    query = [
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
        {"name": "state", "in": "query", "schema": {"type": "string", "enum": ["open", "paid", "sent"]}},
    ]
    answer = {"description": "ok", "content": {"application/json": {"schema": {"type": "object", "properties": fields}}}}
    return {
        "operationId": f"getItem{number}",
        "summary": f"Get one item of list {number}",
        "description": f"Reads one item of list {number}; changes nothing.",
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}, *query],
        "responses": {"200": answer},
    }


def document(operations: int) -> dict[str, Any]:
    """An OpenAPI document of so many operations."""
    paths = {f"/area{number}/list{number}/{{id}}": {"get": operation(number)} for number in range(operations)}
    return {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "servers": [{"url": f"https://{HOST}"}], "paths": paths}


def built(folder: Path, config: Path, operations: int, *, manifest: str = MANIFEST, paths: Mapping[str, Any] | None = None) -> Pack:
    """A project in `folder` whose every subject is approved, with its trust root pinned below `config`. paths: more of the document."""
    folder.mkdir(parents=True, exist_ok=True)
    said = document(operations)
    said["paths"] |= paths or {}
    (folder / "api.json").write_text(json.dumps(said))
    (folder / "cask.yaml").write_text(manifest)
    made = world(folder, config=config)
    build.run(made)
    pack, root = here.pack(made), packs.root(BY)
    made.files.write(pack.trust_root(1), packs.root_bytes(sign.sign_root(root, BY)))
    pins.write(made.files, made.config, packs.pin_of(root))
    approve.sign_present(made, pack, BY, basis="spec", leaving_out=(), reason="reviewed")
    return pack
