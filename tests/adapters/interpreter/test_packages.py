"""Generators of packages are captured, whether the package came before the session or during it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[3]

NUMPY: Final = """
import numpy as np
from numpy.random import rand, default_rng

def read():
    first = [rand(), np.random.normal(), *np.random.permutation(5)]
    first += [default_rng().random(), np.random.RandomState().rand()]
    np.random.seed(3)
    first += [rand(), np.random.mtrand._rand.rand()]
    np.random.seed()
    return [float(number) for number in first + [np.random.random()]]
"""
UUID_UTILS: Final = """
import uuid_utils
from uuid_utils import uuid7
from uuid_utils.compat import uuid4

def read():
    return [str(one) for one in (uuid7(), uuid_utils.uuid4(), uuid_utils.uuid1(), uuid_utils.uuid6(), uuid4())]
"""
SCRIPT: Final = """
import json, sys
from harness.door.app import Harness
from harness.door.replay import replay

what, when, trace = sys.argv[1:]
if when == "before":
    import reads

app = Harness()

@app.agent
def agent():
    import reads
    return reads.read()

if what == "record":
    result = app.session(trace=trace).run(agent)
else:
    again = replay(trace, entry=agent, app=app)
    assert again.equal, again.divergence
    result = again.result
print(json.dumps(result))
"""


def told(what: str, when: str, folder: Path) -> Any:
    """Run the script in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, what, when, "trace.mat.jsonl"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(folder)))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("when", ["before", "during"])
@pytest.mark.parametrize(("package", "reads"), [("numpy", NUMPY), ("uuid_utils", UUID_UTILS)])
def test_what_a_package_draws_is_drawn_again(tmp_path: Path, package: str, reads: str, when: str) -> None:
    """Recorded with the package imported before or during the session, it replays where it comes the other way."""
    pytest.importorskip(package)
    (tmp_path / "reads.py").write_text(reads)
    other = "during" if when == "before" else "before"
    assert told("record", when, tmp_path) == told("replay", other, tmp_path)
