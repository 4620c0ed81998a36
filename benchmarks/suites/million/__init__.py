"""A million steps without an error: the towers of Hanoi, every move voted for and checked by a registry.

Twenty disks take 2^20 - 1 moves. A scripted proposer is asked for each of them and errs at a stated rate; the lead by
which a move has to be voted for is planned for that rate. Every move goes through the door, is judged by rules that
leave one right move, and is recorded with its votes; then the trace is read, judged again and sampled.

Two small towers show what votes cannot do: without a lead errors come through, and so do errors that votes share.
What this does not measure: a model. The proposer's errors are independent because it draws them so.
"""

from __future__ import annotations

from typing import Final

from harness.bench.suite import Suite
from harness.bench.task import Condition, Task

from .cells import run
from .figures import figures

SUITE: Final = Suite(
    name="million",
    version="1.0.0",
    title="A million voted steps, recorded and checked, without an error",
    tasks=(
        Task("20 disks, error 0.0022", "tower", {"disks": 20, "error": 0.0022}, seeded=True),
        Task("20 disks, error 0.10", "tower", {"disks": 20, "error": 0.10}, seeded=True),
        Task("10 disks, one vote", "limit", {"disks": 10, "error": 0.10, "lead": 1}, seeded=True),
        Task("10 disks, shared errors", "limit", {"disks": 10, "error": 0.10, "correlation": 0.5}, seeded=True),
        *(
            Task(f"races p {accuracy}, k {lead}", "races", {"accuracy": accuracy, "lead": lead}, seeded=True)
            for accuracy, lead in ((0.9, 1), (0.7, 2), (0.9, 3), (0.6, 4))
        ),
    ),
    conditions=(Condition("vote"),),
    run=run,
    figures=figures,
    measured=("seconds", "record_s", "cpu_seconds", "cpu_s", "peak_rss_mb", "trace_mb"),
)
