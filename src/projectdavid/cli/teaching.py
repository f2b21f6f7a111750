"""How commands are declared: each with what it does, and an example to copy."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import typer

F = TypeVar("F", bound=Callable[..., Any])


def taught(text: str, *examples: str, note: str = "") -> str:
    """A help text that ends with examples; `\b` keeps their lines apart."""
    title = "Example:" if len(examples) == 1 else "Examples:"
    paragraphs = [" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n")]
    copied = "\n".join(["\b", title, *(f"  $ {example}" for example in examples)])
    return "\n\n".join([*paragraphs, copied] + ([note] if note else []))


def command(app: typer.Typer, name: str, *examples: str) -> Callable[[F], F]:
    """Make a function a command; its docstring says what it does."""

    def declare(function: F) -> F:
        app.command(name, help=taught(function.__doc__ or "", *examples))(function)
        return function

    return declare


def new_group(text: str, *examples: str) -> typer.Typer:
    """Commands around one kind of thing."""
    return typer.Typer(help=taught(text, *examples), no_args_is_help=True, pretty_exceptions_enable=False)


def group(app: typer.Typer, name: str, commands: typer.Typer) -> None:
    """Put a group into the whole."""
    app.add_typer(commands, name=name)
