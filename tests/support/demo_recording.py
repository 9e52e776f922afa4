"""Makes the demo's bundled recording: drives the real service over a real socket and writes a HAR as a browser would.

`python -m tests.support.demo_recording FILE`. Same bytes every time: the service is deterministic and the clock of the recording is counted.
"""

import http.client
import json
import sys
from pathlib import Path
from typing import Any

from caskmcp.workflows.demo.service import CUSTOMER, PRODUCTS, TOKEN, Service

Headers = tuple[tuple[str, str], ...]

HOST = "api.shop.example"
# Written down: the words of `http.client` differ between Pythons.
REASONS = {200: "OK", 201: "Created", 204: "No Content", 404: "Not Found", 409: "Conflict", 422: "Unprocessable Entity"}
BROWSER = (
    ("Accept", "application/json"),
    ("Accept-Language", "en-GB"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) demo"),
    ("Authorization", f"Bearer {TOKEN}"),
    ("Cookie", "session=9b2f0c6d1e7a4b35; theme=dark"),
)
# What a person did in the shop, in order: method, target, body.
SESSION = (
    ("GET", "/v1/products", None),
    ("GET", "/v1/products?category=kitchen", None),
    ("GET", "/v1/products?category=office", None),
    ("GET", "/v1/products?category=kitchen&limit=1", None),
    ("GET", "/v1/products?category=office&limit=1", None),
    ("GET", "/v1/products?category=kitchen&limit=2", None),
    ("GET", "/v1/products?category=office&limit=2", None),
    *(("GET", f"/v1/products/{row['id']}", None) for row in PRODUCTS),
    ("GET", "/v1/products/99", None),
    ("GET", "/v1/orders", None),
    *(("GET", f"/v1/orders?status={status}", None) for status in ("shipped", "pending", "cancelled") for _ in range(3)),
    *(("GET", f"/v1/orders/{number}", None) for number in (1001, 1002, 1003)),
    *(("POST", "/v1/orders", {"product_id": product, "quantity": quantity}) for product, quantity in ((1, 1), (2, 3), (3, 2), (4, 5))),
    ("POST", "/v1/orders", {"product_id": 99, "quantity": 1}),
    ("POST", "/v1/orders/1004/cancel", None),
    ("POST", "/v1/orders/1005/cancel", None),
    ("POST", "/v1/orders/1001/cancel", None),
    *(("GET", f"/v1/customers/{CUSTOMER['id']}", None) for _ in range(3)),
    ("DELETE", "/v1/products/3", None),
)


def entry(
    number: int, url: str, method: str, sent: str | None, status: int, media: str, text: str, headers: Headers = BROWSER
) -> dict[str, Any]:
    """One HAR entry. number: counts the seconds of the recording."""
    request = {
        "method": method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in headers],
        "queryString": [],
        "headersSize": -1,
        "bodySize": len(sent or ""),
    }
    if sent is not None:
        request["postData"] = {"mimeType": "application/json", "text": sent}
    response = {
        "status": status,
        "statusText": REASONS[status],
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": "Content-Type", "value": media}] if media else [],
        "content": {"size": len(text), "mimeType": media or "x-unknown", "text": text},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(text),
    }
    minutes, seconds = divmod(number, 60)
    return {
        "startedDateTime": f"2026-03-05T10:{minutes:02}:{seconds:02}.000Z",
        "time": 3,
        "request": request,
        "response": response,
        "cache": {},
        "timings": {"send": 0, "wait": 3, "receive": 0},
    }


def noise() -> list[dict[str, Any]]:
    """What else a browser records: a page, assets, analytics of a third party, a preflight."""
    return [
        entry(0, f"http://{HOST}/", "GET", None, 200, "text/html", "<!doctype html><title>Shop</title>"),
        entry(1, f"http://{HOST}/static/app.9f8e.js", "GET", None, 200, "application/javascript", "void 0"),
        entry(2, "https://stats.thirdparty.example/collect?uid=ada.quill%40mail.example", "POST", '{"event":"view"}', 204, "", ""),
        entry(3, f"http://{HOST}/v1/orders", "OPTIONS", None, 204, "", ""),
    ]


def record() -> dict[str, Any]:
    """Drive the service and return the recording."""
    entries = noise()
    with Service() as service:
        line = http.client.HTTPConnection("127.0.0.1", service.port)
        for method, target, value in SESSION:
            sent = None if value is None else json.dumps(value)
            headers = {**dict(BROWSER), "Host": HOST, **({"Content-Type": "application/json"} if sent else {})}
            line.request(method, target, body=sent, headers=headers)
            answer = line.getresponse()
            text = answer.read().decode()
            entries.append(
                entry(len(entries), f"http://{HOST}{target}", method, sent, answer.status, answer.headers.get("Content-Type", ""), text)
            )
        line.close()
    return {"log": {"version": "1.2", "creator": {"name": "demo", "version": "1"}, "pages": [], "entries": entries}}


def rendered() -> bytes:
    """The recording as bytes."""
    return json.dumps(record(), indent=1).encode() + b"\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(rendered())
