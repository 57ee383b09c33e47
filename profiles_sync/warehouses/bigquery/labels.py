"""Labels of datasets, tables and jobs, by which costs are told apart."""

import re
from collections.abc import Mapping

from profiles_sync.watching.here import here

PRODUCT = "profiles-sync"
_LONGEST = 63  # characters
_OTHER = re.compile(r"[^a-z0-9_-]")


def labels_of(declared: Mapping[str, str], **further: str) -> dict[str, str]:
    """Those of the settings, and ours. BigQuery takes small letters, digits, `_` and `-` in a value."""
    ours = {"product": PRODUCT, **{key: label(value) for key, value in further.items()}}
    return ours | dict(declared)


def where() -> dict[str, str]:
    """What a job is labelled with within a sync: what it is for."""
    return here().parts()


def label(text: str) -> str:
    """A text as the value of a label."""
    return _OTHER.sub("_", text.lower())[:_LONGEST]
