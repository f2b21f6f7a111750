"""Builds requests to the Gemini API.

Source: Gemini API reference, "GenerateContent", "Function calling" and "Thinking".
"""

from typing import Any
from urllib.parse import quote

from projectdavid.adapters.providers.gemini.content_parts import build_contents
from projectdavid.adapters.providers.http.turns import group_turns
from projectdavid.adapters.providers.http.vendor_provider import (
    RequestRules,
    VendorRequest,
    find_options,
    format_instruction,
    left_out,
)
from projectdavid.engine.prompt import ModelRequest

Body = dict[str, Any]
LEVELS = {
    "none": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "XHIGH",
    "max": "XHIGH",
}
"""Thinking levels by effort."""
BUDGETS = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576, "max": 24_576}
"""Thinking budgets by effort, for models without levels."""


def model_path(model: str) -> str:
    """Return the path of a model; a name without a collection is one of `models/`."""
    name = model if "/" in model else f"models/{model}"
    return quote(name, safe="/")


def build_body(ask: ModelRequest, rules: RequestRules, url: str) -> VendorRequest:
    """Return the streaming request."""
    omit = rules.omit
    options = {name: value for name, value in find_options(ask).items() if name not in omit}
    system, turns = group_turns(ask.messages)
    config = _sampling(ask, options, rules.max_output)
    if "response_format" in options:
        config |= _format(options["response_format"])
    elif instruction := format_instruction(ask.response_format):
        system = f"{system}\n\n{instruction}" if system else instruction
    body: Body = {"contents": build_contents(turns, images="images" not in omit)}
    request = VendorRequest(url, body)
    if system:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    if "tools" in options:
        body["tools"] = [{"functionDeclarations": [_function(tool) for tool in ask.tools]}]
        if mode := _calling_mode(options):
            body["toolConfig"] = {"functionCallingConfig": mode}
        if "parallel_tool_calls" in options:
            request.warnings.append(left_out(ask.model, "parallel_tool_calls"))
    sent = [*options]
    if "reasoning_effort" in options:
        config["thinkingConfig"] = _thinking(options["reasoning_effort"], omit)
        sent.append("thinking_level")
    if config:
        body["generationConfig"] = config
    request.sent = tuple(sent)
    return request


def _sampling(ask: ModelRequest, options: Body, most: int | None) -> Body:
    limit = ask.max_tokens if ask.max_tokens is None or most is None else min(ask.max_tokens, most)
    fields = {"maxOutputTokens": limit, "temperature": options.get("temperature"), "topP": options.get("top_p")}
    return {name: value for name, value in fields.items() if value is not None}


def _format(asked: Body) -> Body:
    fields: Body = {"responseMimeType": "application/json"}
    if asked.get("type") == "json_schema":
        fields["responseJsonSchema"] = asked["json_schema"]["schema"]
    return fields


def _function(tool: Body) -> Body:
    function: Body = {"name": tool["name"]}
    if tool.get("description"):
        function["description"] = tool["description"]
    if isinstance(tool.get("parameters"), dict) and tool["parameters"].get("properties") != {}:
        parameters = tool["parameters"]
        function["parametersJsonSchema"] = parameters if "type" in parameters else {"type": "object", **parameters}
    return function


def _calling_mode(options: Body) -> Body:
    match options.get("tool_choice"):
        case "none":
            return {"mode": "NONE"}
        case "required":
            return {"mode": "ANY"}
        case {"function": {"name": str(name)}}:
            return {"mode": "ANY", "allowedFunctionNames": [name]}
        case _:
            # Calls are then held against their schemas.
            return {"mode": "VALIDATED"} if "strict" in options else {}


def _thinking(effort: str, omit: frozenset[str]) -> Body:
    shown = {"includeThoughts": effort != "none"}
    if "thinking_level" in omit:
        return {**shown, "thinkingBudget": BUDGETS[effort]}
    return {**shown, "thinkingLevel": LEVELS[effort]}
