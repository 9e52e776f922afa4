"""A shop's API that is recorded twice: a base recording of its traffic and its document, and changes of either, by name.

`tests/cases/drift/` names the change, where it is made, and what has to be found. Same seed, same bytes. Nothing here knows what finds it.
"""

import copy
import json
import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tests.support.reference_traffic import har as _har

HOST: Final = "api.shop.example"
ROUNDS: Final = 24
PEOPLE: Final = ("Ada Lovelace", "Alan Turing", "Grace Hopper", "Edsger Dijkstra")

Call = dict[str, Any]
Calls = list[Call]


# ---------------------------------------------------------------- the base recording
def calls(seed: str = "base", rounds: int = ROUNDS) -> Calls:
    """So many rounds of what a shop's clerk does."""
    rng = random.Random(f"drift:{seed}")
    return [call for number in range(rounds) for call in _round(rng, number)]


def _round(rng: random.Random, number: int) -> Iterator[Call]:
    orders = [_order(rng) for _ in range(rng.randrange(2, 5))]
    state = ("open", "paid", "sent")[number % 3]
    page = {"state": state} | ({"page": str(rng.randrange(1, 9)), "per_page": "20"} if rng.random() < 0.7 else {})
    listed = [{key: order[key] for key in ("id", "state", "total", "placed_at")} | {"state": state} for order in orders]
    yield _call("GET", "/v1/orders", {"items": listed, "count": rng.randrange(500)}, query=page)
    yield _call("GET", f"/v1/orders/{orders[0]['id']}", orders[0])
    if number % 6 == 5:
        yield _call("GET", f"/v1/orders/{rng.randrange(10**6)}", {"error": {"code": "not_found", "message": "no such order"}}, status=404)
    lines = [{"sku": f"SKU-{rng.randrange(9999):04}", "quantity": rng.randrange(1, 9)} for _ in range(2)]
    body = {"customer": orders[0]["customer"], "lines": lines} | ({"coupon": f"C{rng.randrange(99999)}"} if rng.random() < 0.4 else {})
    yield _call("POST", "/v1/orders", _order(rng), body=body, status=201)
    yield _call(
        "PATCH",
        f"/v1/orders/{orders[1]['id']}",
        orders[1],
        body={"state": rng.choice(("open", "paid", "sent")), "priority": rng.randrange(5)},
    )
    yield _call("GET", f"/v1/customers/{orders[0]['customer']}", _customer(rng, orders[0]["customer"]))
    following = {"cursor": f"{rng.getrandbits(64):016x}"} if number % 4 else {}
    products = [{"sku": f"SKU-{rng.randrange(9999):04}", "title": _words(rng), "price": round(rng.random() * 100, 2)} for _ in range(3)]
    yield _call("GET", "/v1/products", {"data": products, "next_cursor": f"{rng.getrandbits(64):016x}"}, query={"limit": "20"} | following)
    yield _call("GET", "/v1/reports/daily", {"day": _day(rng), "orders": rng.randrange(900), "revenue": round(rng.random() * 1e4, 2)})
    yield _call("DELETE", f"/v1/carts/{rng.getrandbits(96):024x}", status=204)


def _call(
    method: str, path: str, answer: Any = None, *, query: Mapping[str, str] | None = None, body: Any = None, status: int = 200
) -> Call:
    headers = {"accept": "application/json", "authorization": "Bearer 3f9b27c1d4e8a605"}
    return {
        "scheme": "https", "host": HOST, "method": method, "path": path, "query": dict(query or {}), "headers": headers,
        "body": body, "sends": "application/json", "status": status, "answer": answer, "media": "application/json",
    }  # fmt: skip


def _order(rng: random.Random) -> dict[str, Any]:
    out: dict[str, Any] = {
        "id": rng.randrange(1, 10**6),
        "state": rng.choice(("open", "paid", "sent")),
        "total": round(rng.random() * 500, 2),
        "placed_at": f"{_day(rng)}T{rng.randrange(24):02}:{rng.randrange(60):02}:00Z",
        "customer": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "parcel": {"weight": rng.randrange(20_000), "shelf": _words(rng)},
        "note": _words(rng),
    }
    return out | ({"discount": rng.randrange(50)} if rng.random() < 0.5 else {})


def _customer(rng: random.Random, customer: str) -> dict[str, Any]:
    tier = rng.choice(("bronze", "silver", "gold"))
    return {"id": customer, "tier": tier, "since": _day(rng), "visits": rng.randrange(99), "labels": [_words(rng) for _ in range(2)]}


def _day(rng: random.Random) -> str:
    return f"2026-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"


def _words(rng: random.Random) -> str:
    return " ".join(rng.choice(("oak", "fern", "slate", "brook", "heath", "cliff", "moor", "reed")) for _ in range(rng.randrange(2, 5)))


# ---------------------------------------------------------------- as a recording
def har(found: Calls) -> bytes:
    """The calls as a HAR."""
    return _har(_entry(call) for call in found)


def _entry(call: Call) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in call["query"].items())
    request: dict[str, Any] = {
        "method": call["method"],
        "url": f"{call['scheme']}://{call['host']}{call['path']}{'?' if query else ''}{query}",
        "headers": [{"name": name, "value": value} for name, value in call["headers"].items()],
    }
    if call["body"] is not None:
        form = call["sends"].endswith("urlencoded")
        text = "&".join(f"{name}={value}" for name, value in call["body"].items()) if form else json.dumps(call["body"])
        request["postData"] = {"mimeType": call["sends"], "text": text}
    text = call["answer"] if isinstance(call["answer"], str) else "" if call["answer"] is None else json.dumps(call["answer"])
    content = {"mimeType": call["media"] if text else "", "text": text, "size": len(text)}
    return {
        "startedDateTime": "2026-11-20T09:00:00Z",
        "request": request,
        "response": {"status": call["status"], "headers": [], "content": content},
    }


# ---------------------------------------------------------------- changes of traffic
def changed(found: Calls, change: Mapping[str, Any], seed: str = "change") -> Calls:
    """The calls after a change: `{do: NAME, at: "METHOD /path/{}", …}`. share: of how many calls (default: all)."""
    rng = random.Random(f"drift:{seed}")
    rows = copy.deepcopy(found)
    words = {key: value for key, value in change.items() if key not in ("do", "at", "share")}
    for call in rows:
        if "at" not in change or (is_at(call, change["at"]) and rng.random() < change.get("share", 1)):
            CHANGES[change["do"]](call, rng, **words)
    return rows


def is_at(call: Call, at: str) -> bool:
    """Whether a call is one of an operation: `METHOD /path/{}`."""
    method, template = at.split(" ")
    mine, other = call["path"].split("/"), template.split("/")
    return call["method"] == method and len(mine) == len(other) and all(two in (one, "{}") for one, two in zip(mine, other, strict=True))


def _places(value: Any, pointer: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects that hold the last field of a pointer, with its name; `*` for any item."""
    first, _, rest = pointer.removeprefix("/").partition("/")
    if first == "*":
        for item in value:
            yield from _places(item, f"/{rest}")
    elif not rest:
        yield value, first
    else:
        yield from _places(value[first], f"/{rest}")


def _held(call: Call, where: str, field: str) -> list[tuple[dict[str, Any], str]]:
    wanted = call[where] if where == "body" or call["status"] < 300 else None
    return list(_places(wanted, field)) if isinstance(wanted, dict) else []


VALUES: Final[dict[str, Callable[[random.Random], Any]]] = {
    "null": lambda rng: None,
    "text": lambda rng: f"no {_words(rng)}",
    "number": lambda rng: rng.randrange(10**6),
    "day": _day,
    "word": lambda rng: "returned",
    "email": lambda rng: f"user{rng.randrange(10**6)}@mail.example",
    "phone": lambda rng: f"+1 415 555 {rng.randrange(10**4):04}",
    "person": lambda rng: rng.choice(PEOPLE),
    "token": lambda rng: f"sk_live_{rng.getrandbits(128):032x}",
    "climb": lambda rng: "../../admin?x=",
    "list": lambda rng: [{"name": _words(rng)}],
    "object": lambda rng: {"iso": _words(rng)},
    "contact": lambda rng: {"email": f"user{rng.randrange(10**6)}@mail.example", "room": rng.randrange(99)},
}


def _drop(call: Call, rng: random.Random, *, field: str, of: str = "answer") -> None:
    for holder, name in _held(call, of, field):
        holder.pop(name, None)


def _put(call: Call, rng: random.Random, *, field: str, value: str, of: str = "answer") -> None:
    for holder, name in _held(call, of, field):
        holder[name] = VALUES[value](rng)


def _say(call: Call, rng: random.Random, *, field: str, text: str) -> None:
    for holder, name in _held(call, "answer", field):
        holder[name] = text


def _refused_without(call: Call, rng: random.Random, *, query: str) -> None:
    if rng.random() < 0.4:
        call["query"].pop(query, None)
        call |= {"status": 400, "answer": {"error": {"code": "missing", "message": f"{query} is required"}}}
    else:
        call["query"].setdefault(query, "open")


def _errors(call: Call, rng: random.Random, *, status: int) -> None:
    call |= {"status": status, "answer": {"error": {"code": "busy", "message": "try again"}}}


def _gone(call: Call, rng: random.Random, *, status: int) -> None:
    call |= {"status": status, "answer": {"error": {"code": "gone", "message": "no such route"}}}


def _error_form(call: Call, rng: random.Random) -> None:
    if call["status"] >= 400:
        call["answer"] = {"type": "about:blank", "title": "no such order", "status": call["status"]}


def _key_auth(call: Call, rng: random.Random) -> None:
    call["headers"].pop("authorization")
    call["headers"]["x-api-key"] = "k-58f0c2d19b7e4a36"


def _pages(call: Call, rng: random.Random) -> None:
    call["query"].pop("cursor", None)
    call["query"] |= {"page": str(rng.randrange(1, 30))}


def _last_segment(call: Call, rng: random.Random) -> None:
    call["path"] = f"{call['path'].rpartition('/')[0]}/{uuid.UUID(int=rng.getrandbits(128), version=4)}"


def _form_body(call: Call, rng: random.Random) -> None:
    call |= {"sends": "application/x-www-form-urlencoded"}


def _xml(call: Call, rng: random.Random) -> None:
    call |= {"media": "application/xml", "answer": "<order><id>7</id></order>"}


CHANGES: Final[dict[str, Callable[..., None]]] = {
    "drop": _drop,
    "put": _put,
    "say": _say,
    "require": _refused_without,
    "fail": _errors,
    "gone": _gone,
    "error-form": _error_form,
    "key-auth": _key_auth,
    "pages": _pages,
    "new-ids": _last_segment,
    "form-body": _form_body,
    "xml": _xml,
    "picture": lambda call, rng: call.update(media="image/png", answer="\x89PNG"),
    "host": lambda call, rng, *, name: call.update(host=name),
    "plain-http": lambda call, rng: call.update(scheme="http"),
    "status": lambda call, rng, *, status: call.update(status=status),
    "query": lambda call, rng, *, name, value: call["query"].update({name: value}),
    "path": lambda call, rng, *, to: call.update(path=to),
    "token": lambda call, rng: call["headers"].update(authorization=f"Bearer {rng.getrandbits(64):016x}"),
    "signed-out": lambda call, rng: call["headers"].pop("authorization", None),
}
"""Name -> what it does to one call, in place."""


def more(found: Calls, at: str, to: str) -> Calls:
    """The calls, and those of one operation once more at another path."""
    return found + [dict(copy.deepcopy(call), path=to) for call in found if is_at(call, at)]


def served(method: str, path: str, change: Mapping[str, Any] | None = None) -> Call:
    """What the service answers a call now, after a change."""
    near = [call for call in calls("live", 1) if call["method"] == method and call["path"].count("/") == path.count("/")]
    found = next((call for call in near if call["path"].split("/")[2] == path.split("/")[2]), None)
    if found is None:
        return _call(method, path, {"error": {"code": "gone", "message": "no such route"}}, status=404)
    return changed([dict(found, path=path)], change or {"do": "status", "status": found["status"]})[0]


# ---------------------------------------------------------------- the document
SPEC: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "info": {"title": "shop", "version": "1"},
    "servers": [{"url": f"https://{HOST}"}],
    "security": [{"token": []}],
    "paths": {
        "/v1/returns": {
            "get": {
                "operationId": "listReturns",
                "parameters": [
                    {"name": "state", "in": "query", "schema": {"type": "string", "enum": ["open", "closed", "lost"]}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
                ],
                "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/List"}}}}},
            },
            "post": {
                "operationId": "createReturn",
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}},
                "responses": {"201": {"description": "ok", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Return"}}}}},
            },
        },
        "/v1/returns/{return_id}": {
            "get": {
                "operationId": "getReturn",
                "parameters": [{"name": "return_id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Return"}}}}},
            }
        },
    },
    "components": {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}, "key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
        "schemas": {
            "New": {
                "type": "object",
                "required": ["order_id"],
                "properties": {"order_id": {"type": "integer"}, "note": {"type": "string", "maxLength": 200}},
            },
            "List": {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Return"}}}},
            "Return": {
                "type": "object",
                "required": ["id", "state", "weight"],
                "properties": {
                    "id": {"type": "integer"},
                    "state": {"type": "string", "enum": ["open", "closed", "lost"]},
                    "weight": {"type": "number"},
                    "opened": {"type": "string", "format": "date-time"},
                },
            },
        },
    },
}  # fmt: skip


def spec(change: Mapping[str, Any] | None = None) -> bytes:
    """The document after a change: `{set: {"/pointer": value}, remove: ["/pointer"]}`."""
    out = copy.deepcopy(SPEC)
    for pointer, value in (change or {}).get("set", {}).items():
        holder, name = _holder(out, pointer)
        holder[name] = value
    for pointer in (change or {}).get("remove", ()):
        holder, name = _holder(out, pointer)
        del holder[name]
    return json.dumps(out).encode()


def _holder(document: Any, pointer: str) -> tuple[Any, Any]:
    *above, last = [part.replace("~1", "/") for part in pointer.removeprefix("/").split("/")]
    for part in above:
        document = document[int(part) if isinstance(document, list) else part]
    return document, int(last) if isinstance(document, list) else last
