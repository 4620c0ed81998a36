"""A server that answers every line with the line's bytes in hexadecimal digits, and keeps them in a ledger."""

from __future__ import annotations

import json
import sys
from pathlib import Path

LEDGER = Path(sys.argv[1])

for number, line in enumerate(sys.stdin.buffer, 1):
    said = json.loads(line)
    with LEDGER.open("a") as file:
        file.write(json.dumps({"line": line.hex()}) + "\n")
    print(f"echo: {number} line", file=sys.stderr, flush=True)
    echo = {"echo": line.rstrip(b"\n").hex()}
    answer = {"id": said["id"], "result": echo} if "id" in said else {"method": "echo", "params": echo}
    print(json.dumps({"jsonrpc": "2.0", **answer}), flush=True)
