"""One request that `cask enforce evaluate` is asked about: as plain HTTP, or as a call of a tool. A person's own document."""

from typing import Any

from pydantic import model_validator

from caskmcp.model.record import Record


class AskedRequest(Record):
    """`url` with what else the request says, or `tool` with its arguments."""

    method: str | None = None
    """GET where there is a `url` and no method."""
    url: str | None = None
    headers: dict[str, str] = {}
    body: Any = None
    """A text as it stands on the wire; any other JSON value is written as JSON."""
    tool: str | None = None
    arguments: dict[str, Any] = {}

    @model_validator(mode="after")
    def _one_form(self) -> "AskedRequest":
        http = self.method is not None or self.body is not None or bool(self.headers)
        if (self.url is None) == (self.tool is None) or (self.tool is not None and http) or (self.url is not None and self.arguments):
            raise ValueError("a request is a `url` (with method, headers, body) or a `tool` (with arguments)")
        return self
