"""What holds for all tests: one root certificate, imports without a search for garbage, and no haste.

Every HTTP client reads the bundle it would need for TLS, which takes 20 ms; the tests speak with this machine alone.
A law that is tried on a machine with much to do is as true as on an idle one: examples have no deadline.
"""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

_HERE = Path.cwd()
_END = "-----END CERTIFICATE-----\n"


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Iterator[None]:
    """Name the file in the environment, which processes of tests inherit."""
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition(_END)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "one.pem").write_text(first + end, encoding="utf-8")
        os.environ.setdefault("SSL_CERT_FILE", str(Path(folder) / "one.pem"))
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Tell of a test that has left the folder in which all of them run."""
    yield
    if (away := Path.cwd()) != _HERE:
        os.chdir(_HERE)
        raise AssertionError(f"the test has gone to {away}: monkeypatch.chdir first")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[Any]:
    """Look for no garbage while all is imported, which took a third of the time, nor in what was imported later on."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
