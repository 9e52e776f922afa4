"""A shop: whole numbers as ids that collide between customers, products, orders and refunds, beside UUIDs, slugs, codes and cursors."""

from typing import Any

from tests.support.flow_services.service import NOT_FOUND, Answer, Service, page

Query = dict[str, str]
Body = dict[str, Any]
CATEGORIES = ("running-shoes", "rain-jackets", "tents", "stoves", "head-lamps", "maps")
COUPONS = ("SPRING25", "WELCOME10", "FREESHIP", "VIP40")
STATES = ("pending", "paid", "shipped", "cancelled")


class Shop(Service):
    """`https://shop.example.com/api/v2`."""

    host = "shop.example.com"

    def __init__(self, seed: int = 11) -> None:
        super().__init__(seed)
        pick = self.random
        self.products = [
            {
                "id": number, "sku": f"SKU-{4000 + number * 7}", "name": f"Model {number} of the season", "category": pick.choice(CATEGORIES),
                "price_cents": 500 * pick.randint(2, 60), "stock": pick.randint(0, 90), "currency": pick.choice(("EUR", "USD")),
            }
            for number in range(1, 61)
        ]  # fmt: skip
        self.customers = [
            {"id": number, "tier": pick.choice(("gold", "silver")), "since": f"2024-0{number % 9 + 1}-11", "address_id": number * 3 + 1}
            for number in range(1, 41)
        ]
        self.carts: dict[str, Body] = {}
        self.orders: list[Body] = []
        self.payments: dict[str, Body] = {}
        self.refunds: list[Body] = []
        self.reviews: list[Body] = []
        self.cursors: dict[str, int] = {}
        self.routes = {
            ("GET", "/api/v2/me"): lambda *_: (200, {"id": 7, "role": "agent", "locale": "en-GB"}),
            ("GET", "/api/v2/categories"): lambda *_: (200, [{"id": n + 1, "slug": slug, "position": n + 1} for n, slug in enumerate(CATEGORIES)]),
            ("GET", "/api/v2/coupons"): lambda *_: (200, {"coupons": [{"code": code, "percent": 10 + n} for n, code in enumerate(COUPONS)]}),
            ("GET", "/api/v2/products"): self.list_products,
            ("GET", "/api/v2/products/{}"): self.get_product,
            ("GET", "/api/v2/products/{}/reviews"): self.list_reviews,
            ("POST", "/api/v2/products/{}/reviews"): self.add_review,
            ("DELETE", "/api/v2/reviews/{}"): self.delete_review,
            ("GET", "/api/v2/stock/{}"): self.stock,
            ("GET", "/api/v2/customers"): self.list_customers,
            ("GET", "/api/v2/customers/{}"): self.get_customer,
            ("GET", "/api/v2/customers/{}/orders"): self.orders_of,
            ("POST", "/api/v2/carts"): self.make_cart,
            ("POST", "/api/v2/carts/{}/lines"): self.add_line,
            ("DELETE", "/api/v2/carts/{}/lines/{}"): self.delete_line,
            ("POST", "/api/v2/orders"): self.make_order,
            ("GET", "/api/v2/orders"): self.list_orders,
            ("GET", "/api/v2/orders/{}"): self.get_order,
            ("POST", "/api/v2/orders/{}/cancel"): self.cancel,
            ("GET", "/api/v2/payments/{}"): self.get_payment,
            ("POST", "/api/v2/payments/{}/refunds"): self.refund,
            ("GET", "/api/v2/refunds/{}"): self.get_refund,
            ("GET", "/api/v2/shipments/{}"): self.get_shipment,
        }  # fmt: skip

    # ---------------------------------------------------------------- products
    def list_products(self, query: Query, _: Body) -> Answer:
        rows = [row for row in self.products if query.get("category") in (None, row["category"])]
        shown, number = page(rows, query)
        data = [{**row, "category": {"slug": row["category"]}} for row in shown]
        return 200, {"data": data, "page": number, "per_page": 10, "total": len(rows)}

    def get_product(self, _: Query, __: Body, number: str) -> Answer:
        row = self.products[int(number) - 1]
        related = [other["id"] for other in self.products if other["category"] == row["category"] and other is not row][:4]
        return 200, {**row, "category": {"slug": row["category"]}, "related": [{"product_id": other} for other in related]}

    def list_reviews(self, _: Query, __: Body, number: str) -> Answer:
        return 200, {"reviews": [row for row in self.reviews if row["product_id"] == int(number)]}

    def add_review(self, _: Query, body: Body, number: str) -> Answer:
        row = {
            "id": len(self.reviews) + 1,
            "product_id": int(number),
            "customer_id": self.some(self.customers)["id"],
            "stars": body["stars"],
        }
        self.reviews.append(row)
        return 201, row

    def delete_review(self, _: Query, __: Body, number: str) -> Answer:
        self.reviews = [row for row in self.reviews if row["id"] != int(number)]
        return 204, None

    def stock(self, _: Query, __: Body, sku: str) -> Answer:
        found = next((row for row in self.products if row["sku"] == sku), None)
        return (200, {"sku": sku, "on_hand": found["stock"], "reorder_at": 5}) if found else NOT_FOUND

    # ---------------------------------------------------------------- customers
    def list_customers(self, query: Query, _: Body) -> Answer:
        start = self.cursors.get(query.get("cursor", ""), 0)
        following = self.opaque("", 16) if start + 10 < len(self.customers) else None
        if following:
            self.cursors[following] = start + 10
        return 200, {"items": self.customers[start : start + 10], "next_cursor": following, "limit": 10}

    def get_customer(self, _: Query, __: Body, number: str) -> Answer:
        row = self.customers[int(number) - 1]
        return 200, {**row, "notes": [], "segment": {"id": int(number) % 3 + 1, "name": "frequent buyers"}}

    def orders_of(self, _: Query, __: Body, number: str) -> Answer:
        return 200, [self.short(row) for row in self.orders if row["customer_id"] == int(number)]

    # ---------------------------------------------------------------- carts
    def make_cart(self, _: Query, body: Body) -> Answer:
        cart = {"id": self.uuid(), "currency": body.get("currency", "EUR"), "lines": []}
        self.carts[cart["id"]] = cart
        return 201, cart

    def add_line(self, _: Query, body: Body, cart: str) -> Answer:
        lines = self.carts[cart]["lines"]
        lines.append({"line_id": len(lines) + 1 + 10 * len(self.carts), "product_id": body["product_id"], "quantity": body["quantity"]})
        return 200, self.carts[cart]

    def delete_line(self, _: Query, __: Body, cart: str, line: str) -> Answer:
        self.carts[cart]["lines"] = [row for row in self.carts[cart]["lines"] if row["line_id"] != int(line)]
        return 204, None

    # ---------------------------------------------------------------- orders
    def make_order(self, _: Query, body: Body) -> Answer:
        lines = [{**row, "sku": self.products[row["product_id"] - 1]["sku"]} for row in self.carts[body["cart_id"]]["lines"]]
        total = sum(self.products[row["product_id"] - 1]["price_cents"] * row["quantity"] for row in lines)
        number = len(self.orders) + 1
        payment = {"id": self.opaque("pay_"), "order_id": number, "amount_cents": total, "status": "paid"}
        order = {
            "id": number, "status": "paid", "customer_id": body["customer_id"], "payment_id": payment["id"], "lines": lines, "total_cents": total,
            "placed_on": f"2025-03-{number % 28 + 1:02}", "tracking": f"1Z{self.random.randint(10**9, 10**10 - 1)}AB", "user_id": 7,
        }  # fmt: skip
        self.orders.append(order)
        self.payments[payment["id"]] = payment
        return 201, {**self.short(order), "payment": {"id": payment["id"], "status": "paid"}}

    def short(self, order: Body) -> Body:
        return {name: order[name] for name in ("id", "status", "customer_id", "total_cents", "placed_on", "user_id")}

    def list_orders(self, query: Query, _: Body) -> Answer:
        rows = [row for row in self.orders if query.get("status") in (None, row["status"])]
        rows = [row for row in rows if query.get("customer_id") in (None, str(row["customer_id"]))]
        shown, number = page(rows, query, 20)
        return 200, {"data": [self.short(row) for row in shown], "page": number, "per_page": 20, "total": len(rows)}

    def get_order(self, _: Query, __: Body, number: str) -> Answer:
        row = self.orders[int(number) - 1]
        customer = {"id": row["customer_id"], "tier": "gold"}
        return 200, {
            **self.short(row), "customer": customer, "payment_id": row["payment_id"], "lines": row["lines"],
            "shipments": [{"tracking_number": row["tracking"], "carrier": "ups", "parcels": 1}],
        }  # fmt: skip

    def cancel(self, _: Query, body: Body, number: str) -> Answer:
        row = self.orders[int(number) - 1]
        row["status"] = "cancelled"
        return 200, {"id": row["id"], "status": "cancelled", "reason": body.get("reason", "customer")}

    # ---------------------------------------------------------------- money and parcels
    def get_payment(self, _: Query, __: Body, payment: str) -> Answer:
        return 200, self.payments[payment]

    def refund(self, _: Query, body: Body, payment: str) -> Answer:
        row = {"id": len(self.refunds) + 1, "payment_id": payment, "amount_cents": body["amount_cents"], "status": "pending"}
        self.refunds.append(row)
        return 201, row

    def get_refund(self, _: Query, __: Body, number: str) -> Answer:
        return 200, {**self.refunds[int(number) - 1], "status": "paid"}

    def get_shipment(self, _: Query, __: Body, tracking: str) -> Answer:
        row = next(row for row in self.orders if row["tracking"] == tracking)
        return 200, {"tracking_number": tracking, "order_id": row["id"], "status": "shipped", "step": 2}


def session(shop: Shop) -> None:
    """One visit: a customer buys, an agent looks after it."""
    call, some, base = shop.call, shop.some, "/api/v2"
    call("GET", f"{base}/me")
    category = some(call("GET", f"{base}/categories"))["slug"] if shop.random.random() < 0.6 else None
    number = shop.random.randint(1, 2 if category is None else 1)
    shown = call("GET", f"{base}/products", {"category": category, "page": number, "per_page": 10})["data"]
    cart = call("POST", f"{base}/carts", body={"currency": "EUR"})["id"]
    lines: list[Body] = []
    for row in shop.random.sample(shown, min(len(shown), 2)):
        seen = call("GET", f"{base}/products/{row['id']}")
        call("GET", f"{base}/stock/{seen['sku']}")
        wanted = some(seen["related"])["product_id"] if seen["related"] and shop.random.random() < 0.4 else seen["id"]
        lines = call("POST", f"{base}/carts/{cart}/lines", body={"product_id": wanted, "quantity": shop.random.randint(1, 3)})["lines"]
    if len(lines) > 1 and shop.random.random() < 0.4:
        call("DELETE", f"{base}/carts/{cart}/lines/{some(lines)['line_id']}")
    found = call("GET", f"{base}/customers", {"limit": 10})
    while found["next_cursor"] and shop.random.random() < 0.6:
        found = call("GET", f"{base}/customers", {"cursor": found["next_cursor"], "limit": 10})
    customer = some(found["items"])["id"]
    call("GET", f"{base}/customers/{customer}")
    coupon = some(call("GET", f"{base}/coupons")["coupons"])["code"]
    order = call("POST", f"{base}/orders", body={"cart_id": cart, "customer_id": customer, "coupon": coupon})
    _looked_after(shop, order)
    _reviewed(shop)


def _looked_after(shop: Shop, order: Body) -> None:
    call, some, base = shop.call, shop.some, "/api/v2"
    query = {"status": shop.random.choice(STATES[1:]), "page": 1} if shop.random.random() < 0.5 else {"customer_id": order["customer_id"]}
    rows = call("GET", f"{base}/orders", query)["data"] or [order]
    whole = call("GET", f"{base}/orders/{some(rows)['id']}")
    call("GET", f"{base}/shipments/{some(whole['shipments'])['tracking_number']}")
    call("GET", f"{base}/customers/{whole['customer']['id']}/orders")
    payment = call("GET", f"{base}/payments/{shop.random.choice((whole['payment_id'], order['payment']['id']))}")
    if shop.random.random() < 0.5:
        made = call("POST", f"{base}/payments/{payment['id']}/refunds", body={"amount_cents": payment["amount_cents"]})
        call("GET", f"{base}/refunds/{made['id']}")
    if shop.random.random() < 0.3:
        call("POST", f"{base}/orders/{order['id']}/cancel", body={"reason": "customer"})


def _reviewed(shop: Shop) -> None:
    call, base = shop.call, "/api/v2"
    product = shop.random.randint(1, 12)
    call("POST", f"{base}/products/{product}/reviews", body={"stars": shop.random.randint(1, 5)})
    found = call("GET", f"{base}/products/{product}/reviews")["reviews"]
    if len(found) > 2:
        call("GET", f"{base}/customers/{found[0]['customer_id']}")
        call("DELETE", f"{base}/reviews/{found[0]['id']}")


def recorded(sessions: int = 30, seed: int = 11) -> list[dict[str, Any]]:
    """The entries of some visits."""
    shop = Shop(seed)
    for _ in range(sessions):
        session(shop)
    return shop.entries
