"""Records which source had a value for which setting."""

from contextvars import ContextVar
from typing import Any, Literal

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

SourceName = Literal["default", "flag", "environment", ".env", "config.toml"]

NAMES: dict[str, SourceName] = {
    "InitSettingsSource": "flag",
    "EnvSettingsSource": "environment",
    "DotEnvSettingsSource": ".env",
    "TomlConfigSettingsSource": "config.toml",
}
"""The sources by the names that pydantic gives them, the first one has precedence."""
_record: ContextVar[dict[SourceName, frozenset[str]] | None] = ContextVar("sources of the settings", default=None)


class SourceRecorder(PydanticBaseSettingsSource):
    """A source without values, which records those of the sources before it."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return no value."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Record the names of the values, and return none."""
        found = self.settings_sources_data
        record: dict[SourceName, frozenset[str]] = {}
        for source, name in NAMES.items():
            record[name] = frozenset(found.get(source, ()))
        _record.set(record)
        return {}


def take_record() -> dict[SourceName, frozenset[str]]:
    """Return what was recorded for the settings that are being built, once."""
    record = _record.get()
    _record.set(None)
    return record or {}
