"""The settings of a server, as admins see them."""

from typing import Any, Literal

from projectdavid.protocol.base import Answer


class Setting(Answer):
    """A setting in force. Secrets have the value `set`."""

    name: str
    value: Any = None
    default: Any = None
    source: Literal["default", "flag", "environment", ".env", "config.toml"]
    """Where the value came from. Parts of a value with several can come from further ones."""
    variable: str
    """The environment variable that sets it."""


class SettingList(Answer):
    """All settings of a server."""

    settings: list[Setting]
