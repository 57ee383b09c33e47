"""One space for all notebooks: a shop whose events the real job has taken, but for those of the last day."""

import matplotlib
import pytest

from profiles_sync.generator.shop import Shop, write_shop
from profiles_sync.settings import load
from profiles_sync.sync.hourly import run

DAYS = 90


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """Its settings file."""
    matplotlib.use("agg")
    folder = tmp_path_factory.mktemp("shop")
    settings = load(write_shop(folder, Shop(), last_day=DAYS - 1))
    done = run(settings, lambda: pytest.fail("so few events need no Spark"))
    assert done.status == "Success", done
    return write_shop(folder, Shop(), first_day=DAYS - 1, last_day=DAYS)
