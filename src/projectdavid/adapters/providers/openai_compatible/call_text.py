"""Parses function calls that a model wrote as text, because its server has no parser for the model's template.

Sources: the chat templates of Hermes, Qwen, GLM, Llama, Mistral, DeepSeek, Kimi, MiniMax, Seed, Granite and Nemotron.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

WrittenCall = tuple[str, str]
"""The name of a function and its arguments as JSON text."""
Offered = Mapping[str, Any]
"""The names of the functions that a request offers, with the JSON schemas of their arguments."""

CALL_TAGS = (
    ("<tool_call>", "</tool_call>"),
    ("<function=", "</function>"),
    ("<seed:tool_call>", "</seed:tool_call>"),
    ("<minimax:tool_call>", "</minimax:tool_call>"),
    ("<TOOLCALL>", "</TOOLCALL>"),
    ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
    ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),  # noqa: RUF001 - the tokens of DeepSeek
    *((opening, "") for opening in ("[TOOL_CALLS]", "<|tool_call|>", "<|python_tag|>")),
)
"""Opening and closing tags of calls; without a closing tag, they extend to the end of the answer."""

_FUNCTION = re.compile(r"<function=([\w.:-]+)>(.*?)(?:</function>|$)", re.DOTALL)
_INVOKE = re.compile(r"<invoke name=[\"']?([\w.:-]+)[\"']?>(.*?)(?:</invoke>|$)", re.DOTALL)
_PARAMETER = re.compile(r"<parameter(?:=| name=)[\"']?([\w.:-]+)[\"']?>(.*?)(?:</parameter>|$)", re.DOTALL)
_PAIRS = re.compile(r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)(?:</arg_value>|$)", re.DOTALL)
_PAIRS_NAME = re.compile(r"\s*([\w.:-]+)\s*(?=<arg_key>|$)")
_TOKENS = (
    re.compile(
        r"<\|tool_call_begin\|>\s*([\w.:-]+)\s*<\|tool_call_argument_begin\|>(.*?)<\|tool_call_end\|>", re.DOTALL
    ),
    re.compile(
        r"<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?\s*([\w.:-]+)\s*(?:<｜tool▁sep｜>|\n)"  # noqa: RUF001
        r"(?:```json)?(.*?)(?:```)?\s*<｜tool▁call▁end｜>",  # noqa: RUF001
        re.DOTALL,
    ),
    re.compile(r"(?:\[TOOL_CALLS\])?\s*([\w.:-]+)(?:\[CALL_ID\]\w*)?\[ARGS\](.*?)(?=\[TOOL_CALLS\]|$)", re.DOTALL),
)
_UNREADABLE = (msgspec.DecodeError, UnicodeEncodeError, RecursionError)
_NAMES = ("name", "tool_name", "function")
_ARGUMENTS = ("arguments", "parameters", "args", "input")


def parse_calls(text: str, offered: Offered) -> list[WrittenCall]:
    """Return the calls in the text between two tags, or in a whole answer; empty if it contains anything else."""
    text = _inside(text)
    if text.startswith(("{", "[{")):
        return list(_read_objects(text))
    for pattern in (_FUNCTION, _INVOKE):
        if found := pattern.findall(text):
            return [(name, _tagged_arguments(body, offered.get(name))) for name, body in found]
    for pattern in _TOKENS:
        if found := pattern.findall(text):
            return [(name, body.strip() or "{}") for name, body in found if _is_object(body)]
    if name := _PAIRS_NAME.match(text):
        return [(name[1], _encode_arguments(_PAIRS.findall(text), offered.get(name[1])))]
    return []


def _inside(text: str) -> str:
    """Return a text without the tags around it; `<function=` is a part of its call."""
    for opening, closing in CALL_TAGS:
        if opening != "<function=" and text.startswith(opening):
            return text.removeprefix(opening).removesuffix(closing).strip()
    return text.strip()


def find_offered(name: str, offered: Offered) -> str:
    """Return the offered function that a name means: models add namespaces, counters and tokens of their template."""
    if name in offered:
        return name
    bare = name.partition("<|")[0].strip().rpartition(".")[2]
    bare = bare.removeprefix("default_api:")
    return next((one for one in (bare, bare.rpartition(":")[0]) if one in offered), name)


def _read_objects(text: str) -> Iterator[WrittenCall]:
    """Yield the calls in one or more JSON objects, or lists of them; nothing if one of them is not a call."""
    if text.startswith("{{") and text.endswith("}}"):
        text = text.replace("{{", "{").replace("}}", "}")
    lines = [text] if _decode(text) is not None else [line for line in text.splitlines() if line.strip()]
    calls: list[WrittenCall] = []
    for line in lines:
        found = _decode(line)
        for one in found if isinstance(found, list) else [found]:
            call = _read_object(one)
            if call is None:
                return
            calls.append(call)
    yield from calls


def _read_object(value: Any) -> WrittenCall | None:
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("function"), dict):
        value = value["function"]
    name = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), None)
    arguments = next((value[key] for key in _ARGUMENTS if key in value), {})
    if not name:
        return None
    return name, arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()


def _tagged_arguments(body: str, schema: Any) -> str:
    """Return the arguments in the body of a tagged call: parameters in tags, or a JSON object."""
    return body.strip() if _is_object(body) else _encode_arguments(_PARAMETER.findall(body), schema)


def _encode_arguments(pairs: list[tuple[str, str]], schema: Any) -> str:
    """Return arguments as JSON text; only arguments that are not strings in the schema are parsed."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    arguments: dict[str, Any] = {}
    for name, text in pairs:
        name, text = name.strip(), text.removeprefix("\n").removesuffix("\n")
        described = properties.get(name) if isinstance(properties, dict) else None
        is_text = isinstance(described, dict) and described.get("type") == "string"
        parsed = None if is_text else _decode(text)
        arguments[name] = text if parsed is None and text.strip() != "null" else parsed
    return msgspec.json.encode(arguments).decode()


def _is_object(text: str) -> bool:
    return text.lstrip().startswith("{") and isinstance(_decode(text), dict)


def _decode(text: str) -> Any:
    """Return the value of a JSON text; None if it is invalid."""
    try:
        return msgspec.json.decode(text.strip())
    except _UNREADABLE:
        return None
