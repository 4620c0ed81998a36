"""A switch that stops all runs of an app at their next action."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UsageError


class Switch:
    """Hold whether it is thrown; with a ``file``, for every process that is told of it: thrown while the file is there.

    Safe in threads. What has begun goes on to its end.
    """

    def __init__(self, file: str | Path | None = None) -> None:
        if not isinstance(file, str | Path | None):
            cure = "name the file whose being there throws it; without one, app.kill() does"
            raise UsageError(f"a kill switch is a file, not {file!r}", cure=cure)
        self._file = None if file is None else Path(file).absolute()  # wherever the process goes later
        self._thrown = False

    def throw(self) -> None:
        """Stop what comes from now on."""
        if self._file is None:
            self._thrown = True
        else:
            self._file.touch()

    def take_back(self) -> None:
        """Let things go on."""
        self._thrown = False
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def thrown(self) -> bool:
        """Tell whether it is thrown now."""
        return self._thrown if self._file is None else self._file.exists()
