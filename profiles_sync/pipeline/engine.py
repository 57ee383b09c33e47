"""Where a batch's work is done, and what came of it."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from profiles_sync.lake.base import Lake
from profiles_sync.pipeline import replay, staging, tasks
from profiles_sync.pipeline.kernel import Carriers, Past, Replayed
from profiles_sync.settings import Settings
from profiles_sync.spec.rules import IdentityRules
from profiles_sync.watching.tags import named

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Task = TypeVar("Task")
Say = Callable[[str], None]


@dataclass
class Report:
    """What a run did to the lake. `lines.read` = events + duplicates + quarantined, always.

    `unread` says of each source that could not be read why; the others were.
    """

    batch: int = 0
    read: int = 0
    events: int = 0
    duplicates: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=dict)
    violations: dict[str, int] = field(default_factory=dict)
    cast_to_null: dict[str, int] = field(default_factory=dict)
    nul_characters: int = 0
    profiles_created: int = 0
    merges: int = 0
    warnings: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        counts = {name: getattr(self, name) for name in ("read", "events", "duplicates")}
        quarantined = {"quarantined": sum(self.quarantined.values()), "by_reason": self.quarantined}
        return {
            "lines": counts | quarantined,
            "tables": self.tables,
            "violations": self.violations,
            "cast_to_null": self.cast_to_null,
            "nul_characters": self.nul_characters,
            "warnings": self.warnings,
        }

    def add(self, other: "Report") -> None:
        """Put the report of a further batch into this one."""
        self.batch = other.batch
        self.warnings += other.warnings
        for name in ("read", "events", "duplicates", "nul_characters", "profiles_created", "merges"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("quarantined", "tables", "violations", "cast_to_null"):
            counts = getattr(self, name)
            for key, count in getattr(other, name).items():
                counts[key] = counts.get(key, 0) + count


@dataclass
class Engine:
    """Where the work is done: the driver, or the session that `spark` gives when it is first needed."""

    settings: Settings
    lake: Lake
    spark: Callable[[], "SparkSession"]
    say: Say = lambda step: None

    def run(self, work: Callable[[Task], str], todo: Sequence[Task], size: int) -> list[str]:
        """Do the tasks where `size` bytes of input are done soonest, or where the settings say."""
        engine = self.settings.engine
        in_driver = engine.executor == "driver" or (engine.executor == "auto" and size <= engine.driver_bytes)
        return (
            tasks.in_driver(todo, work) if in_driver else tasks.on_spark(named(self.spark()), todo, work, engine.slots)
        )

    def resolve(self, carriers: Carriers, past: Past, rules: IdentityRules, created: int) -> Replayed:
        """Resolve identities on the path that the settings or the size ask for."""
        choice = self.settings.identity
        events = len(carriers.received_at)
        if choice.path == "driver" or (choice.path == "auto" and events <= choice.distributed_above):
            return replay.in_driver(carriers, past, rules, created)
        from profiles_sync.pipeline import distributed

        folder = self.lake.path(f"_staging/identity/{uuid.uuid4().hex}")  # an orphan of a killed run may still write
        bounds = choice.edges_per_task, choice.events_per_task
        done = distributed.resolutions(named(self.spark()), carriers, past, rules, created, folder, *bounds)
        staging.clear(self.lake.path("_staging/identity"))
        return done
