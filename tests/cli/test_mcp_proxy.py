"""``harness mcp-proxy`` between a client and a real server: what passes, what is judged, what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import open_trace
from harness.trace.event import Event

pytest.importorskip("mcp", reason="the extra [mcp] is not installed: pip install 'agent-assurance-harness[mcp]'")

SHOP = Path(__file__).parents[1] / "adapters" / "mcp" / "server" / "shop.py"
ECHO = Path(__file__).parents[1] / "adapters" / "mcp" / "server" / "echo.py"
RULES = """
registry: shop
version: "1"
default: allow
tools:
  refund:
    effect: write
    arguments: {type: object, properties: {order: {type: string}, cents: {type: integer}}}
  note: {effect: write, arguments: {type: object, properties: {text: {type: string}}}}
  hang: {effect: write, timeout_ms: 300}
invariants:
  - {id: CAP, title: refunds stay small, on: action, tool: refund, require: call.args.cents <= 5000, otherwise: block,
     says: refund at most 5000 cents}
  - {id: CLEAN, on: action, tool: note, require: 'not call.args.text.contains("secret")', otherwise: rewrite,
     rewrite: {args.text: '"nothing"'}}
"""


CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%s}'
BAD: list[tuple[bytes, int, Any]] = [
    (b'{"jsonrpc":"2.0","id":1,"method":"tools/call"', -32700, None),
    (CALL % b'{"name":"\xff"}', -32700, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"x"}}', -32700, None),
    (CALL % b'{"name":"x","arguments":{"n":NaN}}', -32700, None),
    (CALL % b'{"name":"x","arguments":{"a":1,"a":2}}', -32700, None),
    ('{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-16"), -32700, None),
    (b"[" * 100_000, -32700, None),
    (b"[]", -32600, None),
    (b"7", -32600, None),
    (b'{"id":1,"method":"tools/call"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":1,"Method":"tools/call","params":{"name":"x"}}', -32600, 1),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', -32600, 1),
    (b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"x"}}', -32600, None),
    (b'{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"x"}}', -32600, None),
    (CALL % b'{"arguments":{}}', -32602, 1),
    (CALL % b'{"name":"x","arguments":[]}', -32602, 1),
    (CALL % b'{"name":"x","Name":"y"}', -32602, 1),
    (CALL % b'{"name":"x","arguments":{"t":"\\ud800"}}', -32602, 1),
    (CALL % (b'{"name":"x","arguments":' + b'{"a":' * 500 + b"1" + b"}" * 501), -32602, 1),
]


class Proxy:
    """A proxy before a server, spoken to line by line."""

    def __init__(self, folder: Path, server: Path = SHOP, *, rules: str = RULES, options: tuple[str, ...] = ()) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "shop.yaml").write_text(rules)
        self.folder, self.ledger = folder, folder / "ledger.jsonl"
        command = [sys.executable, "-m", "harness", "mcp-proxy", "--registry", str(folder / "shop.yaml")]
        command += [*options, "--traces", str(folder / "runs"), "--", sys.executable, str(server), str(self.ledger)]
        pipe = subprocess.PIPE
        with (folder / "stderr").open("wb") as stderr:
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=stderr)

    def send(self, *lines: bytes | dict[str, Any]) -> None:
        """Send lines, or messages."""
        assert self.process.stdin is not None
        for line in lines:
            data = line if isinstance(line, bytes) else json.dumps({"jsonrpc": "2.0", **line}).encode()
            self.process.stdin.write(data + b"\n")
        self.process.stdin.flush()

    def line(self) -> dict[str, Any]:
        """Give the next message that comes."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, (self.folder / "stderr").read_text()
        found: dict[str, Any] = json.loads(line)
        return found

    def ask(self, number: Any, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and give its answer."""
        self.send({"id": number, "method": method, "params": params})
        while (answer := self.line()).get("id") != number or "method" in answer:
            pass
        return answer

    def call(self, number: Any, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and give the answer."""
        return self.ask(number, "tools/call", name=tool, arguments=arguments)

    def shake_hands(self) -> Proxy:
        """Begin as a client does."""
        about = {"capabilities": {}, "clientInfo": {"name": "test", "version": "1"}, "protocolVersion": "2025-06-18"}
        assert "serverInfo" in self.ask("hello", "initialize", **about)["result"]
        self.send({"method": "notifications/initialized"})
        return self

    def leave(self) -> int:
        """Close the client's end and give the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(20)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What the server has done."""
        return [json.loads(line) for line in self.ledger.read_text().splitlines()] if self.ledger.exists() else []

    @property
    def events(self) -> list[Event]:
        """The events of the one trace."""
        (path,) = (self.folder / "runs").glob("*.mat.jsonl")
        with open_trace(path) as reader:
            found = list(reader)
            self.sealed = reader.footer is not None
        return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """Give what starts proxies, and stop those that still run."""
    started: list[Proxy] = []

    def begin(*args: Any, **options: Any) -> Proxy:
        started.append(Proxy(tmp_path / f"{len(started)}", *args, **options))
        return started[-1]

    yield begin
    for proxy in started:
        proxy.process.kill()
        proxy.process.wait()
        for pipe in (proxy.process.stdin, proxy.process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                pass


def text(answer: dict[str, Any]) -> str:
    """Give the first text of a result."""
    found: str = answer["result"]["content"][0]["text"]
    return found


def test_calls_are_judged_and_everything_else_passes(start: Callable[..., Proxy]) -> None:
    """One tool is blocked, another rewritten; lists, resources and prompts come as the server gives them."""
    proxy = start().shake_hands()
    names = [tool["name"] for tool in proxy.ask(1, "tools/list")["result"]["tools"]]
    assert names[:3] == ["look", "refund", "note"]
    assert text(proxy.call(2, "look", order="W-1")) == "order W-1: 120"
    blocked = proxy.call(3, "refund", order="W-1", cents=9000)["result"]
    assert blocked["isError"] is True
    assert json.loads(blocked["content"][1]["text"])["refused"]["rule"] == "CAP"
    assert text(proxy.call(4, "note", text="a secret")) == "nothing"
    assert proxy.ask(5, "resources/read", uri="shop://policy")["result"]["contents"][0]["uri"] == "shop://policy"
    assert proxy.ask("6", "prompts/get", name="greet", arguments={"name": "Ann"})["result"]["messages"]
    assert proxy.leave() == 0
    assert proxy.entries == [{"looked": "W-1"}, {"note": "nothing"}, {"read": "policy"}, {"greeted": "Ann"}]
    events = proxy.events
    assert proxy.sealed
    assert [one.body["tool"] for one in events if one.kind == "action"] == ["look", "refund", "note", "note"]
    unseen = events[-1].body["data"]
    assert unseen["resources/read"] == unseen["prompts/get"] == unseen["tools/list"] == unseen["initialize"] == 1


def test_a_file_stops_every_call(start: Callable[..., Proxy], tmp_path: Path) -> None:
    """While it is there calls are refused, and nothing reaches the server; then they go on."""
    switch = tmp_path / "stop"
    proxy = start(options=("--kill-switch", str(switch))).shake_hands()
    assert text(proxy.call(1, "note", text="one")) == "one"
    switch.touch()
    refused = proxy.call(2, "note", text="two")["result"]
    assert refused["isError"] is True
    assert json.loads(refused["content"][1]["text"])["refused"]["rule"] == "KILL-SWITCH"
    switch.unlink()
    assert text(proxy.call(3, "note", text="three")) == "three"
    assert proxy.leave() == 0
    assert proxy.entries == [{"note": "one"}, {"note": "three"}]


def test_what_passes_is_the_very_bytes(start: Callable[..., Proxy]) -> None:
    """A call that is allowed, and whatever is not judged, reaches the other side byte for byte."""
    proxy = start(ECHO)
    said = [
        b'{"id": 1 ,"jsonrpc":"2.0","method":"tools/call", "params":{"name":"x","arguments":{"n":1.50,"u":"\\u00e9"}}}',
        b'{"jsonrpc":"2.0", "id":"2", "method":"anything/else", "params":{"big":123456789012345678901234567890}}',
        '{"jsonrpc":"2.0","method":"notifications/whatever","params":{"é":[]}}'.encode(),
    ]
    for line in said:
        proxy.send(line)
        assert bytes.fromhex(proxy.line()["result" if b'"id"' in line else "params"]["echo"]) == line
    assert proxy.leave() == 0


def test_what_cannot_be_read_without_doubt_goes_no_further(start: Callable[..., Proxy]) -> None:
    """Bad input is answered with an error that says what is wrong, the server never sees it, and the proxy goes on."""
    proxy = start(ECHO)
    for line, code, number in BAD:
        proxy.send(line)
        answer = proxy.line()
        assert (answer["error"]["code"], answer["id"]) == (code, number), (line[:80], answer)
        assert answer["error"]["message"]
    assert proxy.call(9, "x")["result"]["echo"]
    assert proxy.leave() == 0
    assert len(proxy.entries) == 1
    assert len(proxy.events) == 3
    assert proxy.sealed


def test_a_batch_is_judged_message_by_message(start: Callable[..., Proxy]) -> None:
    """A call does not slip past in a batch."""
    proxy = start(ECHO, rules=RULES.replace("tool: refund,", 'tool: refund, when: "True",'))
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "refund", "arguments": {"cents": 9000}},
    }
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    proxy.send(json.dumps([call, ping]).encode())
    answers = {answer["id"]: answer for answer in (proxy.line(), proxy.line())}
    assert answers[1]["result"]["isError"] is True
    assert json.loads(bytes.fromhex(answers[2]["result"]["echo"])) == ping
    assert proxy.leave() == 0
    assert len(proxy.entries) == 1


def test_an_id_in_use_is_refused(start: Callable[..., Proxy]) -> None:
    """Of two requests with one id the second is answered with an error; 1 and "1" are two ids."""
    proxy = start().shake_hands()
    proxy.send({"id": 1, "method": "tools/call", "params": {"name": "hang", "arguments": {"seconds": 0.1}}})
    proxy.send({"id": 1, "method": "tools/call", "params": {"name": "look", "arguments": {"order": "A"}}})
    proxy.send({"id": "1", "method": "tools/call", "params": {"name": "look", "arguments": {"order": "B"}}})
    answers = [proxy.line() for _ in range(3)]
    assert [one["id"] for one in answers if "error" in one] == [1]
    assert {text(one) for one in answers if "result" in one} == {"late", "order B: 120"}
    assert proxy.leave() == 0
    assert {"looked": "A"} not in proxy.entries


def test_ten_megabytes_pass(start: Callable[..., Proxy]) -> None:
    """A large argument is judged, recorded and answered like any other."""
    proxy = start().shake_hands()
    large = "x" * 10_000_000
    assert text(proxy.call(1, "note", text=large)) == large
    assert proxy.leave() == 0
    assert proxy.events[0].body["args"] == {"text": large}


def test_an_unknown_tool_is_the_servers_to_refuse(start: Callable[..., Proxy]) -> None:
    """The server's own error comes back, and the trace says that the call failed."""
    proxy = start().shake_hands()
    answer = proxy.call(1, "nope")
    assert "nope" in json.dumps(answer)
    assert proxy.leave() == 0
    assert [set(one.body) & {"failed", "ok"} for one in proxy.events if one.kind == "observation"] == [{"failed"}]


def test_a_server_that_dies_in_a_call_leaves_it_unknown(start: Callable[..., Proxy]) -> None:
    """The client is told, the trace is sealed with the call unknown, and the proxy exits with the server's code."""
    proxy = start().shake_hands()
    answer = proxy.call(1, "die")
    assert answer["error"] == {"code": -32000, "message": "the server has ended (exit code 3)"}
    assert proxy.process.wait(10) == 3
    assert "unknown" in next(one.body for one in proxy.events if one.kind == "observation")
    assert proxy.sealed


def test_a_server_that_hangs_is_given_its_tools_own_time(start: Callable[..., Proxy]) -> None:
    """After the time the registry gives the tool the client gets an error, and a late answer goes nowhere."""
    proxy = start().shake_hands()
    began = time.monotonic()
    answer = proxy.call(1, "hang", seconds=1.0)
    assert 0.2 < time.monotonic() - began < 0.9
    assert answer["error"] == {"code": -32001, "message": "hang gave no answer in 300 ms"}
    time.sleep(0.9)
    assert text(proxy.call(2, "look", order="A")) == "order A: 120"
    assert proxy.leave() == 0
    assert [*next(one.body for one in proxy.events if one.kind == "observation")] == ["action", "unknown"]


def test_a_call_that_the_client_cancels_is_unknown(start: Callable[..., Proxy]) -> None:
    """The server is told, the client gets no answer to it, and the trace says that nobody knows."""
    proxy = start(rules=RULES.replace(", timeout_ms: 300", "")).shake_hands()
    proxy.send({"id": 1, "method": "tools/call", "params": {"name": "hang", "arguments": {"seconds": 0.5}}})
    proxy.send({"method": "notifications/cancelled", "params": {"requestId": 1, "reason": "bored"}})
    assert text(proxy.call(2, "look", order="A")) == "order A: 120"
    assert proxy.leave() == 0
    outcomes = {one.body["action"]: one.body for one in proxy.events if one.kind == "observation"}
    assert outcomes[0]["unknown"]["reason"] == "cancelled"


def test_what_the_server_prints_on_stderr_is_passed_on(start: Callable[..., Proxy]) -> None:
    """Its stderr is the proxy's own."""
    proxy = start(ECHO)
    proxy.call(1, "x")
    assert proxy.leave() == 0
    assert "echo: 1 line" in (proxy.folder / "stderr").read_text()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_proxy_stops_its_server_and_seals_the_trace(
    start: Callable[..., Proxy], sent: signal.Signals
) -> None:
    """A signal ends the server, answers what waits, and loses nothing."""
    proxy = start(ECHO)
    assert proxy.call(1, "x")["result"]
    proxy.process.send_signal(sent)
    assert proxy.process.wait(10) == 128 + signal.SIGTERM
    assert len(proxy.events) == 3
    assert proxy.sealed


def test_kill_9_loses_no_call_that_was_answered(start: Callable[..., Proxy]) -> None:
    """Every answer the client has seen, and every call the server has seen, stands in the trace."""
    proxy = start(ECHO)
    for number in range(50):
        assert proxy.call(number, "x", count=number)["result"]
    proxy.send({"id": 50, "method": "tools/call", "params": {"name": "x", "arguments": {"count": 50}}})
    os.kill(proxy.process.pid, signal.SIGKILL)
    proxy.process.wait(10)
    events = proxy.events
    assert not proxy.sealed
    begun = [one.body["args"]["count"] for one in events if one.kind == "action"]
    assert begun[:50] == list(range(50))
    assert len([one for one in events if one.kind == "observation"]) >= 50
    assert len(proxy.entries) <= len(begun)


def test_files_serve_as_well_as_pipes(tmp_path: Path) -> None:
    """A conversation in a file is answered into a file, up to its end."""
    calls = [{"id": n, "method": "tools/call", "params": {"name": "x", "arguments": {"n": n}}} for n in range(20)]
    (tmp_path / "in").write_text("".join(json.dumps({"jsonrpc": "2.0", **one}) + "\n" for one in calls))
    command = [sys.executable, "-m", "harness", "mcp-proxy", "--traces", str(tmp_path / "runs"), "--"]
    command += [sys.executable, str(ECHO), str(tmp_path / "ledger")]
    with (tmp_path / "in").open("rb") as stdin, (tmp_path / "out").open("wb") as stdout:
        done = subprocess.run(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert sorted(one["id"] for one in answers) == list(range(20))


def test_a_server_behind_a_shell_is_stopped_too(tmp_path: Path) -> None:
    """A signal reaches the whole family of what was started."""
    script = f"sleep 60 & echo $! > {tmp_path / 'pid'}; wait"
    command = [sys.executable, "-m", "harness", "mcp-proxy", "--traces", str(tmp_path / "runs"), "--"]
    with subprocess.Popen([*command, "sh", "-c", script], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 128 + signal.SIGTERM
    state = Path("/proc", (tmp_path / "pid").read_text().strip(), "stat")
    while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z":  # dead, and perhaps not buried
        time.sleep(0.02)


def test_a_server_that_cannot_be_started_is_a_mistake_of_usage(tmp_path: Path) -> None:
    """The command is named, the exit code is 2, and there is no trace."""
    command = [sys.executable, "-m", "harness", "mcp-proxy", "--traces", str(tmp_path / "runs"), "--", "/no/server"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "/no/server" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()
