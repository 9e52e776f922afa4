"""A shop's API as contracts written by hand: reads, writes, a refund, an account, a search, a form, an upload, an excluded operation."""

from typing import Any

from caskmcp import canon
from caskmcp.compiler.classify.stage import surface
from caskmcp.model.contract import Contract
from tests.support.contracts import INTEGER, STRING, Given, contract, obj, parameter

ORDER = obj(
    ["id", "status"],
    id=INTEGER,
    status={"type": "string", "enum": ["open", "paid", "sent"]},
    total={"type": "number"},
    placed_at={"type": "string", "format": "date-time"},
    customer={"$ref": "#/$defs/Customer"},
) | {"$defs": {"Customer": obj(["id"], id=INTEGER, email={"type": "string", "format": "email"}, parent={"$ref": "#/$defs/Customer"})}}
ITEM = obj(["sku", "quantity"], sku={"type": "string", "maxLength": 20}, quantity={"type": "integer", "minimum": 1, "maximum": 100})


def listed(schema: dict[str, Any]) -> dict[str, Any]:
    definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    return {"type": "array", "items": {key: value for key, value in schema.items() if key != "$defs"}} | definitions


def storefront() -> tuple[Contract, ...]:
    """The contracts."""
    return (
        contract("GET /api/v1/orders", query=["status", "page"], answer=listed(ORDER), seen=40),
        contract("GET /api/v1/orders/{order_id}", answer=ORDER, seen=60),
        contract(
            "POST /api/v1/orders",
            body=obj(["items"], items={"type": "array", "items": ITEM}, note=STRING),
            body_required=True,
            answer=ORDER,
            seen=12,
        ),
        contract("PATCH /api/v1/orders/{order_id}", body=obj(note=STRING, page=INTEGER), query=["page"], answer=ORDER),
        contract("POST /api/v1/orders/{order_id}/cancel", answer=ORDER),
        contract(
            "POST /api/v1/orders/{order_id}/refund",
            body=obj(["amount"], amount={"type": "number"}),
            body_required=True,
            seen=2,
            confidence="low",
        ),
        contract("DELETE /api/v1/orders/{order_id}", statuses={"204": 3}),
        contract("POST /api/v1/orders/search", body=obj(text=STRING), answer=listed(ORDER)),
        contract(
            "GET /api/v1/products/{slug}",
            answer=obj(["data"], data=obj(name=STRING)),
            parameters=[parameter("X-Trace", "header"), parameter("Authorization", "header"), parameter("theme", "cookie")],
        ),
        contract("GET /api/v1/customers/{customer_id}", answer=obj(email={"type": "string", "format": "email"}), traits=("pii",)),
        contract("DELETE /api/v1/users/{user_id}", statuses={"204": 1}),
        contract("POST /api/v1/feedback", body=obj(text=STRING), media="application/x-www-form-urlencoded", kind="form"),
        contract(
            "POST /api/v1/uploads",
            body=obj(file={"type": "string", "format": "binary"}, label=STRING),
            media="multipart/form-data",
            kind="multipart",
        ),
        contract("GET /metrics", answer=None),
        contract("GET /status", host="status.shop.example", answer=obj(up={"type": "boolean"})),
    )


def given(contracts: tuple[Contract, ...], **more: Any) -> Given:
    """What the stages read for these contracts; more: other sections of the manifest (`tools`, `toolsets`, `policy`, …) or `coverage`."""
    manifest: dict[str, Any] = {
        "tools": {},
        "toolsets": {},
        "auth": {},
        "environments": {},
        "policy": None,
        "scopes": None,
        "id": "storefront",
    }
    manifest["emit"] = ["tools", "toolsets", "policy", "baseline", "contracts", "scopes", "openapi"]
    manifest |= {key: value for key, value in more.items() if key in manifest}
    plain = {row.id: row.plain() for row in contracts}
    judged = surface(contracts).model_dump(mode="json", by_alias=True)
    covered = {"operations": {row.id: {"parts": {"p" * 8: 1}} for row in contracts}}
    roles = {f"project.{key}": value for key, value in manifest.items()}
    roles |= {
        "infer.contract": dict(sorted(plain.items())),
        "relate.contracts": {},
        "classify.surface": judged,
        "merge.definitions": {},
        "merge.coverage": more.get("coverage", covered),
        "merge.groups": more.get("groups", {}),
    }
    return Given(roles)


SECTIONS: dict[str, Any] = {
    "tools": {"rename": {"get_product": "get_article"}, "exclude": ["GET /metrics"], "budget": {"tools": 5, "tokens": 20_000}},
    "toolsets": {"support": {"include": ["*_order", "list_orders"], "exclude": ["delete_*"], "max_risk": "medium"}},
    "auth": {"api.shop.example": {"scheme": "bearer", "from": "env:SHOP_TOKEN"}},
    "environments": {"local": {"api.shop.example": {"url": "http://127.0.0.1:8080", "private": True}}},
    "policy": {
        "version": 1,
        "rules": [{"id": "no-uploads", "effect": "deny", "match": {"tools": ["create_upload"]}}],
        "budgets": {"*": {"calls": 60, "per_seconds": 60}},
    },
}
"""A manifest that uses every section."""


def locked(files: dict[str, bytes], pack: str = "storefront") -> Given:
    """What the stage `lock` reads."""
    return Given({"project.id": pack}, {"emit.files": files})


def digest(files: dict[str, bytes]) -> str:
    """One digest of all files."""
    return canon.digest({name: data.decode() for name, data in files.items()})
