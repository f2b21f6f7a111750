"""Context windows of models, and the ratio of real to estimated tokens.

Sources in this order: the operator's settings; the provider's value, lowered by its errors; the catalog; the default.
Learned values stay in this process: another process learns them at the cost of one failed request.
"""

from collections.abc import Callable
from dataclasses import dataclass

from projectdavid.ports.model import ContextRefusal

SMALL_PROMPT = 1500
"""Tokens of a prompt that every model accepts: for less, the provider is not asked for its window."""
_LEAST_FACTOR, _MOST_FACTOR = 0.5, 4.0
_WEIGHT = 0.3
"""Weight of the latest report against the earlier ones."""
_MARGIN = 1.02
_SMALLEST = 512
_CUT_WITHOUT_LIMIT = 0.5


@dataclass(slots=True)
class _Learned:
    discovered: int | None = None
    asked: bool = False
    refused: int | None = None
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """The context window of a model in tokens, and the ratio of its token count to the estimate."""

    tokens: int
    factor: float = 1.0
    certain: bool = True
    """False until the provider was asked for it."""
    source: str = "settings"
    """`settings`, `provider`, `learned` (from an error), `catalog` or `default`."""


class ContextWindows:
    """The windows of all models.

    `configured` looks up settings, `published` the catalog; `default` applies to unknown models.
    """

    def __init__(
        self,
        configured: Callable[[str], int | None],
        default: int,
        published: Callable[[str], int | None] = lambda _: None,
    ) -> None:
        self._configured = configured
        self._published = published
        self._default = default
        self._learned: dict[str, _Learned] = {}

    def of(self, model: str) -> ContextWindow:
        """Return the window of a model, by its full name."""
        learned = self._learned.get(model) or _Learned()
        configured = self._configured(model)
        if configured is not None:
            return ContextWindow(configured, learned.factor)
        sources = {"learned": learned.refused, "provider": learned.discovered}
        known = [(tokens, source) for source, tokens in sources.items() if tokens is not None]
        if known:
            tokens, source = min(known)
            return ContextWindow(tokens, learned.factor, source=source)
        published = self._published(model)
        tokens, source = (self._default, "default") if published is None else (published, "catalog")
        return ContextWindow(tokens, learned.factor, certain=learned.asked, source=source)

    def discover(self, model: str, tokens: int | None) -> None:
        """Record a provider's facts about a model, and that it was asked."""
        learned = self._learned.setdefault(model, _Learned())
        learned.asked = True
        learned.discovered = tokens

    def refuse(self, model: str, estimated: int, refusal: ContextRefusal) -> None:
        """Learn from an error about a prompt of `estimated` tokens (as estimated for this model) that was too long.

        An error with the real size of the prompt corrects the estimate. One without a limit halves the rejected size,
        but not below what every model accepts: a wrong error must not make the model unusable.
        """
        learned = self._learned.setdefault(model, _Learned())
        plain = max(estimated / learned.factor, 1.0)
        if refusal.asked is not None:
            learned.factor = _clamp(refusal.asked / plain * _MARGIN)
        if refusal.limit is not None:
            learned.refused = max(refusal.limit, _SMALLEST)
            if refusal.asked is None and estimated <= refusal.limit:
                learned.factor = _clamp(refusal.limit / plain * 1.1)
        else:
            learned.refused = max(int((refusal.asked or estimated) * _CUT_WITHOUT_LIMIT), SMALL_PROMPT)

    def calibrate(self, model: str, estimated: int, reported: int) -> bool:
        """Correct the estimate by the token count that a provider reports.

        Returns False if the count is so low that the prompt must have been truncated; nothing is learned from that.
        """
        if estimated < SMALL_PROMPT or reported <= 0:
            return True
        learned = self._learned.setdefault(model, _Learned())
        ratio = reported / (estimated / learned.factor)
        if ratio < _LEAST_FACTOR:
            return reported < _SMALLEST  # no window is that small: the report omits something, such as a cache
        learned.factor = _clamp((1 - _WEIGHT) * learned.factor + _WEIGHT * ratio)
        return True


def _clamp(factor: float) -> float:
    return min(max(factor, _LEAST_FACTOR), _MOST_FACTOR)
