"""Makes `fixtures/projects/storefront`: the recording of a morning in an online shop, as a browser writes it. Everything in it is invented.

`python -m tests.support.shop_recording FOLDER`. Same bytes every time. Sixty-odd exchanges with a first-party API, a page, assets, a third
party, preflights and failures around them; and planted secrets (`SECRETS`), none of which may leave the file.
"""

import base64
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

HOST: Final = "api.shop.example"
MANIFEST: Final = """\
# The example project: a shop's API from a browser recording and a hand-written document.
version: 1
name: storefront
hosts: [api.shop.example]
sources:
  - har: captures/*.har
  - openapi: specs/returns.yaml
redact: {keys: [x-shop-device]}
tools: {exclude: ["GET /metrics"]}
toolsets:
  support: {include: ["get_*", "list_*"], max_risk: medium}
auth: {api.shop.example: {scheme: bearer, from: "env:SHOP_TOKEN"}}
environments:
  local: {api.shop.example: {url: "http://127.0.0.1:8080", private: true}}
"""
SPEC: Final = """\
openapi: 3.1.0
info: {title: Returns, version: "1"}
servers: [{url: "https://api.shop.example/api/v1"}]
paths:
  /returns:
    get:
      operationId: listReturns
      summary: List the returns of the signed-in customer
      parameters:
        - {name: state, in: query, schema: {type: string, enum: [open, received, refunded]}}
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}
      responses:
        "200":
          description: The returns
          content:
            application/json:
              schema: {type: array, items: {$ref: "#/components/schemas/Return"}}
    post:
      operationId: createReturn
      summary: Announce that something is sent back
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: "#/components/schemas/NewReturn"}
      responses:
        "201":
          description: The return
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Return"}
  /returns/{return_id}:
    get:
      operationId: getReturn
      summary: Show one return
      parameters:
        - {name: return_id, in: path, required: true, schema: {type: string, format: uuid}}
      responses:
        "200":
          description: The return
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Return"}
        "404": {description: There is no such return}
components:
  schemas:
    NewReturn:
      type: object
      required: [order_id, reason]
      additionalProperties: false
      properties:
        order_id: {type: string, format: uuid}
        reason: {type: string, enum: [damaged, wrong_item, changed_mind]}
        note: {type: string, maxLength: 500}
    Return:
      type: object
      required: [id, order_id, state]
      properties:
        id: {type: string, format: uuid}
        order_id: {type: string, format: uuid}
        state: {type: string, enum: [open, received, refunded]}
        label: {anyOf: [{type: string, format: uri}, {type: "null"}]}
"""


def _b64(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _hex(seed: str, size: int) -> str:
    return hashlib.shake_256(seed.encode()).hexdigest(size)


def uuid(seed: str) -> str:
    """A random-looking UUID, version 4, the same for the same seed."""
    digits = _hex(seed, 16)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"


JWT: Final = f"{_b64({'alg': 'HS256', 'typ': 'JWT'})}.{_b64({'sub': '4711', 'name': 'Mara Lindqvist'})}.{_hex('signature', 20)}"
# fmt: off
SECRETS: Final = {
    "bearer token":   JWT,
    "refresh token":  "rt_" + _hex("refresh", 24),
    "session cookie": _hex("session", 16),
    "csrf token":     _hex("csrf", 16),
    "password":       "Tulpe7-Gewitter-Sonntag",
    "token in query": "dl_" + _hex("download", 20),
    "card number":    "4929" + "1234" + "5678" + "9015",
    "e-mail":         "mara.lindqvist@" + "customers-mail.example",
    "phone":          "+46 70 174 06 35",
    "device":         "dev-" + _hex("device", 10),
    "cloud key":      "AKIA" + "QZ7M3NVT5XW2KJ6H",
    "street":         "Havregatan 17 B",
}
PRODUCTS: Final = (
    # id    slug                   name                  price   category    stock
    (1201, "oak-chopping-board",   "Oak chopping board", 39.50, "kitchen",   14),
    (1202, "linen-apron",          "Linen apron",        45.00, "kitchen",    3),
    (1203, "brass-desk-lamp",      "Brass desk lamp",   129.00, "office",     0),
    (1204, "wool-blanket",         "Wool blanket",       89.90, "bedroom",   27),
    (1205, "ceramic-mug",          "Ceramic mug",        14.00, "kitchen",  120),
    (1206, "paper-tray",           "Paper tray",         22.00, "office",    41),
    (1207, "feather-pillow",       "Feather pillow",     35.25, "bedroom",    8),
    (1208, "steel-kettle",         "Steel kettle",       64.00, "kitchen",    6),
)
# fmt: on
ORDERS: Final = tuple(
    (uuid(f"order {number}"), state) for number, state in enumerate(("open", "paid", "shipped", "paid", "cancelled", "open"))
)
BROWSER: Final = {
    "Accept": "application/json",
    "Accept-Language": "sv-SE,sv;q=0.9,en;q=0.8",
    "Cookie": f"sid={SECRETS['session cookie']}; theme=dark",
    "Origin": "https://shop.example",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "sec-fetch-mode": "cors",
}
SIGNED_IN: Final = {
    **BROWSER,
    "Authorization": f"Bearer {SECRETS['bearer token']}",
    "X-Shop-Device": SECRETS["device"],
    "X-CSRF-Token": SECRETS["csrf token"],
}


def product(row: tuple[Any, ...]) -> dict[str, Any]:
    """A product as the API gives it."""
    number, slug, name, price, category, stock = row
    return {
        "id": number,
        "slug": slug,
        "name": name,
        "price": price,
        "currency": "SEK",
        "category": category,
        "stock": stock,
        "available": stock > 0,
        "discount": None if number % 2 else {"percent": number % 7 * 5, "until": "2026-12-24T23:59:59Z"},
        "images": [f"https://cdn.shop.example/p/{slug}-{size}.webp" for size in (400, 1200)],
    }


def order(number: int) -> dict[str, Any]:
    """An order as the API gives it."""
    name, state = ORDERS[number]
    rows = [PRODUCTS[(number + step) % len(PRODUCTS)] for step in range(1 + number % 3)]
    return {
        "id": name,
        "number": 880_100 + number * 37,
        "status": state,
        "placed_at": f"2026-11-{number + 11:02d}T09:1{number}:07Z",
        "items": [{"product_id": row[0], "name": row[2], "quantity": 1 + number % 2, "unit_price": row[3]} for row in rows],
        "total": round(sum(row[3] for row in rows) * (1 + number % 2), 2),
        "shipping": {
            "method": ("standard", "express")[number % 2],
            "tracking": None if state != "shipped" else f"SE{_hex(name, 6).upper()}",
        },
        "customer": {"id": 4711, "email": SECRETS["e-mail"]},
    }


CUSTOMER: Final = {
    "id": 4711,
    "name": "Mara Lindqvist",
    "email": SECRETS["e-mail"],
    "phone": SECRETS["phone"],
    "newsletter": False,
    "tier": "silver",
    "since": "2021-03-08",
}

Call = tuple[str, str, Any, int, Any]
"""Method, target, what is sent, status, what is answered."""


def calls() -> Iterator[Call]:
    """What happened that morning, in order."""
    yield from browsing()
    yield from signing_in()
    yield from buying()
    yield from looking_after()


def browsing() -> Iterator[Call]:
    """Looking around, signed out."""
    page = {"page": 1, "pages": 3, "total": len(PRODUCTS)}
    shown = [product(row) for row in PRODUCTS]
    for category in ("kitchen", "office", "bedroom", "kitchen", "office", "bedroom", "kitchen", "office", "bedroom"):
        rows = [row for row in shown if row["category"] == category]
        yield (
            "GET",
            f"/api/v1/products?category={category}&page=1&per_page=24",
            None,
            200,
            {"data": rows, "meta": {**page, "total": len(rows)}},
        )
    yield "GET", "/api/v1/products?page=2&per_page=24&sort=price", None, 200, {"data": shown[:3], "meta": {**page, "page": 2}}
    for row in PRODUCTS:
        yield "GET", f"/api/v1/products/{row[0]}", None, 200, {"data": product(row)}
    yield "GET", "/api/v1/products/9999", None, 404, {"error": {"code": "not_found", "message": "No such product"}}
    for row in PRODUCTS[:3]:
        reviews = [{"id": row[0] * 10 + n, "rating": 3 + n, "title": None, "created_at": f"2026-10-0{n + 1}T12:00:00Z"} for n in range(2)]
        yield "GET", f"/api/v1/products/{row[0]}/reviews", None, 200, {"data": reviews}
        yield (
            "POST",
            f"/api/v1/products/{row[0]}/reviews",
            {"rating": 4, "title": "As described"},
            201,
            {"data": {**reviews[0], "rating": 4}},
        )
    for words in ("lamp", "mug", "wool blanket"):
        yield (
            "GET",
            f"/api/v1/search?q={words.replace(' ', '+')}&limit=5",
            None,
            200,
            {"hits": [{"id": 1205, "score": 0.875}], "took_ms": 12},
        )


def signing_in() -> Iterator[Call]:
    """The account and what is private in it."""
    login = {"email": SECRETS["e-mail"], "password": SECRETS["password"], "remember": True}
    tokens = {"access_token": JWT, "refresh_token": SECRETS["refresh token"], "expires_in": 900, "token_type": "Bearer"}
    yield (
        "POST",
        "/api/v1/session",
        {**login, "password": "wrong" + _hex("typo", 4)},
        401,
        {"error": {"code": "unauthorized", "message": "Wrong password"}},
    )
    yield "POST", "/api/v1/session", login, 201, tokens
    yield "POST", "/api/v1/session/refresh", {"refresh_token": SECRETS["refresh token"]}, 200, tokens
    for _ in range(3):
        yield "GET", "/api/v1/customers/me", None, 200, CUSTOMER
    yield "PATCH", "/api/v1/customers/me", {"newsletter": True}, 200, {**CUSTOMER, "newsletter": True}
    yield "PATCH", "/api/v1/customers/me", {"phone": SECRETS["phone"], "newsletter": False}, 200, CUSTOMER
    address = {"id": 77, "street": SECRETS["street"], "city": "Uppsala", "zip": "75323", "country": "SE"}
    for _ in range(3):
        yield "GET", "/api/v1/customers/4711/addresses", None, 200, [address]


def buying() -> Iterator[Call]:
    """The cart and the orders that it became."""
    for number, row in enumerate(PRODUCTS[:4]):
        item = {"id": uuid(f"item {number}"), "product_id": row[0], "quantity": 1 + number}
        yield "POST", "/api/v1/cart/items", {"product_id": row[0], "quantity": 1 + number}, 201, item
    yield "POST", "/api/v1/cart/items", {"product_id": 1203, "quantity": 1}, 422, {"error": {"code": "out_of_stock", "message": "Sold out"}}
    for number in (1, 2, 3):
        items = [{"id": uuid(f"item {n}"), "product_id": PRODUCTS[n][0], "quantity": 1 + n} for n in range(number)]
        yield "GET", "/api/v1/cart", None, 200, {"items": items, "total": number * 39.5}
        yield "DELETE", f"/api/v1/cart/items/{uuid(f'item {number}')}", None, 204, None
    for number in (0, 1, 2):
        card = {"number": SECRETS["card number"], "exp": "12/29", "cvc": "737"}
        sent = {"address_id": 77, "shipping": ("standard", "express")[number % 2], "payment": {"method": "card", "card": card}}
        yield "POST", "/api/v1/orders", sent, 201, order(number)


def looking_after() -> Iterator[Call]:
    """What became of the orders."""
    for state in ("open", "paid", "shipped", "open", "paid", "shipped", "open", "paid", "shipped"):
        rows = [order(number) for number, row in enumerate(ORDERS) if row[1] == state]
        yield "GET", f"/api/v1/orders?status={state}", None, 200, {"data": rows, "next": None}
    for number in range(len(ORDERS)):
        yield "GET", f"/api/v1/orders/{ORDERS[number][0]}", None, 200, order(number)
    for number in (0, 5):
        yield (
            "POST",
            f"/api/v1/orders/{ORDERS[number][0]}/cancel",
            {"reason": "changed_mind"},
            200,
            {**order(number), "status": "cancelled"},
        )
    for number in (1, 3):
        refund = {"id": 5000 + number, "amount": 20.5 * number, "currency": "SEK", "state": "pending"}
        yield "POST", f"/api/v1/orders/{ORDERS[number][0]}/refunds", {"amount": 20.5 * number, "note": SECRETS["cloud key"]}, 202, refund
    yield "GET", f"/api/v1/orders/{ORDERS[2][0]}/invoice?access_token={SECRETS['token in query']}", None, 200, b"%PDF-1.7 invented"
    for _ in range(3):
        yield "GET", "/metrics", None, 200, {"ok": True}


def entries() -> list[dict[str, Any]]:
    """Every entry of the recording: the calls, and what a browser records around them."""
    found = [
        _entry(*call, headers=BROWSER if call[1].startswith(("/api/v1/products", "/api/v1/search")) else SIGNED_IN) for call in calls()
    ]
    around = [
        _entry("GET", "/", None, 200, "<!doctype html><title>Shop</title>", host="shop.example", media="text/html"),
        _entry("GET", "/assets/app.js", None, 200, "console.log(1)", host="cdn.shop.example", media="text/javascript"),
        _entry("GET", "/favicon.ico", None, 200, b"\0\0\1\0", media="image/x-icon"),
        _entry("POST", "/collect?uid=a1", {"event": "view"}, 204, None, host="metrics.tracker.example"),
        _entry("OPTIONS", "/api/v1/orders", None, 204, None),
        _entry("OPTIONS", "/api/v1/cart/items", None, 204, None),
        _entry("GET", "/api/v1/recommendations", None, 0, None),
    ]
    merged = [*around[:4], *found[:20], *around[4:6], *found[20:], *around[6:]]
    return [{"startedDateTime": f"2026-11-20T08:{number // 60:02d}:{number % 60:02d}.000Z", **entry} for number, entry in enumerate(merged)]


def har(rows: list[dict[str, Any]]) -> bytes:
    """A HAR 1.2 document of entries, indented by two as browsers do."""
    log = {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "pages": [], "entries": rows}
    return json.dumps({"log": log}, indent=2, ensure_ascii=False).encode() + b"\n"


def _entry(
    method: str,
    target: str,
    sent: Any,
    status: int,
    answer: Any,
    *,
    host: str = HOST,
    media: str = "",
    headers: Mapping[str, str] = BROWSER,
) -> dict[str, Any]:
    url = f"https://{host}{target}"
    request: dict[str, Any] = {
        "method": method,
        "url": url,
        "httpVersion": "h2",
        "headers": [{"name": name, "value": value} for name, value in headers.items()],
        "queryString": [],
        "cookies": [],
        "headersSize": -1,
        "bodySize": 0,
    }
    if sent is not None:
        text = json.dumps(sent)
        request |= {"postData": {"mimeType": "application/json", "text": text}, "bodySize": len(text)}
    return {
        "time": 12.5,
        "_resourceType": "document" if media == "text/html" else "preflight" if method == "OPTIONS" else "fetch",
        "request": request,
        "response": {
            "status": status,
            "statusText": "",
            "httpVersion": "h2",
            "headers": [
                {"name": "content-type", "value": media or "application/json; charset=utf-8"},
                {"name": "set-cookie", "value": f"sid={SECRETS['session cookie']}; HttpOnly"},
            ],
            "cookies": [],
            "content": _content(answer, media),
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 12.5, "receive": 0},
    }


def _content(answer: Any, media: str) -> dict[str, Any]:
    if answer is None:
        return {"size": 0, "mimeType": "x-unknown"}
    if isinstance(answer, bytes):
        kind = media or "application/pdf"
        return {"size": len(answer), "mimeType": kind, "text": base64.b64encode(answer).decode(), "encoding": "base64"}
    text = answer if media else json.dumps(answer, ensure_ascii=False)
    return {"size": len(text.encode()), "mimeType": media or "application/json", "text": text}


def project() -> dict[str, bytes]:
    """The files of the example project, by path."""
    return {"cask.yaml": MANIFEST.encode(), "specs/returns.yaml": SPEC.encode(), "captures/morning.har": har(entries())}


def main(folder: Path) -> None:
    """Write the example project."""
    for name, data in project().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
