"""A public MCP client, to be run by the Python of an environment that holds that client and nothing of ours.

    python clients.py SPEC.json        SPEC: command, args, cwd, env, or url and headers; mode ("legacy", a protocol version, or "" for the client's own
                                       choice), calls, client (a key of CLIENTS)

Prints one JSON object: the listed tools and what each call came back with. Works with the client packages mcp 1.x and 2.x and what is built on them.
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
    """Each row is a tool and its arguments, and after how many seconds the client gives the call up, if it does."""
    out = []
    for name, arguments, *patience in rows:
        try:
            out.append(told(await asyncio.wait_for(call(name, arguments), *(patience or [None]))))
        except Exception as error:
            out.append({"raised": type(error).__name__, "text": str(error)})
    return out


async def with_mcp_1(spec: dict[str, Any]) -> dict[str, Any]:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
    from mcp.client.streamable_http import streamablehttp_client

    if "url" in spec:
        opened_at = streamablehttp_client(spec["url"], headers=spec["headers"])
    else:
        opened_at = stdio_client(StdioServerParameters(command=spec["command"], args=spec["args"], cwd=spec["cwd"], env=spec["env"]))
    async with opened_at as streams, ClientSession(streams[0], streams[1]) as session:
        opened = await session.initialize()
        listed = await session.list_tools()
        done = await calls(session.call_tool, spec["calls"])
        return {"protocol": str(opened.protocolVersion), "tools": [tool.name for tool in listed.tools], "calls": done}


async def with_mcp_2(spec: dict[str, Any]) -> dict[str, Any]:
    from mcp import Client, StdioServerParameters

    more = {"mode": spec["mode"]} if spec["mode"] else {}
    if "url" in spec:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        target: Any = streamable_http_client(spec["url"], http_client=httpx2.AsyncClient(headers=spec["headers"]))
    else:
        target = StdioServerParameters(command=spec["command"], args=spec["args"], cwd=spec["cwd"], env=spec["env"])
    async with Client(target, **more) as client:
        listed = await client.list_tools()
        done = await calls(client.call_tool, spec["calls"])
        return {"protocol": str(client.protocol_version), "tools": [tool.name for tool in listed.tools], "calls": done}


async def with_fastmcp(spec: dict[str, Any]) -> dict[str, Any]:
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport, StreamableHttpTransport

    if "url" in spec:
        transport: Any = StreamableHttpTransport(spec["url"], headers=spec["headers"])
    else:
        transport = StdioTransport(spec["command"], spec["args"], env=spec["env"], cwd=spec["cwd"])
    async with Client(transport) as client:
        listed = await client.list_tools()

        async def call(name: str, arguments: dict[str, Any]) -> Any:
            return await client.call_tool(name, arguments, raise_on_error=False)

        return {"protocol": "", "tools": [tool.name for tool in listed], "calls": await calls(call, spec["calls"])}


async def with_langchain(spec: dict[str, Any]) -> dict[str, Any]:
    from langchain_mcp_adapters.client import MultiServerMCPClient

    if "url" in spec:
        row: dict[str, Any] = {"transport": "streamable_http", "url": spec["url"], "headers": spec["headers"]}
    else:
        row = {"transport": "stdio", **{name: spec[name] for name in ("command", "args", "cwd", "env")}}
    client = MultiServerMCPClient({"cask": row})
    async with client.session("cask") as session:
        tools = {tool.name: tool for tool in await client.get_tools(server_name="cask")}
        done = await calls(session.call_tool, spec["calls"])
        return {"protocol": "", "tools": sorted(tools), "calls": done}


async def with_agents(spec: dict[str, Any]) -> dict[str, Any]:
    from agents.mcp import MCPServerStdio, MCPServerStreamableHttp

    if "url" in spec:
        server: Any = MCPServerStreamableHttp({"url": spec["url"], "headers": spec["headers"]}, client_session_timeout_seconds=30)
    else:
        given = {name: spec[name] for name in ("command", "args", "cwd", "env")}
        server = MCPServerStdio(given, client_session_timeout_seconds=30)
    async with server:
        tools = await server.list_tools()
        return {"protocol": "", "tools": [tool.name for tool in tools], "calls": await calls(server.call_tool, spec["calls"])}


CLIENTS = {"fastmcp": with_fastmcp, "langchain-mcp-adapters": with_langchain, "openai-agents": with_agents}


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    name = spec.get("client", "mcp")
    version = importlib.metadata.version(name)
    run = CLIENTS.get(name) or (with_mcp_1 if version.startswith("1.") else with_mcp_2)
    print(json.dumps({"client": version, **asyncio.run(run(spec))}))


if __name__ == "__main__":
    main()
