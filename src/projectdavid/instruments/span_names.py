"""Names of spans and of their attributes; `docs/observability.md` lists them.

They follow the conventions for generative AI (https://github.com/open-telemetry/semantic-conventions-genai), which are
in development: only this module changes with them. Our own attributes begin with `projectdavid.`.
"""

from typing import Final

INVOKE_AGENT: Final = "invoke_agent"
CHAT: Final = "chat"
EXECUTE_TOOL: Final = "execute_tool"
WEBHOOK: Final = "POST webhook"

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
AGENT_ID: Final = "gen_ai.agent.id"
CONVERSATION: Final = "gen_ai.conversation.id"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_STREAM: Final = "gen_ai.request.stream"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHED_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
TOOL_TYPE: Final = "gen_ai.tool.type"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOOL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_RESULT: Final = "gen_ai.tool.call.result"
ERROR: Final = "error.type"
METHOD: Final = "http.request.method"
ROUTE: Final = "http.route"
STATUS: Final = "http.response.status_code"
SERVER: Final = "server.address"
USER: Final = "user.id"
RUN_ID: Final = "projectdavid.run.id"
RUN_STATUS: Final = "projectdavid.run.status"
RUN_TURNS: Final = "projectdavid.run.turns"
TOOL_OUTCOME: Final = "projectdavid.tool.outcome"
TOOL_EFFECT: Final = "projectdavid.tool.effect"
DELIVERY_ID: Final = "projectdavid.delivery.id"
DELIVERY_ATTEMPT: Final = "projectdavid.delivery.attempt"
REQUEST_ID: Final = "projectdavid.request.id"

CONTENT: Final = frozenset({INPUT_MESSAGES, OUTPUT_MESSAGES, TOOL_ARGUMENTS, TOOL_RESULT})
"""Attributes with content, which are only recorded with the setting `trace_content`."""
SPANS: Final[dict[str, tuple[str, ...]]] = {
    "{method} {route}": (METHOD, ROUTE, STATUS, REQUEST_ID, ERROR),
    INVOKE_AGENT: (
        *(OPERATION, AGENT_ID, CONVERSATION, REQUEST_MODEL, USER, INPUT_TOKENS, OUTPUT_TOKENS),
        *(RUN_ID, RUN_STATUS, RUN_TURNS, ERROR),
    ),
    f"{CHAT} {{model}}": (
        *(OPERATION, PROVIDER, CONVERSATION, REQUEST_MODEL, REQUEST_TEMPERATURE, REQUEST_TOP_P, REQUEST_MAX_TOKENS),
        *(REQUEST_STREAM, FINISH_REASONS, FIRST_CHUNK, INPUT_TOKENS, OUTPUT_TOKENS, CACHED_TOKENS, REASONING_TOKENS),
        *(RUN_ID, INPUT_MESSAGES, OUTPUT_MESSAGES, ERROR),
    ),
    f"{EXECUTE_TOOL} {{tool}}": (
        *(OPERATION, TOOL_NAME, TOOL_CALL_ID, TOOL_TYPE, CONVERSATION, RUN_ID, TOOL_EFFECT, TOOL_OUTCOME),
        *(TOOL_ARGUMENTS, TOOL_RESULT, ERROR),
    ),
    WEBHOOK: (METHOD, STATUS, SERVER, RUN_ID, DELIVERY_ID, DELIVERY_ATTEMPT, ERROR),
}
"""All spans, each with all attributes that it can have."""
PROVIDERS: Final = {
    "azure": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
}
"""Well-known names of providers that differ from the usual name in the settings."""
