"""The corpus of planted secrets: HAR entries that carry them, and the search for what is left of them.

A case of `fixtures/hostile/secrets.jsonl` says where its value stands (`where`, `name`) and what must become of it (`expect`). Values are
written in parts, so that no scanner takes the corpus for a leak.
"""

import base64
import html
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, quote_plus, urlencode

HOST: Final = "vault.corpus.example"
CORPUS: Final = Path(__file__).parents[2] / "fixtures" / "hostile" / "secrets.jsonl"
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


class Case(NamedTuple):
    """A secret that must vanish (`gone`), or a look-alike that must stay (`survives`)."""

    id: str
    expect: str
    where: str
    name: str
    value: str
    core: str
    """The random part; empty for look-alikes."""
    survives: str

    @property
    def base(self) -> str:
        """The URL of its entry."""
        return f"https://{HOST}/c/{self.id}"


def cases(expect: str = "") -> list[Case]:
    """All cases of the corpus, or those with one verdict."""
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    found = [
        Case(
            row["id"],
            row["expect"],
            row["where"],
            row["name"],
            "".join(row["parts"]),
            "".join(row.get("core_parts", ())),
            row.get("survives", ""),
        )
        for row in rows
    ]
    return [case for case in found if not expect or case.expect == expect]


def recording(found: list[Case], repeat: int = 1) -> bytes:
    """A HAR with one entry a case; what stands on a page's title comes with the pages."""
    pages = [{"id": case.id, "title": f"https://{HOST}/cb?token={case.value}"} for case in found if case.where == "har.page.title"]
    entries = [made for case in found if (made := entry(case)) for _ in range(repeat)]
    log = {"version": "1.2", "creator": {"name": "corpus", "version": "1"}, "pages": pages, "entries": entries}
    return json.dumps({"log": log}, ensure_ascii=False).encode("utf-8")


def entry(case: Case) -> dict[str, Any] | None:
    """The entry that carries a case; None for what no HAR entry can carry."""
    place = PLACES.get(case.where)
    return None if place is None else _entry(case.base, **place(case.name, case.value, case.base))


def _entry(base: str, **parts: Any) -> dict[str, Any]:
    text = parts.get("answer", '{"ok":true}')
    media = parts.get("media", JSON)
    request = {
        "method": "POST" if "post" in parts else "GET",
        "url": parts.get("url", base),
        "headers": _named([("Host", HOST), *parts.get("headers", ())]),
        "queryString": _named(parts.get("query", ())),
        "cookies": _named(parts.get("cookies", ())),
        **({"postData": parts["post"]} if "post" in parts else {}),
    }
    response = {
        "status": parts.get("status", 200),
        "headers": _named([("Content-Type", media), *parts.get("answered", ())]),
        "content": {"size": len(text), "mimeType": media, "text": text, **parts.get("content", {})},
    }
    return {"startedDateTime": "2026-11-20T10:00:00.000Z", "request": request, "response": response, **parts.get("beside", {})}


def _named(pairs: Any) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _nest(pointer: str, value: Any) -> Any:
    out = value
    for key in reversed([key for key in pointer.strip("/").split("/") if key] or ["v"]):
        out = [out] if key == "0" else {key: out}
    return out


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _sent(text: str, media: str = JSON) -> dict[str, Any]:
    return {"post": {"mimeType": media, "text": text}}


def _header(name: str, value: str) -> dict[str, Any]:
    name, _, scheme = name.partition(":")
    digest = f'Digest username="nobody", realm="r", nonce="n", uri="/", response="{value}"'
    return {"headers": [(name, digest if scheme == "Digest" else f"{scheme} {value}" if scheme else value)]}


def _basic(user: str) -> dict[str, Any]:
    return {"headers": [("Authorization", "Basic " + base64.b64encode(user.encode()).decode())]}


def _path(name: str, value: str, base: str) -> dict[str, Any]:
    written = value if name.startswith(("/services", "/api/webhooks")) else quote(value, safe=":@!~$&'()*+,;=")
    path = name.replace("{}", written)
    return {"url": f"https://{HOST}{path}" if path.startswith("/") else base + path}


def _graphql(name: str, value: str) -> dict[str, Any]:
    query = f"mutation SignIn(${name}: String!) {{ signIn({name}: ${name}) {{ ok }} }}"
    return _sent(_json({"operationName": "SignIn", "query": query, "variables": {name: value}}))


def _form(name: str, value: str) -> dict[str, Any]:
    text = urlencode({"grant": "x", name: value})
    return {"post": {"mimeType": FORM, "text": text, "params": _named([("grant", "x"), (name, value)])}}


def _multipart(name: str, value: str, file: str = "") -> dict[str, Any]:
    extra = f'; filename="{file}"' if file else ""
    text = f'--BOUND\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n{value}\r\n--BOUND--\r\n'
    params = [{"name": name, "value": value, **({"fileName": file} if file else {})}]
    return {"post": {"mimeType": "multipart/form-data; boundary=BOUND", "text": text, "params": params}}


def _straddle(name: str, value: str) -> str:
    return ("x " * (int(name) // 2))[: int(name)] + value + " tail " * 50


def _deep(name: str, value: str) -> Any:
    out: Any = value
    for level in range(int(name)):
        out = {f"l{level}": [out]}
    return out


def _linked(name: str, value: str) -> Any:
    pointer, parameter = name.rsplit("?", 1)
    return _nest(pointer, f"https://store.example/o?x=1&{parameter}={quote(value, safe='')}")


def _encoded(name: str, value: str) -> dict[str, Any]:
    whole = name == "body"
    text = base64.b64encode(_json({"session": value}).encode()).decode() if whole else value
    return {"answer": text, "media": JSON if whole else name, "content": {"encoding": "base64"}}


# fmt: off
PLACES: Final[dict[str, Callable[[str, str, str], dict[str, Any]]]] = {
    "req.header":            lambda n, v, _: _header(n, v),
    "req.header.dup":        lambda n, v, _: {"headers": [(n, "anonymous"), (n, v)]},
    "req.basic-user":        lambda n, v, _: _basic(f"{v}:"),
    "req.basic-pass":        lambda n, v, _: _basic(f"api:{v}"),
    "req.cookie":            lambda n, v, _: {"headers": [("Cookie", f"theme=dark; {n}={v}; lang=en")], "cookies": [("theme", "dark"), (n, v)]},
    "req.cookie-array-only": lambda n, v, _: {"cookies": [(n, v)]},
    "req.cookie-name":       lambda n, v, _: {"headers": [("Cookie", f"{v}=zzz")], "cookies": [(v, "zzz")]},
    "req.header-name":       lambda n, v, _: {"headers": [(v, "zzz")]},
    "req.h2":                lambda n, v, b: {"url": f"{b}?token={quote(v, safe='')}", "headers": [(":path", f"/c?token={v}"), (":authority", HOST)]},
    "resp.header":           lambda n, v, _: {"answered": [(n, v)]},
    "resp.header.location":  lambda n, v, _: {"status": 302, "answered": [("Location", f"https://{HOST}/next?{n}={quote(v, safe='')}")]},
    "resp.set-cookie":       lambda n, v, _: {"answered": [("Set-Cookie", f"{n}={v}; Path=/; HttpOnly")]},
    "url.query":             lambda n, v, b: {"url": b + "?" + urlencode({"page": "2", n: v}), "query": [("page", "2"), (n, v)]},
    "url.query.dup":         lambda n, v, b: {"url": f"{b}?{n}=public&{n}={quote(v, safe='')}", "query": [(n, "public"), (n, v)]},
    "url.query.enc2":        lambda n, v, b: {"url": f"{b}?{n}=" + quote(quote("t=" + v, safe=""), safe="")},
    "url.query-name":        lambda n, v, b: {"url": f"{b}?{quote(v, safe='')}=zzz", "query": [(v, "zzz")]},
    "url.fragment":          lambda n, v, b: {"url": f"{b}#{n}={quote(v, safe='')}&state=x"},
    "url.userinfo":          lambda n, v, b: {"url": b.replace("https://", f"https://{n}:{quote(v, safe='')}@")},
    "url.path":              _path,
    "url.literal":           lambda n, v, _: {"url": f"https://{HOST}{v}"},
    "req.json":              lambda n, v, _: _sent(_json(_nest(n, v))),
    "req.json.escaped":      lambda n, v, _: _sent(json.dumps(_nest(n, v)).replace("/", "\\/")),
    "req.json.unicode":      lambda n, v, _: _sent('{"k":"' + "".join(f"\\u{ord(letter):04x}" for letter in v) + '"}'),
    "req.json.string":       lambda n, v, _: _sent(_json({"payload": _json({"a": {"b": v}})})),
    "req.json.b64":          lambda n, v, _: _sent(_json(_nest(n, base64.b64encode(_json({"auth": v}).encode()).decode()))),
    "req.json-name":         lambda n, v, _: _sent(_json({v: "some value"})),
    "req.graphql":           lambda n, v, _: _graphql(n, v),
    "req.graphql-op":        lambda n, v, _: _sent(_json({"operationName": v, "query": f"query {v} {{ a }}", "variables": {}})),
    "req.form":              lambda n, v, _: _form(n, v),
    "req.form-name":         lambda n, v, _: {"post": {"mimeType": FORM, "text": f"{quote(v)}=zzz", "params": _named([(v, "zzz")])}},
    "resp.form":             lambda n, v, _: {"answer": urlencode({"grant": "x", n: v}), "media": FORM},
    "req.multipart.field":   lambda n, v, _: _multipart(n, v),
    "req.multipart.file":    lambda n, v, _: _multipart("upload", v, n),
    "req.text":              lambda n, v, _: _sent(f"{n}: please keep {v} safe", "text/plain"),
    "req.text.xml":          lambda n, v, _: _sent(f"<login><User>nobody</User><{n}>{v}</{n}></login>", "application/xml"),
    "req.text.straddle":     lambda n, v, _: _sent(_straddle(n, v), "text/plain"),
    "resp.text.straddle":    lambda n, v, _: {"answer": _straddle(n, v), "media": "text/plain"},
    "resp.json":             lambda n, v, _: {"answer": _json(_nest(n, v))},
    "resp.json.deep":        lambda n, v, _: {"answer": _json(_deep(n, v))},
    "resp.json.url":         lambda n, v, _: {"answer": _json(_linked(n, v))},
    "resp.base64":           lambda n, v, _: _encoded(n, v),
    "resp.text":             lambda n, v, _: {"answer": f"{n}\n{v}\n", "media": "text/plain"},
    "resp.text.html":        lambda n, v, _: {"answer": f"<html><script>t='{v}'</script></html>", "media": "text/html"},
    "resp.text.js":          lambda n, v, _: {"answer": f"{n}('{v}');", "media": "application/javascript"},
    "resp.text.conf":        lambda n, v, _: {"answer": f"//registry.corpus.example/:{n}={v}\nEndpoint=x;{n}={v};z=1\n", "media": "text/plain"},
    "resp.text.yaml":        lambda n, v, _: {"answer": f"service:\n  {n}: {v}\n", "media": "application/yaml"},
    "resp.error":            lambda n, v, _: {**_sent(_json({"password": v})), "status": 422, "answer": _json({"error": f"invalid value '{v}' for field"})},
    "har.comment":           lambda n, v, _: {"beside": {"comment": f"used {v} here"}},
    "har.initiator":         lambda n, v, _: {"beside": {"_initiator": {"type": "script", "url": f"https://{HOST}/r?{n}={v}"}}},
}
# fmt: on


def forms(value: str) -> set[bytes]:
    """The ways in which a value can be written down: raw, percent-encoded, escaped, hexadecimal, base64 at any alignment."""
    raw = value.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(), value.encode("utf-16-le"), html.escape(value).encode()}
    found |= {
        quote(value, safe="").encode(),
        quote_plus(value).encode(),
        quote(value).encode(),
        quote(quote(value, safe=""), safe="").encode(),
    }
    found |= {json.dumps(value)[1:-1].encode(), json.dumps(value).replace("/", "\\/")[1:-1].encode()}
    found |= {json.dumps(json.dumps(value)[1:-1])[1:-1].encode(), "".join(f"\\u{ord(letter):04x}" for letter in value).encode()}
    return {form for form in found | set(_base64(raw)) if len(form) >= 6}


def _base64(raw: bytes) -> Iterator[bytes]:
    for shift in range(3) if len(raw) >= 9 else ():
        text = base64.b64encode(b"\0" * shift + raw)[(0, 2, 3)[shift] :]
        text = text[: len(text) - 4] if text.endswith(b"=") else text
        if len(text) >= 10:
            yield text
            yield text.replace(b"+", b"-").replace(b"/", b"_")


def leaks(found: list[Case], *blobs: bytes) -> list[str]:
    """Ids of the cases of which something is left: any form of the value, or twelve characters of its core."""
    data = b"\n".join(blobs)
    return [case.id for case in found if _left(case, data)]


def _left(case: Case, data: bytes) -> bool:
    windows = {case.core[at : at + 12].encode() for at in range(len(case.core) - 11)} if len(case.core) >= 16 else set()
    return any(form in data for form in forms(case.value) | windows)


def readable(case: Case, data: bytes) -> bool:
    """Whether a look-alike is still there, raw, percent-encoded or escaped."""
    value = case.value
    written = {value, quote(value, safe=""), quote_plus(value), quote(value), json.dumps(value)[1:-1]}
    return any(form.encode() in data for form in written)
