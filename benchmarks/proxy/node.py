"""The official clients of OpenAI and Anthropic for Node, before the scripted model server and before ``harness proxy``.

``python -m benchmarks.proxy.node [--json] [--node DIR]``: DIR is a folder where npm has installed ``openai`` and
``@anthropic-ai/sdk``; without it they are installed into a temporary one (node, npm and the npm registry are needed).

Every step of the tour is taken twice, directly and through the proxy, and has to end alike: the same answers, streams,
errors, times to wait and time-outs. Two kinds of steps end otherwise, each in its own way: calls that rules are about
(one is rewritten, one is blocked), and a stream that is cut, which the proxy ends with an error instead of a broken
connection.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.speed.measure import Figure, report
from harness.adapters.files import open_trace
from harness.testing.model_server import ModelRequest, ModelServer, Reply, call, calls, cut, fail, flaky, hang, say

PACKAGES: Final = ("openai", "@anthropic-ai/sdk")
TOUR: Final = Path(__file__).with_name("tour.mjs")
ROOT: Final = Path(__file__).parents[2]
LONG: Final = "a long answer, in more pieces than one, so that it streams"
RULES: Final = """
registry: tour
version: "1"
default: allow
tools:
  note: {effect: write, idempotent: true, arguments: {type: object, properties: {text: {type: string}}}}
  refund: {effect: write, idempotent: true, arguments: {type: object, properties: {cents: {type: integer}}}}
invariants:
  - {id: CAP, on: action, tool: refund, require: call.args.cents <= 20000, otherwise: block, says: refund less}
  - {id: SHORT, on: action, tool: note, require: len(call.args.text) <= 5, otherwise: rewrite,
     rewrite: {args.text: '"short"'}}
"""
JUDGED: Final = [["look", {}], ["note", {"text": "short"}]]

Outcome = dict[str, Any]


def policy(request: ModelRequest) -> Reply:
    """Answer by what the last message asks for."""
    word, _, rest = request.text.partition(" ")
    if request.messages[-1]["role"] == "tool":
        return say("done")
    if word == "want":
        wanted = [one.split("=") for one in rest.split(",")]
        return calls(*(call(tool, **json.loads(args)) for tool, args in wanted))
    replies: dict[str, Reply] = {
        "fail": fail(500),
        "busy": fail(429, retry_after_s=7),
        "hang": hang(3),
        "cut": cut(say(LONG), after_chunks=1),
        "flaky": flaky(say("at last"), times=1, first=fail(500, retry_after_s=0.01)),
    }
    return replies.get(word, say(f"you said {request.text!r}, naïvely 😀"))


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        node = _installed(folder)
        with ModelServer(policy) as server:
            direct = _toured(node, server.base_url.removesuffix("/v1"), "")
        with ModelServer(policy) as server:
            proxied = _proxied(folder, node, server)
        with open_trace(folder / "runs" / "node-001.mat.jsonl") as reader:
            events = list(reader)
        sealed = reader.footer is not None
    rows = [{"step": name, "ends": _ends(name, direct[name], proxied[name])} for name in direct]
    wrong = [row for row in rows if row["ends"] not in ("alike", "judged", "with an error")]
    figures = {
        "steps": Figure(len(rows), "1"),
        "wrong": Figure(len(wrong), "1", target="== 0"),
        "events": Figure(len(events), "1"),
        "sealed": Figure(int(sealed), "1", target="== 1"),
    }
    report("proxy-node", figures, rows)
    sys.exit(bool(wrong) or not sealed)


def _installed(folder: Path) -> Path:
    if "--node" in sys.argv:
        return Path(sys.argv[sys.argv.index("--node") + 1]).resolve()
    npm = shutil.which("npm")
    assert npm, "npm is needed"
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", *PACKAGES]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder


def _proxied(folder: Path, node: Path, server: ModelServer) -> dict[str, Outcome]:
    (folder / "rules.yaml").write_text(RULES)
    command = [sys.executable, "-m", "harness", "proxy", "--upstream", server.base_url, "--port", "0"]
    command += ["--registry", str(folder / "rules.yaml"), "--traces", str(folder / "runs")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as proxy:
        assert proxy.stderr is not None
        address = re.search(r"http://\S+", proxy.stderr.readline())
        assert address is not None
        try:
            return _toured(node, address[0], "node")
        finally:
            proxy.terminate()
            proxy.communicate()


def _toured(node: Path, url: str, session: str) -> dict[str, Outcome]:
    shutil.copy(TOUR, node / TOUR.name)
    done = subprocess.run(["node", TOUR.name, url, session], cwd=node, capture_output=True, text=True, check=True)
    outcomes: dict[str, Outcome] = json.loads(done.stdout)
    return outcomes


def _ends(name: str, direct: Outcome, proxied: Outcome) -> str:
    """Say how a step ended through the proxy, seen beside how it ended without it."""
    if "_tools" in name:
        value = proxied.get("value", {})
        wanted = [one for one in direct["value"]["calls"] if one[0] != "refund"]
        fine = value.get("calls") == JUDGED and len(wanted) == 2 and "CAP" in str(value.get("text"))
        return "judged" if fine else f"otherwise: {proxied}"
    if name == "cut":
        return "with an error" if "error" in direct and proxied.get("error") == "APIError" else f"otherwise: {proxied}"
    fails = name.startswith(("error", "timeout")) or name.endswith("error")
    fine = direct == proxied and ("error" in direct) is fails
    return "alike" if fine else f"otherwise: {direct} {proxied}"


if __name__ == "__main__":
    main()
