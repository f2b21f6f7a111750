"""How many tokens each model takes, and how many of them a text really costs there.

In this order: the operator's settings; what the provider says of the model, lowered by what it refused; the catalog;
the default.
What was learned stays in this process: another one learns it at the price of one refused request.
"""

from collections.abc import Callable
from dataclasses import dataclass

from projectdavid.ports.model import ContextRefusal

SMALL_PROMPT = 1500
"""Tokens of a prompt that every model takes: the provider is not asked for its window for less."""
_LEAST_FACTOR, _MOST_FACTOR = 0.5, 4.0
_WEIGHT = 0.3
"""Of the newest report, against those before it."""
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
class Window:
    """The room of a model in tokens, and how many tokens it counts where the estimate says one."""

    tokens: int
    factor: float = 1.0
    certain: bool = True
    """False while the provider was not asked how large it is."""
    source: str = "settings"
    """`settings`, `provider`, `learned` (from a refusal), `catalog` or `default`."""


class ContextWindows:
    """The windows of all models.

    `configured` finds that of a setting, `published` that of the catalog; `default` stands for unknown ones.
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

    def of(self, model: str) -> Window:
        """The window of a model, by its full name."""
        learned = self._learned.get(model) or _Learned()
        configured = self._configured(model)
        if configured is not None:
            return Window(configured, learned.factor)
        said = {"learned": learned.refused, "provider": learned.discovered}
        known = [(tokens, source) for source, tokens in said.items() if tokens is not None]
        if known:
            tokens, source = min(known)
            return Window(tokens, learned.factor, source=source)
        published = self._published(model)
        tokens, source = (self._default, "default") if published is None else (published, "catalog")
        return Window(tokens, learned.factor, certain=learned.asked, source=source)

    def discover(self, model: str, tokens: int | None) -> None:
        """Remember what the provider says of a model, and that it was asked."""
        learned = self._learned.setdefault(model, _Learned())
        learned.asked = True
        learned.discovered = tokens

    def refuse(self, model: str, estimated: int, said: ContextRefusal) -> None:
        """Learn from a prompt of `estimated` tokens (as estimated for this model) that was too long.

        A refusal that names the real size of the prompt corrects the estimate; one that names no limit halves what was
        refused, but not below what every model takes: a mistaken refusal must not shut the model.
        """
        learned = self._learned.setdefault(model, _Learned())
        plain = max(estimated / learned.factor, 1.0)
        if said.asked is not None:
            learned.factor = _bounded(said.asked / plain * _MARGIN)
        if said.limit is not None:
            learned.refused = max(said.limit, _SMALLEST)
            if said.asked is None and estimated <= said.limit:
                learned.factor = _bounded(said.limit / plain * 1.1)
        else:
            learned.refused = max(int((said.asked or estimated) * _CUT_WITHOUT_LIMIT), SMALL_PROMPT)

    def calibrate(self, model: str, estimated: int, reported: int) -> bool:
        """Correct the estimate by what a provider reports to have read.

        Returns False if it reports so few tokens that it must have cut the prompt; nothing is learned from that.
        """
        if estimated < SMALL_PROMPT or reported <= 0:
            return True
        learned = self._learned.setdefault(model, _Learned())
        ratio = reported / (estimated / learned.factor)
        if ratio < _LEAST_FACTOR:
            return reported < _SMALLEST  # no window is as small: the report leaves something out, such as a cache
        learned.factor = _bounded((1 - _WEIGHT) * learned.factor + _WEIGHT * ratio)
        return True


def _bounded(factor: float) -> float:
    return min(max(factor, _LEAST_FACTOR), _MOST_FACTOR)
