"""What every kind of warehouse has in the settings."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from profiles_sync.spec import selection
from profiles_sync.warehouses.base import INTERNAL


class Declared(BaseModel):
    """A warehouse in the settings; a kind adds its `type` and its connection fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    schema_name: str | None = Field(default=None, alias="schema")
    enabled: bool = True
    selective: Mapping[str, bool] = {}

    @property
    def held_alone(self) -> str | None:
        """What only one connection may have open; warehouses with the same one are synced one after the other."""
        return None

    @field_validator("schema_name")
    @classmethod
    def _is_free(cls, schema: str | None) -> str | None:
        if schema and schema.lower() == INTERNAL:
            raise PydanticCustomError("internal_schema", "the sync record lives in that schema, take another name")
        return schema

    @field_validator("selective", mode="before")
    @classmethod
    def _none_is_everything(cls, items: object) -> object:
        return {} if items is None else items

    @field_validator("selective")
    @classmethod
    def _can_be_switched(cls, items: Mapping[str, bool]) -> Mapping[str, bool]:
        if why := selection.refused(items):
            raise PydanticCustomError("selective", "{why}", {"why": why})
        return items
