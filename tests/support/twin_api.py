"""A small API by hand, as contracts and a recording: what a twin of it has to say is written down in the tests."""

from typing import Any

from caskmcp.model.contract import Contract, Paging
from caskmcp.model.exchange import Body, Exchange, Pair
from caskmcp.model.observation import Call
from caskmcp.runtime.twin.operations import known
from caskmcp.runtime.twin.play import Twin
from caskmcp.runtime.twin.seeded import seeded
from caskmcp.runtime.twin.wire import Request
from tests.support.contracts import HOST, INTEGER, STRING, contract, obj

STATUS = {"type": "string", "enum": ["open", "paid"]}
ORDER = obj(["id", "status"], id=INTEGER, status=STATUS, note=STRING, total={"type": "number"})
NEW = obj(["note"], note=STRING, status=STATUS)
LIST = obj(["items", "total"], items={"type": "array", "items": ORDER}, total=INTEGER)
PAGES = Paging(style="page", argument="query page", size="query size", items="/items", total="answer /total")
CURSORS = Paging(style="cursor", argument="query cursor", size="query limit", items="/rows", following="answer /next")


def contracts() -> tuple[Contract, ...]:
    """The operations."""
    ping = Call(protocol="jsonrpc", name="ping", constants={"jsonrpc": "2.0", "method": "ping"}, within=("params",))
    return (
        contract("GET /orders", query=["page", "size", "status"], answer=LIST, paging=PAGES),
        contract("POST /orders", body=NEW, body_required=True, answer=ORDER),
        contract("GET /orders/{order_id}", answer=ORDER),
        contract("PATCH /orders/{order_id}", body=obj(note=STRING, status=STATUS), answer=ORDER),
        contract("DELETE /orders/{order_id}", statuses={"204": 1}),
        contract("POST /orders/{order_id}/cancel", answer=ORDER),
        contract("GET /orders/{order_id}/lines", answer={"type": "array", "items": obj(sku=STRING)}),
        contract("GET /users/{user_id}", paths={"user_id": {"type": "string", "format": "uuid"}}, answer=obj(id=STRING, name=STRING)),
        contract("POST /users", body=obj(name=STRING), answer=obj(id=STRING, name=STRING)),
        contract("GET /events", query=["cursor", "limit"], paging=CURSORS),
        contract("GET /health", answer=obj(ok={"type": "boolean"})),
        contract("POST /rpc", body=obj(), call=ping),
    )


def order(number: int, status: str = "open", **more: Any) -> dict[str, Any]:
    """An order as it was recorded."""
    return {"id": number, "status": status, "note": f"note {number}", "total": number * 1.5, **more}


def said(
    method: str, path: str, status: int, value: Any = None, *, query: tuple[Pair, ...] = (), body: Any = None, **more: Any
) -> Exchange:
    """One exchange."""
    return Exchange(
        method=method,
        scheme="https",
        host=HOST,
        port=0,
        path=path,
        query=query,
        request=None if body is None else Body("application/json", "json", body, 1),
        status=status,
        response=None if value is None else Body("application/json", "json", value, 1),
        **more,
    )


U1, U2 = "0f8bb918-928c-4b90-9cd5-7a431ef2bf68", "1f8bb918-928c-4b90-9cd5-7a431ef2bf68"


def recording() -> tuple[Exchange, ...]:
    """What was recorded."""
    first, second = [order(1), order(2, "paid")], [order(3), order(4, "paid")]
    page = (("page", "1"), ("size", "2")), (("page", "2"), ("size", "2"))
    return (
        said("GET", "/orders", 200, {"items": first, "total": 4}, query=page[0]),
        said("GET", "/orders", 200, {"items": second, "total": 4}, query=page[1]),
        said("GET", "/orders/1", 200, order(1)),
        said("GET", "/orders/2", 200, order(2, "paid")),
        said("GET", "/orders/99", 404, {"code": "no_such_order"}),
        said("GET", "/orders/1/lines", 200, [{"sku": "a-1"}]),
        said("POST", "/orders", 201, order(5), body={"note": "note 5", "status": "open"}),
        said("POST", "/orders", 422, {"code": "bad_order"}, body={"status": "none"}),
        said("PATCH", "/orders/2", 200, order(2, "paid", note="later"), body={"note": "later"}),
        said("POST", "/orders/1/cancel", 200, order(1, "paid"), body={}),
        said("DELETE", "/orders/5", 204),
        said("GET", f"/users/{U1}", 200, {"id": U1, "name": "Ada"}),
        said("POST", "/users", 201, {"id": U2, "name": "Bo"}, body={"name": "Bo"}),
        said("GET", "/events", 200, {"rows": [{"id": 1}, {"id": 2}], "next": "c2"}, query=(("limit", "2"),)),
        said("GET", "/events", 200, {"rows": [{"id": 3}], "next": None}, query=(("cursor", "c2"), ("limit", "2"))),
        said("GET", "/health", 401, {"code": "who are you"}),
        said("GET", "/health", 200, {"ok": True}, auth=("bearer",)),
        said("POST", "/rpc", 200, {"jsonrpc": "2.0", "id": 7, "result": "pong"}, body={"jsonrpc": "2.0", "id": 7, "method": "ping"}),
    )


def twin(*, recorded: bool = True) -> Twin:
    """A twin of the recording, or of the contracts alone."""
    return Twin(seeded(known(contracts(), recording() if recorded else ())))


def asks(method: str, path: str, body: Any = None, **query: Any) -> Request:
    """A request."""
    return Request(method, HOST, path, tuple((name, str(value)) for name, value in query.items()), body)
