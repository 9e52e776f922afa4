"""A request as a person or an agent reads it: what a dry run answers, what `confirm grant` shows before it asks."""

from typing import Any, Final

from caskmcp.model.decision import Decision
from caskmcp.runtime.plan import PORTS, PreparedRequest
from caskmcp.runtime.respond import Result

LONGEST_BODY: Final = 20_000


def url(request: PreparedRequest) -> str:
    """The whole URL, as it is sent."""
    host = f"[{request.host}]" if ":" in request.host else request.host
    port = "" if request.port == PORTS[request.scheme] else f":{request.port}"
    return f"{request.scheme}://{host}{port}{request.target.decode('ascii')}"


def fields(request: PreparedRequest) -> dict[str, Any]:
    """Method, URL, headers and body as JSON values; a body beyond the bound is cut and says so."""
    body = request.body.decode("utf-8", errors="replace")
    cut = {"body_bytes": len(request.body)} if len(body) > LONGEST_BODY else {}
    headers = [f"{name}: {value}" for name, value in request.headers]
    return {"method": request.method, "url": url(request), "headers": headers, "body": body[:LONGEST_BODY], **cut}


def as_shown(request: PreparedRequest, decision: Decision) -> Result:
    """The answer of a dry run."""
    shown = fields(request)
    head = f"dry run: nothing was sent; the policy says {decision.verdict} ({decision.rule})"
    body = ["", shown["body"]] if shown["body"] else []
    text = "\n".join([head, f"{shown['method']} {shown['url']}", *shown["headers"], *body])
    return Result(text, {"dry_run": True, "decision": decision.verdict, "rule": decision.rule, "request": shown})
