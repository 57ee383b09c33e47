"""The settings reference: keys, types and defaults from the models, what each is from the comments of the example."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from profiles_sync.settings import Settings
from profiles_sync.settings.models import ENV_PREFIX
from profiles_sync.warehouses.declared import Declared
from profiles_sync.warehouses.setup import SCRIPTS
from scripts.documentation.readme import ROOT

Schema = Mapping[str, Any]
Key = tuple[str, ...]
NAME = "NAME"  # stands for whatever somebody calls a source, a warehouse, an alert
_KEY = re.compile(r"( *)(?:# )?([\w-]+):(?: [^#]*)?(?:# (.*))?$")
_CHOICES = re.compile(r"^[\w-]+(?: \| [\w-]+)+(?:: |; |$)")  # the type says them already
_OF_EACH = Declared.model_json_schema(by_alias=True)["properties"]
_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most"}


def reference() -> str:
    """A heading for each key of the file, below it the keys in it."""
    schema = Settings.model_json_schema(by_alias=True)
    said = comments((ROOT / "conf" / "example.yml").read_text(encoding="utf-8"))
    lines: list[str] = []
    for name, one in schema["properties"].items():
        lines += [f"### {name}", "", _description(one, schema), ""]
        if name == "warehouses":
            lines += ["What each kind has is on its own page: " + ", ".join(_link(kind) for kind in SCRIPTS) + ".", ""]
        else:
            lines += [*_rows(_leaves(one, schema, (name,)), said, True), ""]
    return "\n".join(lines)


def of_a_warehouse(kind: str) -> str:
    """The settings of a kind of warehouse."""
    schema = Settings.model_json_schema(by_alias=True)
    one = next(found for found in schema["$defs"].values() if _const(found) == kind)
    leaves = sorted(_leaves(one, schema, ()), key=lambda leaf: (leaf[0] != ("type",), leaf[0][0] in _OF_EACH))
    return "\n".join(_rows(leaves, _warehouse_comments(kind), False))


def comments(text: str) -> dict[Key, str]:
    """What the comment behind each key of a YAML file says."""
    found: dict[Key, str] = {}
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        if not (match := _KEY.match(line)):
            continue
        indent, key, said = match.groups()
        above = [one for one in above if one[0] < len(indent)]
        above.append((len(indent), key))
        if said:
            found.setdefault(tuple(name for _, name in above), said)
    return found


def _warehouse_comments(kind: str) -> dict[Key, str]:
    """Those of the example that the README has of the kind, without the names above."""
    readme, example = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "conf/example.yml"))
    for text in (*re.findall(r"```yaml\n(.*?)```", readme, re.S), example):
        declared = (yaml.safe_load(text) or {}).get("warehouses") if "warehouses:" in text else None
        for name, one in (declared or {}).items():
            if one.get("type") == kind and len(one) > 2:
                said = comments(text)
                return {key[2:]: about for key, about in said.items() if key[:2] == ("warehouses", name)}
    return {}


def _rows(leaves: Iterable[tuple[Key, Schema]], said: Mapping[Key, str], with_variable: bool) -> Iterator[str]:
    yield "| key | type | default | |" + (" variable |" if with_variable else "")
    yield "|---|---|---|---|" + ("---|" if with_variable else "")
    for key, one in leaves:
        default = "required" if one["required"] else f"`{_default(one.get('default'))}`"
        row = [f"`{'.'.join(key)}`", one["words"], default, _about(key, said)]
        if with_variable:
            row.append("" if NAME in key else f"`{ENV_PREFIX}{'__'.join(key).upper()}`")
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _about(key: Key, said: Mapping[Key, str]) -> str:
    """The comment on a key, whatever its NAME is in the example."""
    for other, about in said.items():
        if len(other) == len(key) and all(mine in (NAME, its) for mine, its in zip(key, other, strict=True)):
            return _CHOICES.sub("", about)
    return ""


def _leaves(one: Schema, schema: Schema, key: Key, required: bool = False) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Every key that has a value of its own."""
    whole = _resolved(one, schema)
    if properties := whole.get("properties"):
        if "default" in one and one["default"] is None:  # may be left out as a whole
            yield key, {**one, "required": False, "words": "keys or null"}
        for name, inner in properties.items():
            yield from _leaves(inner, schema, (*key, name), name in whole.get("required", ()))
        return
    values = [whole.get("additionalProperties"), *whole.get("patternProperties", {}).values()]
    if several := [one for one in values if isinstance(one, Mapping) and _resolved(one, schema).get("properties")]:
        yield from _leaves(several[0], schema, (*key, NAME))
        return
    yield key, {**one, "required": required, "words": _words(one, schema)}
    for other in one.get("anyOf", one.get("oneOf", ())):  # a text, or keys of its own
        if _resolved(other, schema).get("properties"):
            yield from _leaves(other, schema, key)


def _resolved(one: Schema, schema: Schema) -> Schema:
    """What a reference stands for; of several, the only one that is not null."""
    if "$ref" in one:
        return {**schema["$defs"][one["$ref"].rpartition("/")[2]], **{k: v for k, v in one.items() if k != "$ref"}}
    several = [other for other in one.get("anyOf", ()) if other.get("type") != "null"]
    return _resolved(several[0], schema) if len(several) == 1 else one


def _words(one: Schema, schema: Schema) -> str:
    """A type as a person reads it."""
    if several := one.get("anyOf", one.get("oneOf")):
        return " or ".join(dict.fromkeys(_words(other, schema) for other in several))
    whole = _resolved(one, schema)
    if "const" in whole:
        return f"`{whole['const']}`"
    if "enum" in whole:
        return " or ".join(f"`{value}`" for value in whole["enum"])
    kind = whole.get("type", "object")
    if kind == "array":
        return "list of " + _words(whole.get("items", {"type": "string"}), schema)
    if kind == "object":
        return "keys"
    plain = {"string": "secret" if whole.get("format") == "password" else "text", "null": "null"}
    bounds = ", ".join(f"{word} {whole[bound]}" for bound, word in _BOUNDS.items() if bound in whole)
    return plain.get(kind, kind) + (f", {bounds}" if bounds else "")


def _default(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n").removesuffix("\n...").strip()


def _const(found: Schema) -> object:
    return found.get("properties", {}).get("type", {}).get("const")


def _link(kind: str) -> str:
    return f"[{kind}](warehouses/{kind}.md)"


def _description(one: Schema, schema: Schema) -> str:
    """What the model says of itself, or that of each entry."""
    whole = _resolved(one, schema)
    others = whole.get("patternProperties", {}).values()
    said = [whole.get("description", ""), *(_resolved(other, schema).get("description", "") for other in others)]
    return next(filter(None, said), "")
