"""A small loopback service with two shared endpoints, and a session with it: GraphQL (executed by graphql-core) and JSON-RPC 2.0.

`recorded` really talks to the service and writes down what went over the wire as a HAR, with the host of the manifest in place of loopback.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import Request, urlopen

from graphql import build_schema, graphql_sync

HOST: Final = "api.shop.example"
PLANTED: Final = "Adelgunde"
"""A name that a client wrote into a text."""
SDL: Final = """
enum OrderState { OPEN PAID }
input NoteInput { text: String! pinned: Boolean }
type Order { id: ID! state: OrderState! total: Float! notes: [String!]! }
type Shop { title: String! currency: String! }
type Query { order(id: ID!): Order  orders(first: Int, state: OrderState): [Order!]!  shop: Shop!  find(name: String!): [Order!]! }
type Mutation { addNote(id: ID!, note: NoteInput!): Order!  deleteOrder(id: ID!): Boolean! }
"""

ORDERS: Final = "query Orders($first: Int = 10, $state: OrderState) { orders(first: $first, state: $state) { ...Line } } fragment Line on Order { id total }"
GET_ORDER: Final = "query GetOrder($id: ID!) {\n  # one of them\n  order(id: $id) { id state notes }\n}"
ADD_NOTE: Final = "mutation AddNote($id: ID!, $note: NoteInput!) { addNote(id: $id, note: $note) { id notes } }"
DELETE: Final = "mutation Remove($id: ID!) { deleteOrder(id: $id) }"
SHOP: Final = "{ shop { title currency } }"
TOTALS: Final = "query Totals { orders { total } }"
INLINE: Final = f'query Find {{ find(name: "{PLANTED}") {{ id }} }}'
LIVE: Final = "query Live { orders(first: 5) { id state } }"


def digest(text: str) -> str:
    """The name that Apollo gives a persisted operation: SHA-256 of its text."""
    return hashlib.sha256(text.encode()).hexdigest()


class Shop:
    """The state behind both endpoints."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {
            str(number): {"id": str(number), "state": "OPEN", "total": number * 2.5, "notes": []} for number in range(1, 9)
        }
        self.persisted: dict[str, str] = {}
        self.schema = build_schema(SDL)

    def graphql(self, asked: Any) -> Any:
        """The answer to one request or to a batch."""
        if isinstance(asked, list):
            return [self.graphql(row) for row in asked]
        found = asked.get("extensions", {}).get("persistedQuery", {}).get("sha256Hash", "")
        text = asked.get("query") or self.persisted.get(found)
        if text is None:
            return {"errors": [{"message": "PersistedQueryNotFound"}]}
        if found:
            self.persisted[found] = text
        done = graphql_sync(
            self.schema, text, root_value=self, variable_values=asked.get("variables"), operation_name=asked.get("operationName")
        )
        return done.formatted

    # graphql-core calls a method of the root value for each root field, with its own information first.
    def orders(self, _: Any, first: int | None = None, state: str | None = None) -> Any:
        return [row for row in self.rows.values() if state in (None, row["state"])][:first]

    def order(self, _: Any, id: str) -> Any:
        return self.rows.get(id)

    def shop(self, _: Any) -> Any:
        return {"title": "Shop", "currency": "EUR"}

    def find(self, _: Any, name: str) -> Any:
        return []

    def addNote(self, _: Any, id: str, note: Any) -> Any:
        self.rows[id]["notes"].append(note["text"])
        return self.rows[id]

    def deleteOrder(self, _: Any, id: str) -> bool:
        return self.rows.pop(id, None) is not None

    def rpc(self, asked: Any) -> Any:
        """The answer to one call or to a batch, which is answered last one first."""
        if isinstance(asked, list):
            return [self.rpc(row) for row in reversed(asked)]
        method, params = asked["method"], asked.get("params", {})
        if method not in ("orders.get", "orders.sum", "orders.close"):
            return {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "Method not found"}}
        answers: dict[str, Callable[[], Any]] = {
            "orders.get": lambda: self.rows.get(str(params["id"])),
            "orders.sum": lambda: sum(params),
            "orders.close": lambda: {"closed": params["id"]},
        }
        return {"jsonrpc": "2.0", "id": asked["id"], "result": answers[method]()}


class Service:
    """Serves a `Shop` on loopback. `heard`: (method, path, decoded body or query) of each request, in order."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.heard: list[tuple[str, str, Any]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = int(self.server.server_address[1])

    def __enter__(self) -> Self:
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, trace: TracebackType | None) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method: str, path: str, asked: Any) -> tuple[int, Any]:
        """Status and JSON."""
        self.heard.append((method, path, asked))
        if path == "/rpc":
            return 200, self.shop.rpc(asked)
        answer = self.shop.graphql(asked)
        return (400 if isinstance(answer, dict) and "data" not in answer else 200), answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self._send(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def do_GET(self) -> None:
                rows = parse_qsl(urlsplit(self.path).query)
                self._send({name: json.loads(text) if name in ("variables", "extensions") else text for name, text in rows})

            def _send(self, asked: Any) -> None:
                status, answer = service.answer(self.command, urlsplit(self.path).path, asked)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing: tests read `heard`."""

        return Handler


def ask(text: str, variables: Any = None, name: str = "", **more: Any) -> dict[str, Any]:
    """One GraphQL request."""
    return {"query": text} | ({"operationName": name} if name else {}) | ({} if variables is None else {"variables": variables}) | more


def call(method: str, params: Any, number: int) -> dict[str, Any]:
    """One JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def session() -> list[tuple[str, str, Any]]:
    """(method, path, body or query) of everything that the recorded client asked for."""
    stored = {"persistedQuery": {"version": 1, "sha256Hash": digest(TOTALS)}}
    live = {"persistedQuery": {"version": 1, "sha256Hash": digest(LIVE)}}
    graphql = [
        ask(ORDERS, {"first": 2}, "Orders"),
        ask(ORDERS, {"first": 3, "state": "OPEN"}, "Orders"),
        ask(ORDERS + " " + GET_ORDER, {"id": "1"}, "GetOrder"),
        ask(GET_ORDER, {"id": "2"}),
        [ask(GET_ORDER, {"id": "3"}, "GetOrder"), ask(ORDERS, {}, "Orders")],
        *(
            ask(ADD_NOTE, {"id": str(number), "note": {"text": text, "pinned": True}})
            for number, text in ((1, "hello"), (2, "later"), (3, "again"))
        ),
        ask(DELETE, {"id": "8"}),
        ask(SHOP),
        {"operationName": "Totals", "extensions": stored},
        ask(TOTALS, None, "Totals", extensions=stored),
        {"operationName": "Totals", "extensions": stored, "variables": {}},
        ask(INLINE),
        ask("query Broken { orders { "),
        ask("{ nothing }"),
    ]
    rpc = [
        call("orders.get", {"id": 1}, 1),
        [call("orders.get", {"id": 2}, 2), call("orders.sum", [1, 2], 3)],
        call("orders.close", {"id": 7}, 4),
        call("orders.burn", {"id": 7}, 5),
        call(f"{PLANTED}.{PLANTED}", {}, 6),
    ]
    get = [ask(LIVE, extensions=live), {"operationName": "Live", "extensions": live}]
    posted = [("POST", "/graphql", body) for body in graphql] + [("POST", "/rpc", body) for body in rpc]
    return posted + [("GET", "/graphql", query) for query in get]


def recorded() -> list[dict[str, Any]]:
    """The entries of a HAR of the session, as the service answered it."""
    with Service() as service:
        return [_entry(service, *row) for row in session()]


def har(entries: Iterable[dict[str, Any]]) -> bytes:
    """A HAR of entries."""
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "t", "version": "1"}, "entries": list(entries)}}).encode()


def _entry(service: Service, method: str, path: str, asked: Any) -> dict[str, Any]:
    query = {name: text if isinstance(text, str) else json.dumps(text) for name, text in asked.items()} if method == "GET" else {}
    target = path + (f"?{urlencode(query)}" if query else "")
    body = json.dumps(asked).encode() if method == "POST" else None
    request = Request(f"http://127.0.0.1:{service.port}{target}", data=body, headers={"Content-Type": "application/json"}, method=method)
    status, text = _sent(request)
    posted = {"postData": {"mimeType": "application/json", "text": body.decode()}} if body else {}
    return {
        "request": {"method": method, "url": f"https://{HOST}{target}", "headers": [], **posted},
        "response": {"status": status, "headers": [], "content": {"mimeType": "application/json", "text": text}},
    }


def _sent(request: Request) -> tuple[int, str]:
    try:
        with urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()
