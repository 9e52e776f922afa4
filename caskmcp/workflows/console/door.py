"""Who may look at the console: one browser, which opened the link that only the terminal printed.

Promises: each request passes every row of `CHECKS` before anything is answered; the link works once; the cookie's path is a secret of its own,
since a browser sends cookies to every port of a host; a form works once and stands for the very question that its page showed. Pure but for the
session that it keeps: time and randomness come in as values.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from caskmcp.ports import Entropy
from caskmcp.runtime.confirm import later
from caskmcp.workflows.asked import Question

HOST: Final = "127.0.0.1"
COOKIE: Final = "cask_console"
SECRET: Final = 32
"""Bytes of each secret."""
IDLE: Final = 900
"""Seconds after which a session in which nothing is done ends, and a link that nobody opens."""
FORMS: Final = 400
"""Forms that are remembered; of the earliest the page has to be opened again."""
GUESSES: Final = 5
"""Wrong passphrases after which the session ends."""


@dataclass(frozen=True)
class Visit:
    """One request, as it came in."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def fields(self) -> dict[str, str]:
        """The form's fields; of one that stands twice the last. Empty for what is no form of ours."""
        try:
            return dict(parse_qsl(self.body.decode("utf-8", errors="replace"), keep_blank_values=True, max_num_fields=10))
        except ValueError:
            return {}  # more fields than any page of ours has


@dataclass
class Session:
    """The one session of a console."""

    port: int
    link: str
    """What the terminal printed, until it is used."""
    room: str
    """First part of every path of the session."""
    cookie: str
    at: str
    """When something was last done."""
    opened: bool = False
    said: str = ""
    """What the next list says above it."""
    wrong: int = 0
    """Wrong passphrases so far."""
    forms: dict[str, Question] = field(default_factory=dict)
    """Secret of a form -> what its page showed."""

    @property
    def origin(self) -> str:
        """Where the console is, as browsers name it."""
        return f"http://{HOST}:{self.port}"

    def over(self, at: str) -> bool:
        """Whether the session has ended."""
        return at > later(self.at, IDLE) or self.wrong >= GUESSES

    def form(self, told: Question, entropy: Entropy) -> str:
        """The secret of a new form under a question."""
        while len(self.forms) >= FORMS:
            self.forms.pop(next(iter(self.forms)))
        secret = entropy.token(SECRET).hex()
        self.forms[secret] = told
        return secret


def session(port: int, entropy: Entropy, at: str) -> Session:
    """A session that nobody has opened yet."""
    link, room, cookie = (entropy.token(SECRET).hex() for _ in range(3))
    return Session(port, link, room, cookie, at)


class Check(NamedTuple):
    """One row: what a request needs, and what it is told without."""

    name: str
    status: int
    passes: Callable[[Visit, Session], bool]


def _host(visit: Visit, of: Session) -> bool:
    return visit.header("host") == [f"{HOST}:{of.port}"]


def _site(visit: Visit, _: Session) -> bool:
    """Browsers say whose page asks; `none` is a person who typed or pasted the address."""
    return set(visit.header("sec-fetch-site")) <= ({"same-origin"} if visit.method == "POST" else {"same-origin", "none"})


def _origin(visit: Visit, of: Session) -> bool:
    sent = visit.header("origin")
    return sent == [of.origin] if visit.method == "POST" else not sent or sent == [of.origin]


def _path(visit: Visit, of: Session) -> bool:
    return opens(visit, of) or in_room(visit, of)


def _cookie(visit: Visit, of: Session) -> bool:
    return opens(visit, of) or (of.opened and any(_same(value, of.cookie) for value in _cookies(visit)))


def _form(visit: Visit, of: Session) -> bool:
    return visit.method != "POST" or shown(visit, of) is not None


# fmt: off
CHECKS: Final = (
    #     what      status  passes
    Check("host",   421,    _host),    # a page whose name was pointed at this machine sends its own
    Check("site",   403,    _site),    # a page of another site or port, where the browser says so
    Check("origin", 403,    _origin),  # the same, where it does not: a form always has one
    Check("path",   404,    _path),    # the link, once; after that what lies below the session's secret
    Check("cookie", 403,    _cookie),  # whoever opened the link
    Check("form",   403,    _form),    # a form that our page showed and nobody has used
)
# fmt: on


def refusal(visit: Visit, of: Session) -> Check | None:
    """The first row that a request does not pass."""
    return next((row for row in CHECKS if not row.passes(visit, of)), None)


def opens(visit: Visit, of: Session) -> bool:
    """Whether this is the link, used for the first time."""
    return not of.opened and visit.method == "GET" and _same(visit.target, f"/{of.link}")


def in_room(visit: Visit, of: Session) -> bool:
    """Whether the path lies below the session's secret."""
    return _same(visit.target[: len(of.room) + 2], f"/{of.room}/")


def shown(visit: Visit, of: Session) -> Question | None:
    """What the page of a form showed; None for no form of ours."""
    sent = visit.fields.get("form", "")
    return next((told for secret, told in of.forms.items() if _same(sent, secret)), None)


def _same(sent: str, kept: str) -> bool:
    return hmac.compare_digest(sent.encode("utf-8", "surrogatepass"), kept.encode())


def _cookies(visit: Visit) -> list[str]:
    """Every cookie of our name: what another port of this host has set under it stands beside ours."""
    pairs = (pair.strip().partition("=") for value in visit.header("cookie") for pair in value.split(";"))
    return [value for name, _, value in pairs if name == COOKIE]
