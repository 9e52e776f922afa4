"""Exchanges that hold nothing but canaries: each family of values at each place of a request and of its answer where such a value can stand.

What is made here has the form in which every source gives what it read, so that it takes the same way as a recording of any kind.
"""

import gzip
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.redact.canaries import Canary, Draw, Family, canary
from caskmcp.redact.traces import Traces

_JSON: Final = "application/json"
_OK: Final = RecordedBody(_JSON, text='{"ok": true}')
_BOUNDARY: Final = "a-line-between-parts"


class Planted:
    """What was planted: how many values of each family, and how to find them again."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self.traces = Traces()
        self.counts: dict[str, int] = {}
        self.credentials: set[str] = set()
        """Credentials of the recording itself that are looked for too."""

    def new(self, family: Family, place: str) -> str:
        """A new value of the family for a place."""
        made: Canary = canary(family, self._draw)
        label = f"{family.id} in {place}"
        self.traces.add(made.core, label)
        for piece in made.pieces:
            self.traces.add(piece, label, encoded=False)
        self.counts[family.id] = self.counts.get(family.id, 0) + 1
        return made.text

    def note(self, credential: str, label: str) -> None:
        """Look for a credential that the recording itself carries."""
        if credential not in self.credentials:
            self.credentials.add(credential)
            self.traces.add(credential, label)

    def exchanges(self, families: Iterable[Family], host: str) -> Iterator[Recorded]:
        """Exchanges with a first party that carry values of the families."""
        for family in families:
            for number, make in enumerate(_PARENTED if family.parent else _NAMED if family.name else _FORMED):
                base = f"https://{host}/canaries/{family.id}/{'abcdefgh'[number]}"
                yield make(_Pot(self, family), base)


class _Pot:
    """Values of one family."""

    def __init__(self, planted: Planted, family: Family) -> None:
        self._planted = planted
        self._family = family
        self.name = family.name or "note"

    def __call__(self, place: str) -> str:
        return self._planted.new(self._family, place)

    def line(self, place: str) -> str:
        """A value without line ends, for places that hold one line."""
        return self(place).replace("\n", " ")

    def document(self, place: str) -> dict[str, Any]:
        """A JSON document with a value where its name tells what it is."""
        inner = {self.name: self(place), "n": 1, "why": None}
        return {self._family.parent: inner} if self._family.parent else inner

    def hidden(self, side: str) -> dict[str, Any]:
        """Documents in texts, in base64 of both alphabets, percent-encoded."""
        return {
            "nested": json.dumps(self.document(f"JSON in a text of the {side}")),
            "packed": b64encode(json.dumps(self.document(f"base64 in the {side}")).encode()).decode(),
            "urlsafe": urlsafe_b64encode(json.dumps(self.document(f"url-safe base64 in the {side}")).encode()).decode().rstrip("="),
            "escaped": quote(json.dumps(self.document(f"percent-encoding in the {side}")), safe=""),
        }


def _sent(url: str, body: RecordedBody | None, answer: Any = None, **more: Any) -> Recorded:
    response = _OK if answer is None else RecordedBody(_JSON, text=json.dumps(answer, ensure_ascii=False))
    return Recorded("canary", "POST" if body else "GET", url, request=body, status=200, response=response, kind="fetch", **more)


def _json(value: Any) -> RecordedBody:
    return RecordedBody(_JSON, text=json.dumps(value, ensure_ascii=False))


def _multipart(parts: Iterable[tuple[str, str]]) -> RecordedBody:
    lines = (f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n" for head, value in parts)
    return RecordedBody(f"multipart/form-data; boundary={_BOUNDARY}", text="".join((*lines, f"--{_BOUNDARY}--\r\n")))


# ---------------------------------------------------------------- values that their name tells
def _named_address(pot: _Pot, base: str) -> Recorded:
    name = pot.name
    user, mark = quote(pot("the user of a URL"), safe=""), quote(pot("a fragment"), safe="")
    url = base.replace("https://", f"https://{user}:{quote(pot('the password of a URL'), safe='')}@")
    header = f"x-{name.replace('_', '-').lower().removeprefix('x-')}"
    headers = ((header, pot.line("a header")), ("cookie", f"theme=dark; {name}={pot.line('a cookie')}"))
    answered = (
        ("set-cookie", f"{name}={pot.line('a set-cookie')}; Path=/"),
        (header, pot.line("a header of the answer")),
    )
    query = urlencode([("page", "2"), (name, pot("the query")), (f"filter[{name}]", pot("a nested name of the query"))])
    matrix = f";{name}={quote(pot('a parameter of the path'), safe='')}"
    return _sent(f"{url}/x{matrix}?{query}#{name}={mark}", None, headers=headers, response_headers=answered, cookies=(name,))


def _named_json(pot: _Pot, base: str) -> Recorded:
    listed = {pot.name: [pot("a list of the request"), None]}
    pair = [{"name": pot.name, "value": pot("a pair of name and value")}]
    body = {**pot.document("the request"), "list": listed, "headers": pair, **pot.hidden("request")}
    return _sent(base, _json(body), {"data": [pot.document("the answer")], **pot.hidden("answer")})


def _parented_json(pot: _Pot, base: str) -> Recorded:
    return _sent(base, _json({**pot.document("the request"), **pot.hidden("request")}), {"data": [pot.document("the answer")]})


def _named_form(pot: _Pot, base: str) -> Recorded:
    text = urlencode([("grant", "x"), (pot.name, pot("a form")), ("document", json.dumps(pot.document("JSON in a form")))])
    return _sent(base, RecordedBody("application/x-www-form-urlencoded", text=text))


def _named_parts(pot: _Pot, base: str) -> Recorded:
    parts = ((f'name="{pot.name}"', pot("a part")), ('name="document"', json.dumps(pot.document("JSON in a part"))))
    return _sent(base, _multipart((*parts, ('name="file"; filename="a.json"', json.dumps(pot.document("a file"))))))


def _packed(pot: _Pot, base: str) -> Recorded:
    data = gzip.compress(json.dumps(pot.document("a compressed body")).encode(), mtime=0)
    response = RecordedBody(_JSON, data=json.dumps(pot.document("a base64 body")).encode())
    return Recorded("canary", "POST", base, request=RecordedBody(_JSON, data=data), status=200, response=response, kind="fetch")


def _texts(pot: _Pot, base: str) -> Recorded:
    body = RecordedBody("application/xml", text=f"<login><{pot.name}>{pot('an XML body')}</{pot.name}></login>")
    response = RecordedBody("text/plain", text=f"{pot.name}: {pot('a text body')}")
    return Recorded("canary", "POST", base, request=body, status=200, response=response, kind="fetch")


# ---------------------------------------------------------------- values that their own form tells
def _formed_address(pot: _Pot, base: str) -> Recorded:
    user, mark = quote(pot("the user of a URL"), safe=""), quote(pot("a fragment"), safe="")
    headers = (
        ("x-note", pot.line("a header")),
        ("cookie", f"theme={pot.line('a cookie')}"),
        ("authorization", f"Bearer {pot.line('the authorization')}"),
    )
    query = urlencode([("note", pot("the query")), (pot("a name of the query"), "1")])
    path = quote(pot("the path"), safe="")
    url = base.replace("https://", f"https://{user}:x@")
    answered = (("location", f"/next/{quote(pot('a redirect'), safe='')}"), ("set-cookie", f"seen={pot.line('a set-cookie')}; Path=/"))
    cookies = (pot("the name of a cookie"),)
    return _sent(f"{url}/{path}?{query}#note={mark}", None, headers=headers, response_headers=answered, cookies=cookies)


def _formed_json(pot: _Pot, base: str) -> Recorded:
    body = {**pot.document("the request"), pot("a key of the request"): 1, **pot.hidden("request")}
    return _sent(
        base,
        _json(body),
        {"data": [pot("a list of the answer")], "error": f"what is {pot('a sentence of the answer')} ?", **pot.hidden("answer")},
    )


def _formed_form(pot: _Pot, base: str) -> Recorded:
    text = urlencode([("note", pot("a form")), (pot("a name of a form"), "1"), ("document", json.dumps(pot.document("JSON in a form")))])
    return _sent(base, RecordedBody("application/x-www-form-urlencoded", text=text))


def _formed_parts(pot: _Pot, base: str) -> Recorded:
    named, file = (pot.line(f"the name of a {what}").replace('"', '\\"') for what in ("part", "file"))
    parts = (('name="note"', pot("a part")), (f'name="{named}"', "1"), (f'name="file"; filename="{file}"', pot("a file")))
    return _sent(base, _multipart(parts))


_Make = Callable[[_Pot, str], Recorded]
_NAMED: Final[tuple[_Make, ...]] = (_named_json, _named_address, _named_form, _named_parts, _packed, _texts)
_FORMED: Final[tuple[_Make, ...]] = (_formed_json, _formed_address, _formed_form, _formed_parts, _packed, _texts)
_PARENTED: Final[tuple[_Make, ...]] = (_parented_json, _packed)
