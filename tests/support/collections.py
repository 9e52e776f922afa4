"""HAR entries as the files of API clients: the requests of a recording, written down without their answers (Postman and Bruno: with them)."""

import json
import shlex
from collections.abc import Callable, Iterable
from typing import Any, Final

from tests.support.secrets import Case, cases, entry

Entries = list[dict[str, Any]]
POSTMAN_SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


def requests(found: Iterable[Case] | None = None) -> tuple[Entries, list[Case]]:
    """Entries of the corpus whose secret stands in the request, and their cases."""
    chosen = [case for case in (cases("gone") if found is None else found) if case.where.startswith(("req.", "url."))]
    # What a recorder lists beside the headers, no client writes.
    chosen = [case for case in chosen if case.where not in ("req.cookie-array-only", "req.h2", "url.userinfo")]
    return [made for case in chosen if (made := entry(case))], chosen


def _headers(row: dict[str, Any], key: str = "name") -> list[dict[str, str]]:
    return [{key: item["name"], "value": item["value"]} for item in row["request"]["headers"] if item["name"] != "Host"]


def _media(row: dict[str, Any]) -> list[tuple[str, str]]:
    post = row["request"].get("postData")
    return [("Content-Type", post["mimeType"])] if post else []


def _text(row: dict[str, Any]) -> str:
    return str(row["request"].get("postData", {}).get("text", ""))


def postman(entries: Entries, **more: Any) -> bytes:
    """A collection with each request and its answer as a saved example."""
    items = [{"name": f"r{index}", "request": _postman(row), "response": [_saved(row)]} for index, row in enumerate(entries)]
    return json.dumps({"info": {"name": "c", "schema": POSTMAN_SCHEMA}, "item": items, **more}, ensure_ascii=False).encode()


def _postman(row: dict[str, Any]) -> dict[str, Any]:
    listed = [*_headers(row, "key"), *({"key": name, "value": value} for name, value in _media(row))]
    body = {"body": {"mode": "raw", "raw": _text(row)}} if _text(row) else {}
    return {"method": row["request"]["method"], "header": listed, "url": row["request"]["url"], **body}


def _saved(row: dict[str, Any]) -> dict[str, Any]:
    answer = row["response"]
    headers = [{"key": item["name"], "value": item["value"]} for item in answer["headers"]]
    return {"name": "e", "originalRequest": _postman(row), "code": answer["status"], "header": headers, "body": answer["content"]["text"]}


def bruno(entries: Entries) -> bytes:
    """Bruno's exported JSON."""
    items = [{"type": "http", "name": f"r{index}", "seq": index, "request": _bruno(row)} for index, row in enumerate(entries)]
    return json.dumps({"name": "c", "version": "1", "items": items}, ensure_ascii=False).encode()


def _bruno(row: dict[str, Any]) -> dict[str, Any]:
    listed = [*_headers(row), *({"name": name, "value": value} for name, value in _media(row))]
    headers = [{**item, "enabled": True} for item in listed]
    body = {"mode": "text", "text": _text(row)} if _text(row) else {"mode": "none"}
    return {"url": row["request"]["url"], "method": row["request"]["method"], "headers": headers, "params": [], "body": body}


def insomnia(entries: Entries) -> bytes:
    """Insomnia's export of version 4."""
    rows = [{"_id": "wrk_1", "_type": "workspace", "parentId": None}, *map(_insomnia, entries)]
    return json.dumps({"_type": "export", "__export_format": 4, "resources": rows}, ensure_ascii=False).encode()


def _insomnia(row: dict[str, Any]) -> dict[str, Any]:
    media = dict(_media(row)).get("Content-Type", "")
    body = {"mimeType": media, "text": _text(row)} if _text(row) else {}
    request = {"_type": "request", "parentId": "wrk_1", "url": row["request"]["url"], "method": row["request"]["method"], "body": body}
    return request | {"headers": [*_headers(row), *({"name": name, "value": value} for name, value in _media(row))]}


def curl(entries: Entries) -> bytes:
    """Command lines, one after the other."""
    return "\n".join(map(_command, entries)).encode()


def _command(row: dict[str, Any]) -> str:
    words = ["curl", "-X", row["request"]["method"], row["request"]["url"]]
    for name, value in [*((item["name"], item["value"]) for item in _headers(row)), *_media(row)]:
        words += ["-H", f"{name}: {value}"]
    return shlex.join([*words, *(["--data-raw", _text(row)] if _text(row) else [])])


def http(entries: Entries) -> bytes:
    """An `.http` file."""
    return "\n".join(map(_block, entries)).encode()


def _block(row: dict[str, Any]) -> str:
    listed = [*((item["name"], item["value"]) for item in _headers(row)), *_media(row)]
    head = [f"### {row['request']['method']}", f"{row['request']['method']} {row['request']['url']}"]
    return "\n".join([*head, *(f"{name}: {value}" for name, value in listed), "", _text(row).replace("\r\n", "\n"), ""])


FORMATS: Final[dict[str, Callable[[Entries], bytes]]] = {
    "postman": postman,
    "bruno": bruno,
    "insomnia": insomnia,
    "curl": curl,
    "http": http,
}
"""Kind -> how entries are written in it."""
