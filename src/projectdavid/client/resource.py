"""Base class of the method groups: suggests a method if a name is unknown."""

from difflib import get_close_matches
from typing import Any

SYNONYMS = {
    "add": "create",
    "all": "list",
    "get": "retrieve",
    "fetch": "retrieve",
    "modify": "update",
    "edit": "update",
    "remove": "delete",
    "destroy": "delete",
    "iter": "list",
}
"""Verbs of other SDKs, with ours."""


class MethodGroup:
    """A group of methods; its verbs are `create`, `retrieve`, `update`, `delete` and `list`."""

    def __getattr__(self, name: str) -> Any:
        """Reject an unknown name, and suggest a known one.

        Raises:
            AttributeError: always; names the closest method.
        """
        message = f"{type(self).__name__!r} has no attribute {name!r}"
        names = [known for known in dir(type(self)) if not known.startswith("_")]
        verb = name.partition("_")[0]
        near = [known for known in (verb, SYNONYMS.get(verb), *get_close_matches(name, names)) if known in names]
        if near and not name.startswith("_"):
            message += f"; did you mean {near[0]!r}?"
        raise AttributeError(message, name=name, obj=self)
