"""A small MCP server, made with the official package: a ledger file, and tools that misbehave on request.

``shop.py LEDGER`` speaks stdio, ``shop.py LEDGER PORT [json]`` streamable HTTP, and answers in JSON where told to.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

try:
    from mcp.server.mcpserver import Context, MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
except ImportError:  # before mcp 2
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as MCPServer
    from mcp.server.fastmcp.exceptions import ToolError
from mcp.types import ToolAnnotations

LEDGER = Path(sys.argv[1])
server: Any = MCPServer("shop")


def hints(**stated: bool) -> ToolAnnotations:
    """Say what a tool does, as the protocol spells it."""
    return ToolAnnotations.model_validate(stated)


def write(**entry: Any) -> None:
    """Keep an entry in the ledger."""
    with LEDGER.open("a") as file:
        file.write(json.dumps(entry) + "\n")


@server.tool(annotations=hints(readOnlyHint=True))
def look(order: str) -> str:
    """Look up an order."""
    write(looked=order)
    return f"order {order}: 120"


@server.tool(annotations=hints(destructiveHint=True))
def refund(order: str, cents: int) -> dict[str, Any]:
    """Refund an order."""
    write(refunded=order, cents=cents)
    return {"refunded": cents}


@server.tool(annotations=hints(idempotentHint=True), structured_output=False)
def note(text: str) -> str:
    """Write something down."""
    write(note=text)
    return text


@server.tool()
def fail(why: str) -> str:
    """Fail after the work was done."""
    write(failed=why)
    raise ToolError(why)


@server.tool()
def hang(seconds: float) -> str:
    """Answer late."""
    write(hung=seconds)
    time.sleep(seconds)
    return "late"


@server.tool()
def die() -> str:
    """End the server in the middle of a call."""
    write(died=True)
    os._exit(3)


@server.tool()
async def ask(question: str, context: Context) -> str:
    """Have the client's own model answer."""
    from mcp.types import SamplingMessage, TextContent

    message = SamplingMessage(role="user", content=TextContent(type="text", text=question))
    said: Any = await context.session.create_message(messages=[message], max_tokens=10)
    return f"it says {said.content.text}"


@server.resource("shop://policy")
def policy() -> str:
    """Say what is allowed."""
    write(read="policy")
    return "at most 50.00 without approval"


@server.prompt()
def greet(name: str) -> str:
    """Greet somebody."""
    write(greeted=name)
    return f"Say hello to {name}."


@server.tool()
async def announce(context: Context) -> str:
    """Say something that belongs to no request of the client."""
    await context.session.send_tool_list_changed()
    return "announced"


@server.tool()
async def count(to: int, context: Context) -> str:
    """Tell how far it has come, on the way."""
    for number in range(to):
        await context.report_progress(number, to)
    return f"{to} counted"


if __name__ == "__main__":
    if len(sys.argv) == 2:
        server.run("stdio")
    else:
        import uvicorn

        options = {"json_response": True} if "json" in sys.argv else {}
        uvicorn.run(server.streamable_http_app(**options), port=int(sys.argv[2]), log_level="warning")
