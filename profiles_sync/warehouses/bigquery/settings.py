"""Connection fields of a BigQuery project."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from profiles_sync.warehouses.declared import Declared

_Label = Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,63}$")]
_LabelKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


class BigQuerySettings(Declared):
    """Connection fields of a BigQuery project; the dataset is the schema.

    Without `credentials`, the path of a service account's key, Google's own ways to find some hold. `endpoint` is for a
    private one; over plain HTTP nobody is told who asks.

    Attributes:
        load: `native`: load jobs of Parquet files, from this process; `connector`: by Spark's executors.
        write_method: Of the connector: `direct`, the Storage Write API, or `indirect`, files in `temporary_bucket`.
        temporary_bucket: A bucket of Cloud Storage.
        storage_endpoint: Where the Storage Write API is, as `host:port`, where `endpoint` is not Google's.
    """

    type: Literal["bigquery"]
    project: str = Field(min_length=1)
    location: str = Field(default="US", pattern=r"^[A-Za-z0-9-]{2,40}$")
    credentials: str | None = Field(default=None, min_length=1)
    endpoint: str | None = Field(default=None, pattern=r"^https?://\S+$")
    labels: dict[_LabelKey, _Label] = Field(default={})
    timeout: int = Field(default=60, ge=2)
    load: Literal["native", "connector"] = "native"
    write_method: Literal["direct", "indirect"] = "direct"
    temporary_bucket: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9._-]{1,220}$")
    storage_endpoint: str | None = Field(default=None, pattern=r"^[^\s:/]+:[0-9]+$")

    @model_validator(mode="after")
    def _has_a_bucket(self) -> Self:
        if self.write_method == "indirect" and self.temporary_bucket is None:
            raise PydanticCustomError("no_bucket", "write_method: indirect needs temporary_bucket")
        return self

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is told who asks."""
        return self.endpoint is not None and self.endpoint.startswith("http://")
