"""A public MCP client, to be run by the Python of an environment that holds that client and nothing of ours.

    python clients.py SPEC.json        SPEC: command, args, cwd, env, mode ("legacy", a protocol version, or "" for the client's own choice), calls

Prints one JSON object: the listed tools and what each call came back with. Works with the client packages mcp 1.x and mcp 2.x.
"""

import asyncio
import importlib.metadata
import json
import sys
from typing import Any


def text_of(result: Any) -> str:
    return "".join(getattr(part, "text", "") for part in result.content)


def told(result: Any) -> dict[str, Any]:
    failed = getattr(result, "is_error", None)
    structured = getattr(result, "structured_content", None)
    return {
        "error": bool(result.isError if failed is None else failed),
        "structured": result.structuredContent if structured is None and hasattr(result, "structuredContent") else structured,
        "text": text_of(result),
    }


async def calls(call: Any, rows: list[list[Any]]) -> list[dict[str, Any]]:
    out = []
    for name, arguments in rows:
        try:
            out.append(told(await call(name, arguments)))
        except Exception as error:
            out.append({"raised": type(error).__name__, "text": str(error)})
    return out


async def with_mcp_1(spec: dict[str, Any]) -> dict[str, Any]:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    parameters = StdioServerParameters(command=spec["command"], args=spec["args"], cwd=spec["cwd"], env=spec["env"])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        opened = await session.initialize()
        listed = await session.list_tools()
        done = await calls(session.call_tool, spec["calls"])
        return {"protocol": str(opened.protocolVersion), "tools": [tool.name for tool in listed.tools], "calls": done}


async def with_mcp_2(spec: dict[str, Any]) -> dict[str, Any]:
    from mcp import Client, StdioServerParameters

    parameters = StdioServerParameters(command=spec["command"], args=spec["args"], cwd=spec["cwd"], env=spec["env"])
    more = {"mode": spec["mode"]} if spec["mode"] else {}
    async with Client(parameters, **more) as client:
        listed = await client.list_tools()
        done = await calls(client.call_tool, spec["calls"])
        return {"protocol": str(client.protocol_version), "tools": [tool.name for tool in listed.tools], "calls": done}


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    version = importlib.metadata.version("mcp")
    run = with_mcp_1 if version.startswith("1.") else with_mcp_2
    print(json.dumps({"client": version, **asyncio.run(run(spec))}))


if __name__ == "__main__":
    main()
