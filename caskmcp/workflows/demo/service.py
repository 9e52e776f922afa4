"""A small shop that answers on 127.0.0.1: the upstream of the demo, and what the bundled recording was made of.

Deterministic: the same requests in the same order get the same answers. It can be told to betray its callers (`redirects`), and it
writes down every request that reached it, which is what the demo's proofs are judged by.
"""

import json
import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

TOKEN: Final = "demo-token-" + "7f3a9c51e08b4d62"
"""What the service accepts as a bearer token. Not a secret: the service listens on loopback, for the length of a demo."""
PLANTED: Final = "ghp_" + "Zq8vT3nXw5Rk1Lm7Yp2Bd9Hs4Jc6Fg0Aa1Ee"
"""A token-like value that the service puts into an answer. It must not reach an agent."""

PRODUCTS: Final = (
    {"id": 1, "name": "Kettle", "category": "kitchen", "price_cents": 2900, "in_stock": True},
    {"id": 2, "name": "Teapot", "category": "kitchen", "price_cents": 3400, "in_stock": True},
    {"id": 3, "name": "Desk lamp", "category": "office", "price_cents": 4900, "in_stock": False},
    {"id": 4, "name": "Notebook", "category": "office", "price_cents": 700, "in_stock": True},
)
CUSTOMER: Final = {
    "id": "5f0c2f7e-6c1b-4d0e-9a53-0d8b7f6f3c11",
    "name": "Ada Quill",
    "email": "ada.quill@mail.example",
    "phone": "+1-202-555-0143",
}
ORDERS: Final = (
    {"id": 1001, "product_id": 1, "quantity": 2, "status": "shipped", "customer_id": CUSTOMER["id"], "created_at": "2026-03-01T09:30:00Z"},
    {"id": 1002, "product_id": 4, "quantity": 10, "status": "pending", "customer_id": CUSTOMER["id"], "created_at": "2026-03-02T14:05:00Z"},
    {
        "id": 1003,
        "product_id": 2,
        "quantity": 1,
        "status": "cancelled",
        "customer_id": CUSTOMER["id"],
        "created_at": "2026-03-03T18:45:00Z",
    },
)


class Answer(NamedTuple):
    """What the service says: status, JSON value (None: no body), extra headers."""

    status: int
    value: Any = None
    headers: tuple[tuple[str, str], ...] = ()


class Shop:
    """The state of the shop and its rules."""

    def __init__(self) -> None:
        self.products: dict[int, dict[str, Any]] = {}
        self.orders: dict[int, dict[str, Any]] = {}
        self.reopen()
        self.redirects: dict[str, str] = {}
        """Path -> where the service sends its callers instead of answering."""
        self.heard: list[str] = []
        """Every request that arrived, as `METHOD target`."""
        self.lock = Lock()

    def reopen(self) -> None:
        """Forget what was bought."""
        self.products = {int(str(row["id"])): dict(row) for row in PRODUCTS}
        self.orders = {int(str(row["id"])): dict(row) for row in ORDERS}

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """Answer one authenticated request."""
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path in self.redirects:
            return Answer(302, None, (("Location", self.redirects[parts.path]),))
        for row in ROUTES:
            if row.method == method and (found := re.fullmatch(row.path, parts.path)):
                return row.handle(self, *found.groups(), query=query, body=body)
        return Answer(404, {"error": "not_found"})


def list_products(shop: Shop, *, query: dict[str, str], body: bytes) -> Answer:
    """Products, filtered by category, a page at a time."""
    limit = int(query.get("limit", "50"))
    rows = [row for row in shop.products.values() if query.get("category") in (None, row["category"])]
    return Answer(200, {"items": rows[:limit], "total": len(rows)})


def get_product(shop: Shop, number: str, *, query: dict[str, str], body: bytes) -> Answer:
    """One product."""
    row = shop.products.get(int(number))
    return Answer(200, row) if row else Answer(404, {"error": "not_found"})


def delete_product(shop: Shop, number: str, *, query: dict[str, str], body: bytes) -> Answer:
    """Take a product out of the shop."""
    return Answer(204) if shop.products.pop(int(number), None) else Answer(404, {"error": "not_found"})


def list_orders(shop: Shop, *, query: dict[str, str], body: bytes) -> Answer:
    """Orders, filtered by status."""
    rows = [row for row in shop.orders.values() if query.get("status") in (None, row["status"])]
    return Answer(200, {"items": rows, "total": len(rows)})


def get_order(shop: Shop, number: str, *, query: dict[str, str], body: bytes) -> Answer:
    """One order, with a note that somebody left a token in."""
    row = shop.orders.get(int(number))
    return Answer(200, {**row, "note": f"picked, deploy with {PLANTED}"}) if row else Answer(404, {"error": "not_found"})


def create_order(shop: Shop, *, query: dict[str, str], body: bytes) -> Answer:
    """Place an order."""
    wanted = _object(body)
    product, quantity = wanted.get("product_id"), wanted.get("quantity")
    if product not in shop.products or not isinstance(quantity, int) or quantity < 1:
        return Answer(422, {"error": "invalid_order"})
    number = max(shop.orders) + 1
    row = {
        "id": number,
        "product_id": product,
        "quantity": quantity,
        "status": "pending",
        "customer_id": CUSTOMER["id"],
        "created_at": "2026-03-04T08:00:00Z",
    }
    shop.orders[number] = row
    return Answer(201, row)


def cancel_order(shop: Shop, number: str, *, query: dict[str, str], body: bytes) -> Answer:
    """Cancel an order that is pending."""
    row = shop.orders.get(int(number))
    if row is None:
        return Answer(404, {"error": "not_found"})
    if row["status"] != "pending":
        return Answer(409, {"error": "not_pending"})
    row["status"] = "cancelled"
    return Answer(200, row)


def get_customer(shop: Shop, customer: str, *, query: dict[str, str], body: bytes) -> Answer:
    """One customer."""
    return Answer(200, CUSTOMER) if customer == CUSTOMER["id"] else Answer(404, {"error": "not_found"})


class Route(NamedTuple):
    """One row of what the service answers."""

    method: str
    path: str
    handle: Callable[..., Answer]


# fmt: off
ROUTES: Final = (
    Route("GET",    r"/v1/products",              list_products),
    Route("GET",    r"/v1/products/([0-9]+)",     get_product),
    Route("DELETE", r"/v1/products/([0-9]+)",     delete_product),
    Route("GET",    r"/v1/orders",                list_orders),
    Route("GET",    r"/v1/orders/([0-9]+)",       get_order),
    Route("POST",   r"/v1/orders",                create_order),
    Route("POST",   r"/v1/orders/([0-9]+)/cancel", cancel_order),
    Route("GET",    r"/v1/customers/([0-9a-f-]+)", get_customer),
)
# fmt: on


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:  # an answer of 422 says it better than a broken connection
        return {}
    return value if isinstance(value, dict) else {}


class Service:
    """The shop behind a real socket on 127.0.0.1. Use as a context manager; `port` is chosen by the system."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.shop))
        self.port = int(self.server.server_address[1])
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> "Service":
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.server.shutdown()
        self.server.server_close()


def _handler(shop: Shop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "shop", ""

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with shop.lock:
                shop.heard.append(f"{self.command} {self.path}")
                allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
                self.reply(shop.answer(self.command, self.path, body) if allowed else Answer(401, {"error": "unauthorized"}))

        do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = handle_any

        def reply(self, answer: Answer) -> None:
            data = b"" if answer.value is None else json.dumps(answer.value).encode()
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            if answer.value is not None:
                self.send_header("Content-Type", "application/json")
            if answer.status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the demo reads `heard`."""

    return Handler
