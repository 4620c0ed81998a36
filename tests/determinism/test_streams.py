"""Named random streams."""

from __future__ import annotations

from harness.determinism.streams import seed_for, stream


def test_a_stream_is_a_function_of_seed_and_name() -> None:
    """The same seed and name give the same numbers, in any process and on any host."""
    assert [stream(7, "faults").randrange(1000) for _ in range(3)] == [
        stream(7, "faults").randrange(1000) for _ in range(3)
    ]
    assert seed_for(0, "faults", 3) == 42966882271587351024915701520529102440


def test_streams_differ_by_seed_name_and_type() -> None:
    """Another seed, another name, or a number in place of its text is another stream."""
    seeds = [
        seed_for(0, "a"),
        seed_for(1, "a"),
        seed_for(0, "b"),
        seed_for(0, "1"),
        seed_for(0, 1),
        seed_for(0, "a", "b"),
    ]
    assert len(set(seeds)) == len(seeds)


def test_adding_a_stream_does_not_shift_another() -> None:
    """Drawing from one stream leaves every other as it was."""
    before = stream(3, "kept").random()
    stream(3, "added").random()
    assert stream(3, "kept").random() == before
