"""The reference recording, small: traffic of a shop with a stated number of endpoints, after the project's benchmark input, with short bodies.

What is in it: collections, items, sub-collections, actions and searches under ids of four kinds (integers, UUIDs, hexadecimal, slugs that
look like words), the traps that go with them (`/users/me`, `/orders/search` beside `/orders/{id}`), a login, one GraphQL endpoint; popularity by
Zipf's law, failures, answers that the client had already, preflights, assets, a third party. Same arguments, same bytes. Every endpoint
succeeds once before any fails, so that the truth is the same at every length.
"""
# ruff: noqa: SIM905 - lists of words

import json
import random
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any, Final, NamedTuple

API: Final = "api.shop.example"
RESOURCES: Final = (
    "users orders products carts invoices payments shipments reviews categories coupons warehouses suppliers tickets messages projects tasks teams"
).split()
CHILDREN: Final = "items notes history attachments members labels versions addresses".split()
ACTIONS: Final = "cancel archive publish approve duplicate refund assign lock".split()
WORDS: Final = (
    "amber basil cedar delta ember fjord grove harbor indigo jasper kelp lunar maple nectar onyx prairie quartz river sierra tundra".split()
)
FIELDS: Final = (
    "title description state priority currency amount quantity score weight height color size timezone country city website summary barcode batch "
    "revision checksum source target reason channel visibility position discount tax subtotal total balance threshold latency is_active "
    "has_children starts_at archived_at parent_id group_id region zone tier plan"
).split()
KINDS: Final = ("int", "uuid", "hex", "slug")
OPERATIONS: Final = ("CurrentViewer", "ProductGrid", "OrderTimeline", "UpdateCart")
LISTING: Final = ("page", "per_page", "sort", "q", "state", "since", "include")
FAILURES: Final = (304, 400, 401, 403, 404, 409, 422, 429, 500, 503)
NOISE: Final = 0.12
ROUNDS: Final = 5
"""One request in five takes the next endpoint in order, so that none is too unpopular to be seen."""

Rng = random.Random
Plain = dict[str, Any]


class Endpoint(NamedTuple):
    """Method, template, kinds of its ids, names of its query, fields of what it answers and takes."""

    method: str
    template: str
    ids: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    listing: bool = False

    @property
    def success(self) -> int:
        """Its status when all is well."""
        return 204 if self.method == "DELETE" else 201 if self.method == "POST" and not self.ids else 200


def endpoints(count: int, seed: int = 1) -> list[Endpoint]:
    """The first endpoints of an API without end."""
    rng = Rng(f"api:{seed}")
    out = [Endpoint("POST", "/v1/auth/login"), Endpoint("POST", "/graphql")]
    version = 0
    while len(out) < count:
        version += 1
        for resource in RESOURCES:
            out += _collection(f"/v{version}/{resource}", resource, rng)
    return out[:count]


def _collection(base: str, resource: str, rng: Rng) -> Iterator[Endpoint]:
    kind, inner = rng.choice(KINDS), rng.choice(KINDS)
    fields, other = tuple(rng.sample(FIELDS, 8)), tuple(rng.sample(FIELDS, 6))
    one, child = f"{base}/{{id}}", rng.choice(CHILDREN)
    yield Endpoint("GET", base, (), LISTING, fields, listing=True)
    yield Endpoint("GET", one, (kind,), ("include",), fields)
    yield Endpoint("POST", base, (), (), fields, body=tuple(rng.sample(FIELDS, 5)))
    yield Endpoint("PATCH", one, (kind,), (), fields, body=tuple(rng.sample(FIELDS, 4)))
    yield Endpoint("DELETE", one, (kind,))
    yield Endpoint("GET", f"{one}/{child}", (kind,), ("page", "per_page"), other, listing=True)
    yield Endpoint("GET", f"{one}/{child}/{{id}}", (kind, inner), (), other)
    yield Endpoint("POST", f"{one}/{rng.choice(ACTIONS)}", (kind,), (), fields, body=tuple(rng.sample(FIELDS, 3)))
    last = "me" if resource in ("users", "teams") else "search"
    yield Endpoint("GET", f"{base}/{last}", (), ("q", "fuzzy"), fields, listing=True)


# ---------------------------------------------------------------- values
def _uuid(rng: Rng) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _slug(rng: Rng) -> str:
    return f"{rng.choice(WORDS)}-{rng.choice(WORDS)}-{rng.randrange(1000)}"


def _time(rng: Rng) -> str:
    return f"2026-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}T{rng.randrange(24):02}:{rng.randrange(60):02}:00Z"


def _id(kind: str, rng: Rng) -> Any:
    if kind == "int":
        return rng.randrange(1, 2_000_000)
    return f"{rng.getrandbits(96):024x}" if kind == "hex" else _uuid(rng) if kind == "uuid" else _slug(rng)


def _value(name: str, rng: Rng) -> Any:
    if name.endswith("_at"):
        return _time(rng)
    if name.startswith(("is_", "has_")):
        return rng.random() < 0.5
    if name.endswith("_id"):
        return _uuid(rng)
    if name in ("state", "tier", "plan", "visibility"):
        return rng.choice(WORDS[:4])
    if name in ("amount", "score", "weight", "tax", "subtotal", "total", "balance"):
        return round(rng.random() * 1000, 2)
    if name in ("quantity", "position", "priority", "revision", "size", "height", "latency"):
        return rng.randrange(1000)
    return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 6)))


def _object(names: Iterable[str], rng: Rng, kind: str = "") -> Plain:
    return ({"id": _id(kind, rng)} if kind else {}) | {name: _value(name, rng) for name in names}


def _query(names: Iterable[str], rng: Rng) -> dict[str, str]:
    makers: dict[str, Callable[[], str]] = {
        "page": lambda: str(rng.randrange(1, 30)), "per_page": lambda: rng.choice(("20", "50", "100")), "q": lambda: rng.choice(WORDS),
        "sort": lambda: rng.choice(("-created_at", "name", "total")), "state": lambda: rng.choice(("open", "closed", "all")),
        "since": lambda: _time(rng), "include": lambda: rng.choice(("owner", "owner%2Citems")), "fuzzy": lambda: rng.choice(("0", "1")),
    }  # fmt: skip
    return {name: makers[name]() for name in names if rng.random() < 0.45}


# ---------------------------------------------------------------- entries
class Traffic:
    """Entries of a HAR, one after the other."""

    def __init__(self, count: int = 66, seed: int = 1) -> None:
        self.rng = Rng(f"traffic:{seed}")
        self.api = endpoints(count, seed)
        self.walked = 0
        order = list(self.api)
        Rng(f"order:{seed}").shuffle(order)
        self.ranked, self.weights = order, list(accumulate(1 / (rank + 1) for rank in range(count)))

    def entries(self, count: int) -> list[Plain]:
        """The next entries."""
        return [self._entry(number) for number in range(1, count + 1)]

    def _entry(self, number: int) -> Plain:
        rng = self.rng
        if number % ROUNDS == 0:
            self.walked += 1
            return self._call(self.api[(self.walked - 1) % len(self.api)], may_fail=self.walked > len(self.api))
        if rng.random() < NOISE:
            return self._noise()
        may_fail = self.walked >= len(self.api)
        return self._call(rng.choices(self.ranked, cum_weights=self.weights)[0], may_fail=may_fail)

    def _noise(self) -> Plain:
        rng = self.rng
        kind = rng.randrange(3)
        if kind == 0:
            return entry(
                "GET",
                f"https://cdn.shop.example/assets/{rng.choice(WORDS)}.{rng.getrandbits(32):08x}.js",
                200,
                ("application/javascript", "x"),
            )
        if kind == 1:
            return entry("OPTIONS", f"https://{API}/v1/{rng.choice(RESOURCES)}", 204)
        return entry("POST", "https://t.metrics.example/collect?v=2", 204, body={"ev": rng.choice(WORDS)})

    def _call(self, endpoint: Endpoint, *, may_fail: bool) -> Plain:
        rng = self.rng
        status = rng.choice(FAILURES) if may_fail and rng.random() < 0.07 else endpoint.success
        path = endpoint.template
        for kind in endpoint.ids:
            path = path.replace("{id}", str(_id(kind, rng)), 1)
        query = "&".join(f"{name}={value}" for name, value in _query(endpoint.query, rng).items())
        body, answer = self._bodies(endpoint, status)
        return entry(endpoint.method, f"https://{API}{path}{'?' if query else ''}{query}", status, answer, body)

    def _bodies(self, endpoint: Endpoint, status: int) -> tuple[Any, Any]:
        rng = self.rng
        body: Any = _object(endpoint.body, rng) if endpoint.body else None
        answer: Any = _object(endpoint.fields, rng, (endpoint.ids or ("int",))[-1])
        if endpoint.template == "/graphql":
            name = rng.choice(OPERATIONS)
            text = f"query {name}($first: Int!, $after: String) {{\n  node(first: $first, after: $after) {{\n    id\n    title\n  }}\n}}"
            body = {"operationName": name, "variables": {"first": rng.randrange(1, 50), "after": None}, "query": text}
            answer = {"data": {"node": _object(("title",), rng, "int")}}
        elif endpoint.template.endswith("/login"):
            body = {
                "email": f"user{rng.randrange(20)}@mail.example",
                "password": f"Pw!{rng.getrandbits(48):012x}",
                "remember": rng.random() < 0.5,
            }
            answer = {"access_token": f"{rng.getrandbits(160):040x}", "token_type": "Bearer", "expires_in": 3600}
        elif endpoint.listing:
            answer = {"items": [_object(endpoint.fields, rng, "int") for _ in range(rng.randrange(1, 4))], "total": rng.randrange(500)}
        if status >= 400:
            return body, {"error": {"code": status, "message": rng.choice(WORDS)}}
        return body, None if status in (204, 304) else answer


def entry(method: str, url: str, status: int, answer: Any = None, body: Any = None) -> Plain:
    """A HAR entry. answer: JSON, or (media type, text)."""
    request: Plain = {"method": method, "url": url, "httpVersion": "h2", "headers": [{"name": "accept", "value": "application/json"}]}
    if body is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(body)}
    media, text = (
        answer
        if isinstance(answer, tuple)
        else ("application/json" if answer is not None else "", "" if answer is None else json.dumps(answer))
    )
    content = {"size": len(text), "mimeType": media, "text": text}
    return {
        "startedDateTime": "2026-01-05T09:00:00Z",
        "request": request,
        "response": {"status": status, "headers": [], "content": content},
    }


def har(entries: Iterable[Mapping[str, Any]]) -> bytes:
    """A recording of entries."""
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "reference", "version": "1"}, "entries": list(entries)}}).encode()


def structures(count: int = 66, seed: int = 1) -> set[tuple[str, str]]:
    """Method and template of each endpoint, parameters without names: the truth."""
    return {(row.method, row.template.replace("{id}", "{}")) for row in endpoints(count, seed)}
