"""Declaration of commands: each has a description and examples."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import typer

F = TypeVar("F", bound=Callable[..., Any])


def build_help(text: str, *examples: str, note: str = "") -> str:
    """Append examples to a help text; `\b` preserves their line breaks."""
    title = "Example:" if len(examples) == 1 else "Examples:"
    paragraphs = [" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n")]
    copied = "\n".join(["\b", title, *(f"  $ {example}" for example in examples)])
    return "\n\n".join([*paragraphs, copied] + ([note] if note else []))


def command(app: typer.Typer, name: str, *examples: str) -> Callable[[F], F]:
    """Register a function as a command; its docstring is the help text."""

    def declare(function: F) -> F:
        app.command(name, help=build_help(function.__doc__ or "", *examples))(function)
        return function

    return declare


def new_group(text: str, *examples: str) -> typer.Typer:
    """Create a command group."""
    return typer.Typer(help=build_help(text, *examples), no_args_is_help=True, pretty_exceptions_enable=False)


def group(app: typer.Typer, name: str, commands: typer.Typer) -> None:
    """Add a group to the command line."""
    app.add_typer(commands, name=name)
