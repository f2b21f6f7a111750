"""Learns from rejected requests which optional parts a model does not accept; later requests omit them.

A lesson costs one rejected request, which no provider bills, and applies to the model until the process ends.
"""

import re
from collections.abc import Mapping, Sequence

from projectdavid.adapters.providers.http.client import Refusal

MAX_LESSONS = 6
"""Maximum lessons per request; the request is sent again after each."""
_TEACHING_STATUSES = frozenset({400, 404, 422, 500})
_REFUSES = re.compile(
    r"unsupported|not supported|does ?n[o']t support|unrecogni[sz]ed|unknown|extra inputs|not permitted|not allowed"
    r"|unexpected|cannot (?:both )?be|only the default|cannot find field|invalid (?:parameter|argument|field|value)"
    r"|not available|not enabled|must be verified|deprecated|may only be|must be (?:one of|set|unset|1)|incompatible"
    r"|does ?n[o']t accept",
    re.IGNORECASE,
)
NO_IMAGES = r"image input|does ?n[o']t support (?:images?|vision|multi ?modal)|images?.{0,40}not (?:supported|allowed)"
"""Texts of models that cannot see images."""


class OptionLessons:
    """The options that each model does not accept.

    `patterns` maps options to regular expressions for the names under which errors mention them. Of several options
    that an error mentions, the first one is omitted.
    """

    def __init__(self, patterns: Mapping[str, str]) -> None:
        self._patterns = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in patterns.items()}
        self._omitted: dict[str, tuple[str, ...]] = {}

    def omitted(self, model: str) -> frozenset[str]:
        """Return the options that a model does not accept."""
        return frozenset(self._omitted.get(model, ()))

    def learn(self, model: str, refusal: Refusal, sent: Sequence[str]) -> str | None:
        """Return the option of `sent` that an error rejects, which is omitted from now on; None if there is no such."""
        if refusal.status not in _TEACHING_STATUSES or refusal.failure.context is not None:
            return None
        if not _REFUSES.search(refusal.text):
            return None
        known = self._omitted.get(model, ())
        for name, pattern in self._patterns.items():
            if name in sent and name not in known and pattern.search(refusal.text):
                self._omitted[model] = (*known, name)
                return name
        return None

    def describe(self, model: str) -> tuple[str, ...]:
        """Return the lessons as phrases for the operator."""
        return tuple(f"does not accept '{name}'" for name in self._omitted.get(model, ()))
