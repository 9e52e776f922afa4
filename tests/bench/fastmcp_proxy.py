"""The peer of served calls, run by the Python of an environment that holds FastMCP and nothing of ours: `python fastmcp_proxy.py DOCUMENT ORIGIN [http PORT]`."""

import json
import sys
from pathlib import Path

import httpx2
from fastmcp import FastMCP


def main(document: str, origin: str, how: str = "stdio", port: str = "0") -> None:
    """Serve until the client goes."""
    server = FastMCP.from_openapi(json.loads(Path(document).read_bytes()), client=httpx2.AsyncClient(base_url=origin), name="peer")
    if how == "http":
        server.run("http", show_banner=False, host="127.0.0.1", port=int(port), uvicorn_config={"log_level": "critical"})
    else:
        server.run("stdio", show_banner=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
