"""Where the work is, as it stands beside a statement in a warehouse's history and beside a job in Spark's.

Source: OpenTelemetry, "SQLCommenter"; Spark's guide, "Job scheduling"; PySpark's reference, `SparkSession.addTag`.
"""

import logging
from typing import Any
from urllib.parse import quote

import orjson

from profiles_sync.watching.here import here
from profiles_sync.watching.tally import tally

APPLICATION = "profiles-sync"
_log = logging.getLogger(__name__)
_GROUP, _DESCRIPTION = "spark.jobGroup.id", "spark.job.description"


def parts() -> dict[str, str]:
    """What a tag has; nothing outside of a sync."""
    there = here().parts()
    return {"application": APPLICATION, **there} if there else {}


def commented(statement: str) -> str:
    """A statement with the tag behind it, as SQLCommenter writes it: nothing in it can end the comment."""
    if not (there := parts()):
        return statement
    listed = ",".join(f"{name}='{quote(value, safe='')}'" for name, value in there.items())
    return f"{statement} /*{listed}*/"


def as_json(longest: int) -> str | None:
    """The tag as JSON of so many characters at most; None outside of a sync."""
    there = parts()
    while there:
        text = orjson.dumps(there).decode()
        if len(text) <= longest:
            return text
        there.popitem()
    return None


def plain(longest: int) -> str:
    """The tag as words in ASCII, of so many characters at most."""
    words = [APPLICATION, *(quote(value, safe=" ") for value in here().parts().values())]
    return " ".join(words)[:longest]


def named(session: Any) -> Any:  # noqa: ANN401 a SparkSession, where pyspark is
    """The session, whose next jobs of this thread say where they are from.

    A job has a description, and is in a group of the run; one that somebody else put it into stays, for a notebook
    cancels by it. Spark Connect has tags in their place, which its page of Spark's UI shows.
    """
    if here().space is None:
        return session
    tally().session = session
    try:
        _tag(session) if _is_remote(session) else _describe(session.sparkContext)
    except Exception:  # a name is no reason to fail
        _log.debug("names of jobs", exc_info=True)
    return session


def unnamed() -> None:
    """A run is over: what this thread does next is not its."""
    if (session := tally().session) is None:
        return
    try:
        if _is_remote(session):
            _untag(session)
        else:
            _forget(session.sparkContext)
    except Exception:  # the session may have ended
        _log.debug("names of jobs", exc_info=True)


def _is_remote(session: Any) -> bool:  # noqa: ANN401
    return ".connect." in type(session).__module__


def _describe(context: Any) -> None:  # noqa: ANN401
    count = tally()
    if context.getLocalProperty(_GROUP) in (None, count.group) and count.group is not None:
        context.setLocalProperty(_GROUP, count.group)
        count.spark = context
    context.setLocalProperty(_DESCRIPTION, plain(200))


def _forget(context: Any) -> None:  # noqa: ANN401
    if context.getLocalProperty(_GROUP) == tally().group:
        context.setLocalProperty(_GROUP, None)
    context.setLocalProperty(_DESCRIPTION, None)


def _tag(session: Any) -> None:  # noqa: ANN401
    _untag(session)
    session.addTag(plain(200))


def _untag(session: Any) -> None:  # noqa: ANN401
    for tag in session.getTags():
        if tag.startswith(APPLICATION):
            session.removeTag(tag)
