"""Secrets of a Databricks scope as settings: serverless compute knows no variables for a job."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from profiles_sync.errors import SettingsError
from profiles_sync.settings import ENV_PREFIX


@contextmanager
def in_the_environment(scope: str | None) -> Iterator[None]:
    """The scope's secrets that are named like our variables, PROFILES_SYNC_..., are such variables meanwhile.

    Raises:
        SettingsError: There is no such scope, this user may not read it, or this is not Databricks.
    """
    found = _found(scope) if scope else {}
    before = {name: os.environ.get(name) for name in found}
    os.environ.update(found)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _found(scope: str) -> dict[str, str]:
    try:
        from databricks.sdk.runtime import dbutils
    except ImportError:
        raise SettingsError(
            f"--secret-scope {scope}: only a job on Databricks has secret scopes; elsewhere set {ENV_PREFIX}... in the "
            "environment"
        ) from None
    try:
        names = [one.key for one in dbutils.secrets.list(scope)]
        return {name: dbutils.secrets.get(scope, name) for name in names if name.startswith(ENV_PREFIX)}
    except Exception:  # what it says may hold what it was about to give
        raise SettingsError(
            f"--secret-scope {scope}: cannot be read; create it, or grant READ on it to whoever runs the job"
        ) from None
