"""conf/example.yml is every setting with its default."""

import os
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from profiles_sync.errors import SettingsError
from profiles_sync.settings import (
    EngineSettings,
    IdentitySettings,
    RuleSettings,
    Settings,
    load,
    origins,
)

pytestmark = pytest.mark.usefixtures("no_settings_in_the_environment")
EXAMPLE = Path(__file__).parents[1] / "conf" / "example.yml"


def differences(model, written, path=""):
    """Where the file and the models differ: a key that is missing, or a default that is another one."""
    for name, setting in model.model_fields.items():
        key = setting.alias or name
        where, models = f"{path}{key}", list(models_in(setting.annotation))
        if isinstance(written.get(key), str):  # the short form of a setting that has a long one
            models = []
        if key not in written:
            yield f"{where} is not in the file"
        elif isinstance(setting.annotation, type) and models:
            yield from differences(models[0], written[key], f"{where}.")
        elif models and written[key]:
            for entry, values in written[key].items():
                yield from differences(of_type(models, values), values, f"{where}.{entry}.")
        elif models and model is Settings and written[key] is not None:
            yield f"{where} shows no entry"
        elif not setting.is_required() and written[key] != setting.get_default(call_default_factory=True):
            yield f"{where} is {written[key]!r} in the file, the default is another one"


def models_in(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def of_type(models, written):
    """The model of an entry; where there are several, `type` tells which."""
    several = len(models) > 1
    fits = [one for one in models if not several or written["type"] in get_args(one.model_fields["type"].annotation)]
    return fits[0]


def test_the_example_holds_every_setting_with_its_default():
    assert list(differences(Settings, yaml.safe_load(EXAMPLE.read_text()))) == []


def test_the_example_loads():
    settings = load(EXAMPLE)
    assert settings.lake == str(EXAMPLE.parent / "lake")
    assert settings.sources
    assert settings.warehouses


def test_the_example_names_what_a_rule_may_say():
    (line,) = [line for line in EXAMPLE.read_text().splitlines() if line.lstrip().startswith("rules:")]
    assert [name for name in RuleSettings.model_fields if name not in line] == []


@pytest.mark.parametrize(("model", "key"), [(IdentitySettings, "path"), (EngineSettings, "executor")])
def test_the_example_names_the_choices(model, key):
    choices = " | ".join(get_args(model.model_fields[key].annotation))
    assert f"{key}: {model.model_fields[key].default} # {choices}" in EXAMPLE.read_text()


def test_a_variable_of_the_environment_overrides_each_key(monkeypatch):
    changed = {"PROFILES_SYNC_LAKE": "./other", "PROFILES_SYNC_WAREHOUSES__LOCAL__PATH": "./other.duckdb"}
    header = [line for line in EXAMPLE.read_text().splitlines() if line.startswith("# The environment")]
    for name, value in changed.items():
        assert name in header[0]
        monkeypatch.setenv(name, value)
    settings = load(EXAMPLE)
    assert settings.lake == str(EXAMPLE.parent / "other")
    assert settings.warehouses["local"].path == str(EXAMPLE.parent / "other.duckdb")
    found = {key: origin for key, _, origin in origins(EXAMPLE, os.environ)}
    assert found["lake"] == "environment PROFILES_SYNC_LAKE"
    assert found["engine.slots"] == "file"


def test_a_key_that_is_no_setting_is_refused(tmp_path):
    path = tmp_path / "acme.yml"
    path.write_text(EXAMPLE.read_text() + "lakee: ./lake\n")
    with pytest.raises(SettingsError, match="lakee"):
        load(path)
