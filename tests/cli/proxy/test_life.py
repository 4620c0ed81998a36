"""How a proxy is stopped, told new rules, and started wrongly."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import openai
import pytest

from harness.adapters.files import open_trace
from harness.cli import execute
from harness.testing.model_server import ModelServer
from tests.cli.proxy.running import LONG, RULES, TOOLS, Proxy, asked, client, outcomes, proxied, until

pytest.importorskip("starlette", reason="the extra [server] is not installed")
pytest.importorskip("uvicorn", reason="the extra [server] is not installed")


def test_it_tells_how_it_is(proxy: Proxy) -> None:
    """Its health names version, registry and sessions."""
    said = proxy.health()
    assert said["status"] == "ok"
    assert said["registry"]["name"] == "shop"
    assert len(said["registry"]["digest"]) == 64
    assert said["sessions"] >= 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_it_lets_streams_end_and_seals_every_trace(
    model: ModelServer, tmp_path: Path, number: signal.Signals
) -> None:
    """A stream under way comes to its end, no new request is taken, and all traces are sealed."""
    with proxied(tmp_path, model.base_url) as proxy:
        pieces: list[str] = []
        began = threading.Event()

        def listen() -> None:
            for chunk in client(proxy, "listening").chat.completions.create(
                model="m", messages=asked("slow"), stream=True
            ):
                pieces.append(chunk.choices[0].delta.content or "")
                began.set()

        thread = threading.Thread(target=listen)
        thread.start()
        assert began.wait(5)
        client(proxy, "silent").chat.completions.create(model="m", messages=asked("x"))
        told = proxy.stop(number)
        thread.join()
        with pytest.raises(openai.APIConnectionError):
            client(proxy).models.list()
        assert proxy.process.returncode == 0
        assert "".join(pieces) == LONG
        assert "2 sessions were open, and are sealed" in told
        for name in ("listening", "silent"):
            with open_trace(proxy.traces / f"{name}-001.mat.jsonl") as reader:
                assert outcomes(list(reader)) == ["ok"]
            assert reader.footer is not None


def test_streams_that_take_too_long_are_ended(model: ModelServer, tmp_path: Path) -> None:
    """After the grace the client is told, and the trace says that the stream was not read to its end."""
    with proxied(tmp_path, model.base_url, "--grace", "1") as proxy:
        heard: list[str] = []

        def listen() -> None:
            try:
                client(proxy, "endless").chat.completions.create(model="m", messages=asked("hang"))
            except openai.APIStatusError as error:
                heard.append(f"{error.status_code} {error}")

        thread = threading.Thread(target=listen)
        thread.start()
        until(lambda: proxy.health()["under_way"] == 1)
        proxy.stop()
        thread.join()
        assert "503" in heard[0]
        assert outcomes(proxy.events("endless")) == ["unknown"]


def test_new_rules_are_loaded_while_it_runs(model: ModelServer, tmp_path: Path) -> None:
    """On SIGHUP new conversations get the new rules, open ones keep theirs, and rules with a mistake change nothing."""

    def refunds(proxy: Proxy, name: str) -> bool:
        messages = asked('want refund={"cents":150}')
        said = client(proxy, name).chat.completions.create(model="m", messages=messages, tools=TOOLS)
        return bool(said.choices[0].message.tool_calls)

    with proxied(tmp_path, model.base_url) as proxy:
        digest = proxy.health()["registry"]["digest"]
        assert refunds(proxy, "old")
        for text in (RULES.replace("20000", "twenty thousand"), RULES.replace("20000", "100")):
            (tmp_path / "rules.yaml").write_text(text)
            proxy.process.send_signal(signal.SIGHUP)
            time.sleep(1 if "twenty" in text else 0)
            until(lambda text=text: ("twenty" in text) == (proxy.health()["registry"]["digest"] == digest))
        assert not refunds(proxy, "new")
        assert refunds(proxy, "old")
        told = proxy.stop()
        assert "the rules stay as they are: " in told
        assert "loaded shop 1 anew" in told


def test_a_switch_stops_everything(model: ModelServer, tmp_path: Path) -> None:
    """While its file is there every request is refused, and afterwards none is."""
    switch = tmp_path / "stop"
    with proxied(tmp_path, model.base_url, "--kill-switch", str(switch)) as proxy:
        one = client(proxy, "switched")
        assert one.chat.completions.create(model="m", messages=asked("x"))
        switch.touch()
        until(lambda: proxy.health()["killed"])
        with pytest.raises(openai.PermissionDeniedError, match="KILL-SWITCH"):
            one.chat.completions.create(model="m", messages=asked("y"))
        switch.unlink()
        until(lambda: not proxy.health()["killed"])
        assert one.chat.completions.create(model="m", messages=asked("z"))


def test_a_second_signal_waits_for_nobody(model: ModelServer, tmp_path: Path) -> None:
    """Whoever insists need not wait for what is under way; its trace is sealed all the same."""
    with proxied(tmp_path, model.base_url) as proxy:
        thread = threading.Thread(target=give_up, args=(proxy, "insisted"))
        thread.start()
        until(lambda: proxy.health()["under_way"] == 1)
        began = time.monotonic()
        proxy.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        proxy.stop(signal.SIGINT)
        thread.join()
        assert time.monotonic() - began < 4  # the server would have hung for longer
        with open_trace(proxy.traces / "insisted-001.mat.jsonl") as reader:
            assert outcomes(list(reader)) == ["unknown"]
        assert reader.footer is not None


def give_up(proxy: Proxy, name: str) -> None:
    """Ask what has no answer."""
    with pytest.raises(openai.APIError):
        client(proxy, name).chat.completions.create(model="m", messages=asked("hang"))


def test_the_key_of_the_environment_goes_up_instead(model: ModelServer, tmp_path: Path) -> None:
    """With --key-env clients need no key, and the server's is in no trace."""
    with proxied(tmp_path, model.base_url, "--key-env", "MODEL_KEY", MODEL_KEY="sk-of-the-server") as proxy:
        one = client(proxy, "keyed")
        one.chat.completions.create(model="m", messages=asked("is it sk-of-the-server ?"))
        assert "sk-of-the-server" not in (proxy.traces / "keyed-001.mat.jsonl").read_text()
        page = client(proxy, "keyed", default_headers={"Origin": "http://evil.example"})
        with pytest.raises(openai.PermissionDeniedError, match="a page in a browser"):
            page.models.list()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--upstream", "nonsense"], "is no base URL"),
        (["--upstream", "http://127.0.0.1:9", "--key-env", "NO_SUCH_KEY"], "has no NO_SUCH_KEY"),
        (["--upstream", "http://127.0.0.1:9", "--registry", "/no/registry.yaml"], "/no/registry.yaml"),
        (["--upstream", "http://127.0.0.1:9", "--host", "203.0.113.1"], "cannot listen"),
    ],
)
def test_usage_is_told_plainly(options: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong on the command line is said before anything is served."""
    assert execute(["proxy", "--port", "0", *options]) == 2
    assert told in capsys.readouterr().err
