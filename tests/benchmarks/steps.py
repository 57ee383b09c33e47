"""Where the time of a run goes: the seconds of some functions of the product, while a block runs."""

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from profiles_sync.lake import merging
from profiles_sync.pipeline import (
    batches,
    event_tables,
    identity,
    landing,
    materialized_views,
    messages,
    raw_tables,
    run,
    state,
    whole_batch,
)
from profiles_sync.sync import hourly

#: What a run does; a step that is part of another one stands behind it, indented.
RUN = {
    "look for files": (run, "new_files"),
    "read lines": (whole_batch, "read_files"),
    "identity": (identity, "resolve_batch"),
    "- land": (landing, "land"),
    "-- repeats": (messages, "kept"),
    "- state": (state, "look_up"),
    "- traits": (identity, "replay_traits"),
    "- changes": (identity, "changes"),
    "event tables": (whole_batch, "_write_events"),
    "- plan": (event_tables, "plan"),
    "- commit": (event_tables, "commit"),
    "state logs": (identity, "remember"),
    "raw tables": (raw_tables, "append"),
    "merged tables": (materialized_views, "merge"),
    "land the batch": (batches, "land"),
    "warehouses": (hourly, "sync_all"),
    "upkeep": (hourly, "keep_up_lake"),
}


@contextmanager
def steps(named: Mapping[str, tuple[Any, str]] = RUN) -> Iterator[dict[str, float]]:
    """Seconds by step, the MERGEs by table; what runs beside each other counts in both."""
    spent: dict[str, float] = defaultdict(float)
    found: dict[str, float] = {}
    with ExitStack() as stack:
        for label, (owner, name) in named.items():
            stack.enter_context(patch.object(owner, name, _timed(getattr(owner, name), lambda *_, of=label: of, spent)))
        merged = _timed(merging.merge, lambda _, table, *rest: f"- MERGE {table.name}", spent)
        stack.enter_context(patch.object(merging, "merge", merged))
        yield found
    found.update((label, spent[label]) for label in [*named, *sorted(spent.keys() - named.keys())] if spent[label])


def _timed(function: Callable[..., Any], label: Callable[..., str], spent: dict[str, float]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            spent[label(*given)] += time.perf_counter() - started

    return run
