"""The distributed path keeps what grows with the batch out of the JVMs."""

import numpy as np
import pytest

from profiles_sync.pipeline import distributed
from profiles_sync.pipeline.kernel import Carriers, Past
from profiles_sync.spec.rules import IdentityRules

EVENTS = 20_000


@pytest.fixture
def no_broadcast(spark):
    """Small labels may be broadcast, through the driver: Spark stops at 10 MB by itself."""
    name = "spark.sql.autoBroadcastJoinThreshold"
    usual = spark.conf.get(name)
    spark.conf.set(name, -1)
    yield
    spark.conf.set(name, usual)


@pytest.mark.usefixtures("no_broadcast")
def test_what_comes_back_from_tasks_does_not_grow_with_the_events(spark, tmp_path):
    before = result_bytes(spark)
    done = distributed.resolutions(spark, *everybody_alone(), IdentityRules(), 0, str(tmp_path))
    assert done.created.sum() == EVENTS
    collected = {stage: size for stage, size in result_bytes(spark).items() if stage not in before}
    assert 0 < sum(collected.values()) < 4 * EVENTS  # an event comes to several numbers of 8 bytes


def everybody_alone():
    """Events that carry one identifier each, all different, and nothing before them."""
    nothing, each = np.empty(0, np.int64), np.arange(EVENTS)
    kinds = np.zeros(EVENTS, np.int16)
    carriers = Carriers(np.arange(EVENTS + 1), each.astype(np.int32), each, kinds)
    return carriers, Past(nothing, np.full(EVENTS, -1, np.int32), np.zeros(EVENTS, np.int64), np.zeros(1, int), nothing)


def result_bytes(spark):
    """By stage, how much its tasks sent to the driver, as Spark counts it."""
    context = spark.sparkContext._jsc.sc()
    context.listenerBus().waitUntilEmpty()
    gateway = spark.sparkContext._gateway
    nothing = gateway.jvm.java.util.ArrayList()
    stages = context.statusStore().stageList(None, False, False, gateway.new_array(gateway.jvm.double, 0), nothing)
    return {(one := stages.apply(place)).stageId(): one.resultSize() for place in range(stages.size())}
