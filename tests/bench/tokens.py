"""What a list of tools costs a client, against a peer that makes tools from the same OpenAPI document: `python -m tests.bench.tokens ARTIFACTS [PYTHON]`.

ARTIFACTS: the folder `artifact/` of a toolpack. PYTHON: the interpreter of an environment with FastMCP. Both lists are what `tools/list` answers,
as compact JSON, at four bytes a token. Without PYTHON, or where FastMCP refuses the document, its column says so. Prints one JSON object.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from caskmcp.compiler.emit.budget import BYTES_PER_TOKEN, tokens
from caskmcp.model.tool import Tools
from caskmcp.model.toolset import Toolsets

PEER: Final = """
import asyncio, json, sys
import httpx2 as httpx
from fastmcp import Client, FastMCP

async def main():
    spec = json.load(open(sys.argv[1]))
    server = FastMCP.from_openapi(openapi_spec=spec, client=httpx.AsyncClient(base_url="http://127.0.0.1:9"))
    async with Client(server) as client:
        rows = [row.model_dump(mode="json", by_alias=True, exclude_none=True) for row in await client.list_tools()]
    print(json.dumps({"tools": len(rows), "bytes": sum(len(json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()) for row in rows)}))

asyncio.run(main())
"""


def ours(artifacts: Path) -> dict[str, dict[str, int]]:
    """Tools and tokens of the whole list, and of the toolset `default`."""
    rows = Tools.from_json((artifacts / "tools.json").read_bytes(), "tools.json").tools
    kept = Toolsets.from_yaml((artifacts / "toolsets.yaml").read_bytes(), "toolsets.yaml").toolsets["default"].tools
    chosen = {"all": rows, "default": tuple(row for row in rows if row.name in kept)}
    return {name: {"tools": len(listed), "tokens": sum(map(tokens, listed))} for name, listed in chosen.items()}


def peer(artifacts: Path, python: str) -> dict[str, Any]:
    """The same of FastMCP, for our own `openapi.json`."""
    command = [python, "-c", PEER, str(artifacts / "openapi.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        return {"refused": done.stderr.strip().splitlines()[-1:]}
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {"tools": found["tools"], "tokens": -(-found["bytes"] // BYTES_PER_TOKEN)}


def main(argv: Sequence[str]) -> int:
    """Print the table."""
    artifacts = Path(argv[0])
    table: dict[str, Any] = {
        "ours": ours(artifacts),
        "fastmcp": peer(artifacts, argv[1]) if len(argv) > 1 else {"skipped": "no interpreter was named"},
    }
    if "tokens" in table["fastmcp"]:
        table["ratio"] = {name: round(row["tokens"] / table["fastmcp"]["tokens"], 3) for name, row in table["ours"].items()}
    print(json.dumps(table, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
