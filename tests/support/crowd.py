"""Many calls at once to a served toolpack, by number, and what came of each; and a pack whose three tools read, write and ask."""

import queue
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from caskmcp.model.policy import Budget, Match, Policy, Rule
from tests.support import packs
from tests.support.serving import META, Project, Served, project
from tests.support.upstream import Upstream

RULES: Final = (
    Rule(id="ask-for-x", effect="confirm", match=Match(tools=("x",))),
    Rule(id="allow-calm", effect="allow", match=Match(risk=("low",))),
)
TOOLS: Final = (
    packs.tool("r"),
    packs.tool("w", method="POST", effect="write"),
    packs.tool("x", method="POST", effect="write", risk="high"),
)


def crowded(folder: Path, upstream: Upstream, **budgets: Budget) -> Project:
    """`r` reads, `w` writes, `x` writes and asks: all of them approved. budgets: `all` is `*`."""
    named = {"*" if name == "all" else name: budget for name, budget in budgets.items()}
    shop = project(folder, upstream, *TOOLS, policy=Policy(rules=RULES, budgets=named))
    shop.rewrite(packs.approve(shop.files, "tool:x"))
    return shop


def send(server: Served, name: str, numbers: Iterable[int]) -> None:
    """One call for each number, which is its order and its id."""
    for number in numbers:
        params = {"name": name, "arguments": {"order_id": number}, "_meta": META}
        server.send({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})


def answers(server: Served, numbers: Iterable[int], seconds: float) -> dict[int, dict[str, Any]]:
    """Each answer by number, as it came: an id that comes twice or unasked fails."""
    left, found, end = set(numbers), {}, time.monotonic() + seconds
    while left and time.monotonic() < end:
        try:
            message = server.heard(end - time.monotonic())
        except queue.Empty:
            break
        if message is not None and "id" in message:
            assert message["id"] in left, f"{message['id']} was answered twice or never asked"
            left.remove(message["id"])
            found[message["id"]] = message.get("result") or message["error"]
    return found


def code(result: Mapping[str, Any]) -> str:
    """Our code; empty for a call that was made."""
    return str(result.get("_meta", {}).get("dev.caskmcp/error", {}).get("code", ""))


def challenge(result: Mapping[str, Any]) -> str:
    """The challenge of a call that waits."""
    return str(result["_meta"]["dev.caskmcp/error"]["challenge"])


def orders(upstream: Upstream, name: str) -> list[int]:
    """The orders that the upstream was asked about through one tool, in order."""
    paths = [heard.target.split("?")[0].split("/") for heard in upstream.heard]
    return [int(path[2]) for path in paths if path[3] == name]


@dataclass
class Shared(Project):
    """A project whose servers keep their state where `--state env:STATE` says."""

    url: str = ""

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the process, with the URL."""
        return {**super().environ, "STATE": self.url}

    @classmethod
    def of(cls, shop: Project, url: str) -> "Shared":
        """The same project."""
        return cls(shop.folder, shop.upstream, shop.pack, shop.files, url)
