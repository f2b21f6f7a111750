"""Python functions as function tools: JSON Schema, validation of arguments, and output as text."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError

from projectdavid.client.docstrings import parse_docstring
from projectdavid.client.errors import InvalidInputError
from projectdavid.protocol.assistants import Effect, Function

MAX_OUTPUT = 256_000
"""The API's limit for an output, in characters."""
MAX_DESCRIPTION = 1024
EFFECT = "__effect__"
"""The function attribute that holds its effect."""

_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)
_PLAIN = (str, int, float, bool, list, dict, type(None))
_DESCRIBABLE = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class PythonTool:
    """A Python function that a model can call."""

    function: Callable[..., Any]
    definition: Function
    """The description for the model."""
    arguments: type[BaseModel]
    names: Mapping[str, str]
    """Maps the fields of `arguments` to the function's parameters."""
    effect: Effect | None = None
    """What a second call would do, if declared."""

    @property
    def name(self) -> str:
        """The name that the model calls."""
        return self.definition.name

    def as_tool(self) -> dict[str, Any]:
        """The entry in an assistant's or a run's `tools`."""
        entry: dict[str, Any] = {"type": "function", "function": self.definition.model_dump(exclude_none=True)}
        return entry if self.effect is None else {**entry, "effect": self.effect}

    def bind(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Convert a call's arguments to keyword arguments of the function's types.

        Raises:
            ValueError: they are invalid; the message explains to the model what to change.
        """
        try:
            values = self.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            faults = "; ".join(_fault(one) for one in error.errors(include_url=False))
            raise ValueError(f"invalid arguments of {self.name}: {faults}") from error
        return {self.names[field]: getattr(values, field) for field in values.model_fields_set}


def python_tool(function: Callable[..., Any], hidden: Collection[Any] = ()) -> PythonTool:
    """Describe a function from its type hints and its docstring.

    The first paragraph of the docstring is the description. Its parameters are described in Google, NumPy or reST
    style. A parameter with a default is not required. Models do not see parameters with a `hidden` annotation.

    Raises:
        InvalidInputError: the function has no name, takes `*args` or `**kwargs`, or has an unsupported type hint.
        ValueError: its name has more than 64 characters, or characters other than ASCII letters, digits, '_' and '-'.
    """
    name = getattr(function, "__name__", "")
    if not name.isidentifier():
        raise InvalidInputError(f"a function tool needs a name: use def instead of {function!r}")
    texts = parse_docstring(inspect.getdoc(function) or "")
    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    for number, parameter in enumerate(_parameters(name, function, hidden)):
        field = f"argument_{number}"  # Names such as "copy" or "_x" would collide with pydantic's own.
        names[field] = parameter.name
        fields[field] = _field(parameter, texts.parameters.get(parameter.name))
    try:
        model = create_model("Arguments", __config__=ConfigDict(extra="forbid", protected_namespaces=()), **fields)
        schema = _without_titles(model.model_json_schema())
    except PydanticUserError as error:
        raise InvalidInputError(f"{name}: a type hint cannot be converted to JSON Schema: {error.message}") from error
    schema.pop("description", None)
    definition = Function(name=name, description=texts.summary[:MAX_DESCRIPTION] or None, parameters=schema)
    return PythonTool(function, definition, model, names, getattr(function, EFFECT, None))


def effect(kind: Effect) -> Callable[[F], F]:
    """Declare what a second call of a function would do, as a decorator: `@effect("read")`.

    `read`: nothing, since it changes nothing. `idempotent`: nothing, given the same key. `unsafe`: the effect happens
    twice; this is the default.

    Raises:
        InvalidInputError: the effect is unknown.
    """
    if kind not in get_args(Effect):
        raise InvalidInputError(f"effect must be one of {', '.join(get_args(Effect))}, not {kind!r}")

    def mark(function: F) -> F:
        setattr(function, EFFECT, kind)
        return function

    return mark


def python_tools(functions: Iterable[Callable[..., Any]], hidden: Collection[Any] = ()) -> dict[str, PythonTool]:
    """Return the function tools by name; `hidden` is as for `python_tool`.

    Raises:
        InvalidInputError: as for `python_tool`; or two functions have the same name.
    """
    tools: dict[str, PythonTool] = {}
    for function in functions:
        tool = python_tool(function, hidden)
        if tool.name in tools:
            raise InvalidInputError(f"two function tools are named {tool.name}")
        tools[tool.name] = tool
    return tools


def merge_tools(tools: Mapping[str, PythonTool], others: Iterable[Any]) -> list[Any]:
    """Return the functions, and the other tools, without those that a function of the same name replaces.

    A function that replaces another one keeps its `require_approval`.
    """
    entries = list(others)
    gates = {_function_name(one): one["require_approval"] for one in entries if "require_approval" in one}
    kept = [one for one in entries if _function_name(one) not in tools]
    return [*kept, *(tool.as_tool() | _gate_of(gates.get(name)) for name, tool in tools.items())]


def _gate_of(requirement: Any) -> dict[str, Any]:
    return {} if requirement is None else {"require_approval": requirement}


def output_text(result: Any) -> str:
    """Convert a function's result to text for the model: strings unchanged, other values as JSON.

    Raises:
        ValueError, TypeError: it cannot be encoded as JSON.
    """
    text = result if isinstance(result, str) else _ANYTHING.dump_json(result).decode()
    text = text.replace("\0", "�").encode("utf-8", "replace").decode()
    if len(text) <= MAX_OUTPUT:
        return text
    note = f"\n[cut: the output has {len(text)} characters]"
    return text[: MAX_OUTPUT - len(note)] + note


def failure_text(error: Exception) -> str:
    """Return the text that the model receives for a failed call."""
    reason = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
    return output_text({"error": reason})


def _parameters(name: str, function: Callable[..., Any], hidden: Collection[Any]) -> list[inspect.Parameter]:
    try:
        parameters = [
            parameter
            for parameter in inspect.signature(function, eval_str=True).parameters.values()
            if parameter.annotation not in hidden
        ]
    except NameError as error:
        raise InvalidInputError(f"{name}: a type hint contains an unknown name: {error}") from error
    for parameter in parameters:
        if parameter.kind not in _DESCRIBABLE:
            raise InvalidInputError(f"{name}: the parameter {parameter} cannot be described to a model")
    return parameters


def _field(parameter: inspect.Parameter, text: str | None) -> tuple[Any, Any]:
    hint = Any if parameter.annotation is parameter.empty else parameter.annotation
    facts: dict[str, Any] = {"alias": parameter.name}
    if text:
        facts["description"] = text
    default = parameter.default
    if default is parameter.empty:
        return hint, Field(**facts)
    if isinstance(default, _PLAIN):
        return hint, Field(default, **facts)
    return hint, Field(default_factory=lambda: default, **facts)


def _fault(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    return f"{where}: {error['msg']}" if where else str(error["msg"])


def _without_titles(schema: Any) -> Any:
    """Remove the titles that pydantic generates from names: they cost tokens and add nothing."""
    if isinstance(schema, list):
        return [_without_titles(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key in ("properties", "$defs"):
            result[key] = {name: _without_titles(part) for name, part in value.items()}
        elif key in ("default", "enum", "const", "examples"):
            result[key] = value
        else:
            result[key] = _without_titles(value)
    return result


def _function_name(tool: Any) -> str | None:
    fields = tool.model_dump() if isinstance(tool, BaseModel) else tool
    return fields["function"]["name"] if isinstance(fields, dict) and fields.get("type") == "function" else None
