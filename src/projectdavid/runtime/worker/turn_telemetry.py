"""Reports model calls and calls of platform tools, once each, after their outcome is committed."""

from dataclasses import dataclass

from projectdavid.engine.deltas import TokenUsage
from projectdavid.engine.inputs import ModelFailed, ModelReplied, RunExpired, RunInput, WorkAborted
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.runtime.runs.driver import Cost, RunDecision
from projectdavid.runtime.worker.turn import ModelCall, TurnOutcome
from projectdavid.runtime.worker.turn_spans import build_turn_span


@dataclass(frozen=True, slots=True)
class TurnTelemetry:
    """Counts model calls: times, tokens, costs and errors."""

    telemetry: Telemetry
    cost: Cost

    def record(self, decision: RunDecision, outcome: TurnOutcome) -> None:
        """Record the call that `decision` asked for, if a request was sent."""
        metrics, run_input = self.telemetry.metrics, outcome.run_input
        if isinstance(run_input, ModelFailed):
            metrics.model_errors.add(1, run_input.failure.code)
        call = outcome.call
        if call is None:
            return
        # Callers choose the names of models, so only those that replied have series.
        names = metrics.models
        model = names.admit(call.source) if isinstance(run_input, ModelReplied) else names.label(call.source)
        metrics.model_turns.observe(call.ended_at - call.sent_at, model, outcome_of(run_input))
        if call.first_at is not None:
            metrics.first_token.observe(call.first_at - call.sent_at, model)
        if usage := usage_of(run_input):
            self._record_usage(model, call, usage)
        if self.telemetry.is_tracing:
            self.telemetry.emit(build_turn_span(self.telemetry, decision, call, run_input, usage))

    def _record_usage(self, model: str, call: ModelCall, usage: TokenUsage) -> None:
        metrics = self.telemetry.metrics
        kinds = {
            "input": usage.prompt_tokens,
            "cached": usage.cached_tokens,
            "output": usage.completion_tokens,
            "reasoning": usage.reasoning_tokens,
        }
        for kind, amount in kinds.items():
            if amount:
                metrics.tokens.add(amount, model, kind)
        if cost := self.cost(call.source, usage):
            metrics.cost.add(cost / 1e6, model)


def outcome_of(run_input: RunInput) -> str:
    """Return the outcome of a model call as a word: `ok`, `error`, `expired` or `aborted`."""
    match run_input:
        case ModelReplied():
            return "ok"
        case RunExpired():
            return "expired"
        case WorkAborted():
            return "aborted"
        case _:
            return "error"


def usage_of(run_input: RunInput) -> TokenUsage | None:
    """Return the usage of a model call; None if it was not charged."""
    match run_input:
        case ModelReplied(reply):
            return reply.usage
        case ModelFailed() | WorkAborted() | RunExpired():
            return run_input.spent
        case _:
            return None
