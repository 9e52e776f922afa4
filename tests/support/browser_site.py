"""A small site on loopback, for recorders: a login, pages that call an API by XHR and fetch, a form, a beacon, a frame, a popup, a websocket, a
third party on another port, a page that never stops loading, and one whose session is not valid any more.

Deterministic: the same visits give the same answers. `*.localhost` is loopback for a browser without any resolver (RFC 6761 section 6.3).
"""

import base64
import gzip
import hashlib
import json
import threading
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

PASSWORD: Final = "Correct-Horse-7-Battery"
SESSION: Final = "c00k1e-4f9d2b7e61a8035c"
BEARER: Final = "tok-8b1d55e0c9f24a37b6e2"
SECRETS: Final = (PASSWORD, SESSION, BEARER)
HOST: Final = "shop.localhost"
STATS: Final = "stats.localhost"
LARGE: Final = [
    {"id": number, "name": f"Product {number}", "price": number * 1.5, "in_stock": number % 2 == 0} for number in range(1, 2001)
]

LOGIN_PAGE: Final = """<!doctype html><title>Sign in</title><form method="post" action="/login">
<input name="user" id="user"><input name="password" id="password" type="password"><button id="go">Sign in</button></form>"""

APP_PAGE: Final = """<!doctype html><title>Shop</title><link rel="stylesheet" href="/static/app.css"><img src="/static/logo.png" alt="">
<h1>Shop</h1><form id="note"><input name="text" id="text"><button id="keep">Keep</button></form>
<a id="popup" target="_blank" href="/popup">More</a><a id="leave" href="/bye">Leave</a><div id="done"></div>
<script>
const stats = "STATS";
function xhr(method, target, body, media) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(method, target);
    if (media) request.setRequestHeader("Content-Type", media);
    request.setRequestHeader("Authorization", "Bearer " + localStorage.getItem("token"));
    request.onloadend = () => resolve(request.responseText);
    request.send(body || null);
  });
}
const headers = () => ({"Authorization": "Bearer " + localStorage.getItem("token"), "Content-Type": "application/json"});
const sent = (value) => ({method: "POST", headers: headers(), body: JSON.stringify(value)});
document.getElementById("note").onsubmit = (event) => {
  event.preventDefault();
  xhr("POST", "/api/notes", "text=" + encodeURIComponent(document.getElementById("text").value), "application/x-www-form-urlencoded")
    .then(() => { document.getElementById("done").append("kept "); });
};
// The page is gone at once after the answer: its body has to be in the recording all the same.
document.getElementById("leave").onclick = async (event) => {
  event.preventDefault();
  const file = new FormData();
  file.append("title", "A picture");
  file.append("file", new Blob(["pixels"]), "picture.png");
  await fetch("/api/pictures", {method: "POST", headers: {"Authorization": "Bearer " + localStorage.getItem("token")}, body: file});
  fetch("/api/farewell", {headers: headers()}).then((r) => r.json()).then(() => { location = "/bye"; });
};
(async () => {
  const session = await (await fetch("/api/session")).json();
  localStorage.setItem("token", session.token);
  for (const id of [17, 18, 19]) await xhr("GET", "/api/products/" + id);
  await xhr("GET", "/api/catalog");
  for (const state of ["open", "paid", "open", "paid"]) await fetch("/api/orders?status=" + state, {headers: headers()});
  for (const [product_id, quantity] of [[17, 1], [18, 2], [19, 3]]) await fetch("/api/orders", sent({product_id, quantity}));
  await fetch("/api/orders/1001", {method: "DELETE", headers: headers()});
  await fetch("/api/packed", {headers: headers()});
  await fetch(stats + "/collect?uid=42", {method: "POST", mode: "no-cors", body: "view"});
  navigator.sendBeacon("/beacon", "seen");
  await new Promise((resolve) => {
    const socket = new WebSocket("ws://" + location.host + "/ws");
    socket.onopen = socket.onerror = () => resolve();
  });
  const frame = document.createElement("iframe");
  frame.src = "/frame";
  document.body.append(frame);
  document.getElementById("done").append("ready ");
})();
</script>"""

FRAME_PAGE: Final = "<!doctype html><title>Frame</title><script>fetch('/api/frame').then(r => r.json());</script>"
POPUP_PAGE: Final = "<!doctype html><title>More</title><p id='more'></p><script>fetch('/api/popup').then(r => r.json()).then(v => { document.getElementById('more').append('more'); });</script>"
PLAIN_PAGE: Final = "<!doctype html><title>Bye</title><p id='bye'>Bye</p>"
SPA_PAGE: Final = """<!doctype html><title>App</title><script>
fetch("/api/session").then((answer) => { if (answer.status === 401) { history.pushState({}, "", "/account/sign-in"); } });
</script>"""
NEVER_PAGE: Final = (
    "<!doctype html><title>Slow</title><script>fetch('/api/heartbeat').then(r => r.json());fetch('/api/hang');</script><p>and now wait"
)


class Answer(NamedTuple):
    """What the site sends back."""

    status: int
    media: str = "application/json"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(status, body=json.dumps(value).encode())


def _page(text: str) -> Answer:
    return Answer(200, "text/html; charset=utf-8", text.encode())


def _to(target: str, *headers: tuple[str, str]) -> Answer:
    return Answer(303, "text/plain", b"", (("Location", target), *headers))


class Request(NamedTuple):
    """What a visitor sent."""

    method: str
    path: str
    query: dict[str, list[str]]
    cookie: str
    authorization: str
    body: bytes

    @property
    def knows_session(self) -> bool:
        """Whether the cookie of a login came along."""
        return f"session={SESSION}" in self.cookie

    @property
    def knows_token(self) -> bool:
        """Whether the token came along."""
        return self.authorization == f"Bearer {BEARER}"


def _sign_in(request: Request) -> Answer:
    given = parse_qs(request.body.decode())
    if given.get("password") != [PASSWORD]:
        return _page(LOGIN_PAGE)
    return _to("/app", ("Set-Cookie", f"session={SESSION}; Path=/; HttpOnly"), ("Set-Cookie", "theme=dark; Path=/"))


def _orders(request: Request) -> Answer:
    if request.method == "POST":
        return _json({"id": 1000 + json.loads(request.body)["product_id"], "state": "open"}, 201)
    return _json([{"id": 1001, "state": request.query["status"][0], "total": 12.5}])


def _product(request: Request) -> Answer:
    number = int(request.path.rsplit("/", 1)[1])
    return _json({"id": number, "name": f"Product {number}", "price": number * 1.5})


def _packed(_: Request) -> Answer:
    return Answer(
        200,
        body=gzip.compress(json.dumps({"packed": True, "kinds": ["a", "b"]}).encode(), mtime=0),
        headers=(("Content-Encoding", "gzip"),),
    )


def _kept(request: Request) -> Answer:
    return _json({"id": 7, "text": parse_qs(request.body.decode())["text"][0]}, 201)


def _always(answer: Answer) -> Callable[[Request], Answer]:
    return lambda _: answer


# fmt: off
OPEN: Final[dict[str, Callable[[Request], Answer]]] = {
    "GET /login":            _always(_page(LOGIN_PAGE)),
    "POST /login":           _sign_in,
    "GET /spa":              _always(_page(SPA_PAGE)),
    "GET /never":            _always(_page(NEVER_PAGE)),
    "GET /api/heartbeat":    _always(_json({"beat": 1})),
    "GET /static/app.css":   _always(Answer(200, "text/css", b"body { margin: 0 }")),
    "GET /static/logo.png":  _always(Answer(200, "image/png", b"\x89PNG\r\n\x1a\n")),
    "POST /beacon":          _always(Answer(204)),
}
"""Routes for everybody."""
PAGES: Final[dict[str, Callable[[Request], Answer]]] = {
    "GET /":                 _always(_to("/app")),
    "GET /frame":            _always(_page(FRAME_PAGE)),
    "GET /popup":            _always(_page(POPUP_PAGE)),
    "GET /bye":              _always(_page(PLAIN_PAGE)),
}
"""Routes for who signed in; others are sent to the login."""
COOKIED: Final[dict[str, Callable[[Request], Answer]]] = {
    "GET /api/session":      _always(_json({"user": "ada", "token": BEARER})),
    "GET /api/frame":        _always(_json({"frame": "inner"})),
    "GET /api/popup":        _always(_json({"popup": "more"})),
}
"""Calls that the cookie authenticates; 401 without it."""
CALLS: Final[dict[str, Callable[[Request], Answer]]] = {
    "GET /api/products/17":  _product,
    "GET /api/products/18":  _product,
    "GET /api/products/19":  _product,
    "GET /api/catalog":      _always(_json(LARGE)),
    "GET /api/orders":       _orders,
    "POST /api/orders":      _orders,
    "DELETE /api/orders/1001": _always(Answer(204)),
    "GET /api/packed":       _packed,
    "GET /api/farewell":     _always(_json({"farewell": list(range(5000))})),
    "POST /api/notes":       _kept,
    "POST /api/pictures":    _always(_json({"id": 3}, 201)),
}
"""Calls that the token authenticates; 401 without it."""
# fmt: on


def answer(request: Request, stats: str) -> Answer:
    """What the site says to a request. stats: origin of the third party, which the page calls."""
    key = f"{request.method} {request.path}"
    if key in OPEN:
        return OPEN[key](request)
    if key == "GET /app" and request.knows_session:
        return _page(APP_PAGE.replace("STATS", stats))
    if key in PAGES or key == "GET /app":
        return PAGES[key](request) if request.knows_session else _to("/login")
    if key in COOKIED:
        return COOKIED[key](request) if request.knows_session else _json({"error": "sign in"}, 401)
    if key in CALLS:
        return CALLS[key](request) if request.knows_token else _json({"error": "sign in"}, 401)
    return _json({"error": "none"}, 404)


class Visit(BaseHTTPRequestHandler):
    """One connection of a visitor."""

    protocol_version = "HTTP/1.1"
    server_version = "site"
    sys_version = ""

    def __init__(self, site: "Site", *rest: Any) -> None:
        self.site = site
        super().__init__(*rest)

    def do_GET(self) -> None:
        """Answer; a websocket is accepted and left open; what hangs, hangs until the site ends."""
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self._accept()
        elif self.path == "/api/hang":
            self.site.over.wait()
            self.close_connection = True
        else:
            self._answer()

    do_POST = do_DELETE = do_PUT = do_OPTIONS = do_GET

    def _answer(self) -> None:
        split = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        cookie, authorization = (self.headers.get(name) or "" for name in ("Cookie", "Authorization"))
        found = self.site.answer(Request(self.command, split.path, parse_qs(split.query), cookie, authorization, body))
        self.send_response(found.status)
        self.send_header("Content-Type", found.media)
        never = split.path == "/never"
        if not never:
            self.send_header("Content-Length", str(len(found.body)))
        for name, value in found.headers:
            self.send_header(name, value)
        if never:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(found.body)
        if never:
            self.wfile.flush()
            self.site.over.wait()

    def _accept(self) -> None:
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.flush()
        self.site.over.wait()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the calls, for tests to compare with; nothing is printed."""
        self.site.log.append(f"{self.command} {self.path}")


class Server(ThreadingHTTPServer):
    """Ends although connections are open; a visitor that goes away is no error."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor went away in the middle."""


class Site:
    """The shop and the third party, each on a port of its own. A context manager."""

    def __init__(self, *, knows_nobody: bool = False) -> None:
        self.over = threading.Event()
        self.log: list[str] = []
        self.knows_nobody = knows_nobody
        """Every session has ended: cookies and tokens of before are worth nothing."""
        self._servers = [Server(("127.0.0.1", 0), partial(Visit, self)) for _ in range(2)]
        self.port, self.stats_port = (server.server_address[1] for server in self._servers)

    @property
    def host(self) -> str:
        """The first party as cask.yaml names it."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{self.host}"

    @property
    def third_party(self) -> str:
        """The host of the third party."""
        return f"{STATS}:{self.stats_port}"

    def answer(self, request: Request) -> Answer:
        """What it says to a request."""
        known = request._replace(cookie="", authorization="") if self.knows_nobody else request
        return answer(known, f"http://{self.third_party}")

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.over.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()
