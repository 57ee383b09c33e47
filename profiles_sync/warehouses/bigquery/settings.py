"""Connection fields of a BigQuery project."""

from typing import Annotated, Literal

from pydantic import Field

from profiles_sync.warehouses.declared import Declared

_Label = Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,63}$")]
_LabelKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


class BigQuerySettings(Declared):
    """Connection fields of a BigQuery project; the dataset is the schema.

    Without `credentials`, the path of a service account's key, Google's own ways to find some hold. `endpoint` is for a
    private one; over plain HTTP nobody is told who asks.
    """

    type: Literal["bigquery"]
    project: str = Field(min_length=1)
    location: str = Field(default="US", pattern=r"^[A-Za-z0-9-]{2,40}$")
    credentials: str | None = Field(default=None, min_length=1)
    endpoint: str | None = Field(default=None, pattern=r"^https?://\S+$")
    labels: dict[_LabelKey, _Label] = Field(default={})
    timeout: int = Field(default=60, ge=2)
