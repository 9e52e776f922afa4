"""The console's pages: plain HTML without script, picture or anything from elsewhere.

Promises: every text passes `text`, which makes each character visible and takes its meaning in HTML away; a browser that reads the headers shows the
page in no frame, keeps it nowhere and fetches nothing for it. `nonce` lets our one style through and is new for each page.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import quote

from caskmcp.text import visible
from caskmcp.workflows.asked import Question

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-top: 1px solid #8886; }
td { font-family: ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
form { display: inline-block; margin: 1rem 2rem 0 0; } button, input { font: inherit; padding: .3rem .8rem; }
.said { border-left: 4px solid #c60; padding-left: .8rem; }
"""


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    body: str
    headers: tuple[tuple[str, str], ...] = ()


def text(value: str) -> str:
    """A foreign text as HTML: each character shows, none means anything."""
    return escape(visible(value), quote=True)


def headers(nonce: str) -> tuple[tuple[str, str], ...]:
    """What every answer carries. `same-origin`, not `no-referrer`: with that one a browser sends `Origin: null` with a form of our own."""
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    return (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    )


def whole(title: str, body: str, nonce: str) -> str:
    """A page."""
    head = f'<meta charset="utf-8"><title>{text(title)}</title><style nonce="{nonce}">{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{text(title)}</h1>{body}</body></html>'


def waiting(rows: Iterable[tuple[str, str, str, str]], said: str) -> str:
    """The calls that wait. rows: (challenge, tool, caller, age)."""
    body = "".join(
        f'<tr><td><a href="./{quote(challenge, safe="")}">{text(tool)}</a></td><td>{text(caller)}</td><td>{text(age)}</td></tr>'
        for challenge, tool, caller, age in rows
    )
    table = f"<table><tr><th>Tool</th><th>Caller</th><th>Asked</th></tr>{body}</table>" if body else "<p>No call waits for a person.</p>"
    return f'{_said(said)}{table}<p><a href="./">Look again</a></p>'


def question(told: Question, form: str, key: str, *, asks: bool, said: str) -> str:
    """One call, as it will be sent. key: whose signature it takes; asks: whether that takes a passphrase of ours."""
    rows = "".join(f"<tr><th>{text(label)}</th><td>{text(value)}</td></tr>" for label, value in told.lines)
    secret = (
        '<label>Passphrase <input type="password" name="passphrase" autocomplete="off" required></label> '
        if asks
        else "<span>The ssh-agent signs. </span>"
    )
    hidden = f'<input type="hidden" name="form" value="{form}">'
    grant = (
        f'<form method="post" action="./">{hidden}{secret}<button name="verdict" value="grant">Grant once with {text(key)}</button></form>'
    )
    deny = f'<form method="post" action="./">{hidden}<button name="verdict" value="deny">Deny</button></form>'
    return f'{_said(said)}<table>{rows}</table>{grant if key else ""}{deny}<p><a href="./">All calls that wait</a></p>'


def _said(said: str) -> str:
    return f'<p class="said" role="status">{text(said)}</p>' if said else ""
