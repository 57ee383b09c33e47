"""A lake built anew from the batches that another one recorded."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from profiles_sync.control.lock import only_run
from profiles_sync.control.moving import carry_over
from profiles_sync.control.policy import Right, ask
from profiles_sync.errors import SettingsError
from profiles_sync.lake.lineage import stand_for
from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.paths import PathLake
from profiles_sync.pipeline.engine import Engine, Report
from profiles_sync.pipeline.run import rebuild
from profiles_sync.settings import Settings
from profiles_sync.sync.connected import take_over
from profiles_sync.watching.here import at
from profiles_sync.watching.steps import step

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def rebuild_into(
    settings: Settings, root: str, spark: "Callable[[], SparkSession]", say: Callable[[str], None] = lambda step: None
) -> Report:
    """Replay the batches of the settings' lake into another root; a rebuild that was broken off goes on.

    The sources' files have to be where they were. To use the new lake, set `lake:` to it; warehouses that follow the
    recorded one then replace their rows by those of the new one. What operators changed goes along.

    Raises:
        SettingsError: The root is the lake's own.
        SourceUnreachable: A file that a batch took is not there any more.
        LakeBusy: A run is under way in one of the two.
    """
    recorded = lake_of(settings, spark)
    if root.rstrip("/") == recorded.root.rstrip("/"):
        raise SettingsError(f"--into {root}: that is the lake itself; name a folder that is not there yet")
    anew = PathLake(root, settings.space.slug, settings.storage_options)
    ask(settings, recorded, Right.CHANGE, "rebuild")
    with at(space=recorded.slug), step("rebuild") as done, only_run(recorded), only_run(anew) as held:
        report = rebuild(Engine(settings, held, spark, say), recorded)
        stand_for(anew, recorded)
        carry_over(anew, recorded)
        take_over(anew, recorded)
        done.rows = sum(report.tables.values())
        return report
