"""A report on the settings in force: each value, and where it came from. Secrets are reported as `set`."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Secret, SecretStr

from projectdavid.settings import Settings

SET = "set"
"""Stands for the value of a secret."""
FREE = frozenset({"headers", "extra_body"})
"""Fields of providers with names and values of the operator, which can be secrets."""
USERINFO = re.compile(r"(?<=://)[^/?#@]*@")
"""User name and password in a URL."""


def describe_settings(settings: Settings) -> list[dict[str, Any]]:
    """Return every setting in the order of the reference: name, value, default, source and environment variable."""
    return [_describe(settings, name) for name in Settings.model_fields]


def _describe(settings: Settings, name: str) -> dict[str, Any]:
    default = Settings.model_fields[name].get_default(call_default_factory=True, validated_data={})
    value, source = getattr(settings, name), settings.find_source(name)
    if name == "providers" and (in_force := settings.all_providers()) != value:
        value, source = in_force, "environment" if source == "default" else source
    return {
        "name": name,
        "value": _to_shown(value),
        "default": _to_shown(default),
        "source": source,
        "variable": f"PROJECTDAVID_{name.upper()}",
    }


def _to_shown(value: Any) -> Any:
    """Convert a value to JSON, without secrets."""
    match value:
        case SecretStr() | Secret():
            return SET
        case Path():
            return str(value)
        case str():
            return USERINFO.sub(f"{SET}@", value)
        case BaseModel():
            fields = {name: getattr(value, name) for name in type(value).model_fields}
            return {name: dict.fromkeys(one, SET) if name in FREE else _to_shown(one) for name, one in fields.items()}
        case Mapping():
            return {str(name): _to_shown(one) for name, one in value.items()}
        case Sequence():
            return [_to_shown(one) for one in value]
        case _:
            return value
