"""Blocks of `.bru` files in the shape of Bruno's exported JSON, so that one reader serves both."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from caskmcp.compiler.capture.sources.bruno import bru
from caskmcp.compiler.capture.sources.bruno.bru import Block

METHODS: Final = ("get", "post", "put", "delete", "patch", "options", "head", "connect", "trace", "http")
_TEXTS: Final = {"body:json": "json", "body:text": "text", "body:xml": "xml", "body:sparql": "sparql", "body": "json"}
_FORMS: Final = {"body:form-urlencoded": "formUrlEncoded", "body:multipart-form": "multipartForm"}
_SCRIPTS: Final = ("script:pre-request", "script:post-response", "tests")
_ENVIRONMENTS: Final = "environments"
_ROOTS: Final = ("collection.bru", "folder.bru")
Blocks = dict[str, Block]


def collection(files: Mapping[str, str]) -> dict[str, Any]:
    """Files of a folder (path below it, with slashes -> text) as one exported collection. Raises CASK-C001 with the line."""
    parsed = {PurePosixPath(path): bru.parse(text) for path, text in sorted(files.items())}
    out: dict[str, Any] = {"items": [], "environments": []}
    folders: dict[PurePosixPath, dict[str, Any]] = {PurePosixPath("."): out}
    for path, blocks in parsed.items():
        if path.parent.name == _ENVIRONMENTS or not path.name or {block.name for block in blocks} & {"vars", "vars:secret"}:
            out["environments"].append({"name": path.stem, "variables": _environment(blocks)})
            continue
        holder = _folder(folders, path.parent)
        if path.name in _ROOTS:
            holder["root"] = {"request": _request(blocks)}
        else:
            holder["items"].append(item(blocks))
    return out


def item(blocks: list[Block]) -> dict[str, Any]:
    """A request with its examples."""
    return {"request": _request(blocks), "examples": [_example(block) for block in blocks if block.name == "example"]}


def _folder(folders: dict[PurePosixPath, dict[str, Any]], path: PurePosixPath) -> dict[str, Any]:
    if path not in folders:
        folders[path] = {"type": "folder", "items": []}
        _folder(folders, path.parent)["items"].append(folders[path])
    return folders[path]


def _environment(blocks: list[Block]) -> list[dict[str, Any]]:
    return [row.plain() for block in blocks if block.name == "vars" for row in bru.pairs(block)]


def _request(blocks: list[Block]) -> dict[str, Any]:
    named = {block.name: block for block in blocks}
    method = next((named[name] for name in METHODS if name in named), None)
    said = {row.name: row.value for row in bru.pairs(method)} if method else {}
    mode = _auth_mode(named, said)
    return {
        "method": said.get("method", method.name) if method else "",
        "url": said.get("url", ""),
        "params": [row | {"type": kind} for kind in ("query", "path") for row in _rows(named, f"params:{kind}")] + _rows(named, "query"),
        "headers": _rows(named, "headers"),
        "body": _body(named, said.get("body", "")),
        "auth": {"mode": mode, mode: {row.name: row.value for row in bru.pairs(named[f"auth:{mode}"])} if f"auth:{mode}" in named else {}},
        "vars": {"req": _rows(named, "vars:pre-request")},
        "script": {"req": next((text for name in _SCRIPTS if name in named and (text := bru.content(named[name]).strip())), "")},
        "type": next((row.value for row in bru.pairs(named["meta"]) if row.name == "type"), "") if "meta" in named else "",
    }


def _auth_mode(named: Blocks, said: Mapping[str, str]) -> str:
    """How it authenticates: said by the method's block, for a folder by a block of its own."""
    own = {row.name: row.value for row in bru.pairs(named["auth"])} if "auth" in named else {}
    return said.get("auth") or own.get("mode") or ("inherit" if named.keys().isdisjoint(METHODS) else "none")


def _rows(named: Blocks, name: str) -> list[dict[str, Any]]:
    return [row.plain() for row in bru.pairs(named[name])] if name in named else []


def _body(named: Blocks, mode: str) -> dict[str, Any]:
    out: dict[str, Any] = {"mode": mode}
    out |= {field: bru.content(named[name]) for name, field in _TEXTS.items() if name in named}
    out |= {field: [_part(row) for row in _rows(named, name)] for name, field in _FORMS.items() if name in named}
    if "body:graphql" in named:
        variables = named.get("body:graphql:vars")
        out["graphql"] = {"query": bru.content(named["body:graphql"]), "variables": bru.content(variables) if variables else ""}
    # An example may leave its mode out; a request always says which of its bodies is sent.
    out["mode"] = mode or next((field for field in out if field != "mode"), "")
    return out


def _part(row: dict[str, Any]) -> dict[str, Any]:
    return row | ({"type": "file"} if row["value"].startswith("@file(") else {"type": "text"})


def _example(block: Block) -> dict[str, Any]:
    parts = {part.name: part for part in bru.inside(block)}
    request, response = parts.get("request", Block("", [])), parts.get("response", Block("", []))
    named = {part.name: part for part in bru.inside(request)}
    said = {row.name: row.value for row in bru.pairs(request)}
    return {
        "request": {
            "method": said.get("method", "get"),
            "url": said.get("url", ""),
            "params": [row | {"type": kind} for kind in ("query", "path") for row in _rows(named, f"params:{kind}")],
            "headers": _rows(named, "headers"),
            "body": _body(named, said.get("mode", "")),
        },
        "response": _response({part.name: part for part in bru.inside(response)}),
    }


def _response(named: Blocks) -> dict[str, Any]:
    status, body = ({row["name"]: row["value"] for row in _rows(named, name)} for name in ("status", "body"))
    return {
        "status": status.get("code", ""),
        "headers": _rows(named, "headers"),
        "body": {"type": body.get("type", ""), "content": body.get("content", "")},
    }
