"""Debian's Chromium without a window, led over a pipe by its own protocol: real clicks and keys, no network."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
_KEYS: Final = {"ArrowRight": 39, "ArrowLeft": 37, "Home": 36, "End": 35, "Escape": 27, "Enter": 13, "Tab": 9}


class Browser:
    """One browser with one page; what the page complains of is kept in ``complaints``."""

    def __init__(self, width: int = 1280, height: int = 900) -> None:
        assert CHROMIUM is not None
        self._folder = tempfile.TemporaryDirectory(prefix="harness-browser-", ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        flags = [*_FLAGS, f"--user-data-dir={self._folder.name}", f"--window-size={width},{height}"]
        script = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'  # the protocol is spoken on 3 and 4
        command = ["bash", "-c", script, CHROMIUM, *flags]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            command, pass_fds=(theirs_in, theirs_out), stdin=quiet, stdout=quiet, stderr=quiet
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._number, self._left, self._session = 0, b"", ""
        self.complaints: list[str] = []
        self.requested: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def close(self) -> None:
        """End the browser that was started here."""
        os.close(self._out)
        self._process.terminate()
        self._process.wait(20)
        os.close(self._in)
        self._folder.cleanup()

    # --- what a reader does ------------------------------------------------------------------------------------------

    def open(self, file: Path) -> float:
        """Open a file from the disk; give the seconds until its first part was drawn."""
        begun = time.monotonic()
        self.call("Page.navigate", url=file.as_uri())
        self.wait("document.readyState === 'complete' && document.getElementById('view').children.length > 0")
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return time.monotonic() - begun

    def click(self, selector: str, text: str = "") -> None:
        """Click with the mouse in the middle of the first element that matches and holds a text."""
        place = self.evaluate(
            f"(() => {{ const found = [...document.querySelectorAll({json.dumps(selector)})].find((one) => "
            f"one.textContent.includes({json.dumps(text)}) && one.checkVisibility());"
            "if (!found) return null; found.scrollIntoView({block: 'center'});"
            "const box = found.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        assert place, f"nothing to click: {selector} {text!r}"
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press a key that has a name."""
        facts: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        if key == "Enter":
            facts["text"] = "\r"
        self.call("Input.dispatchKeyEvent", type="keyDown", **facts)
        self.call("Input.dispatchKeyEvent", type="keyUp", **facts)

    def write(self, text: str) -> None:
        """Write where the focus is."""
        self.call("Input.insertText", text=text)

    def choose(self, label: str, value: str) -> None:
        """Choose a value in the select that has a label."""
        self.evaluate(
            f"(() => {{ const found = [...document.querySelectorAll('select')].find((one) => (one.ariaLabel ?? "
            f"one.labels[0].textContent).includes({json.dumps(label)})); found.value = {json.dumps(value)};"
            "found.dispatchEvent(new Event('change')); })()"
        )

    # --- what a reader sees ------------------------------------------------------------------------------------------

    def evaluate(self, expression: str) -> Any:
        """Give the value of an expression in the page."""
        said = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    def wait(self, expression: str, seconds: float = 20.0) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            assert time.monotonic() < end, f"never came true: {expression}"
            time.sleep(0.01)

    def text(self, selector: str = "body") -> str:
        """Give the text that is seen in an element."""
        said: str = self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")
        return said

    def dark(self, on: bool) -> None:
        """Let the system's colors be dark, or light."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def screenshot(self, file: Path) -> None:
        """Write what is seen as PNG."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def tree(self) -> list[dict[str, Any]]:
        """Give the nodes of the accessibility tree."""
        nodes: list[dict[str, Any]] = self.call("Accessibility.getFullAXTree")["nodes"]
        return nodes

    # --- the protocol ------------------------------------------------------------------------------------------------

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and wait for its answer."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": params}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._out, json.dumps(asked).encode() + b"\0")
        while True:
            said = self._message()
            if said.get("id") == self._number:
                assert "error" not in said, f"{method}: {said['error']}"
                result: dict[str, Any] = said["result"]
                return result
            self._heard(said)

    def _heard(self, said: dict[str, Any]) -> None:
        params = said.get("params", {})
        if said.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"].get("exception", params)))
        elif said.get("method") == "Log.entryAdded":
            self.complaints.append(str(params["entry"]["text"]))
        elif said.get("method") == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            part = os.read(self._in, 1 << 20)
            assert part, "the browser has gone"
            self._left += part
        line, _, self._left = self._left.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message
