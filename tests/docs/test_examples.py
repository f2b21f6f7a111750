"""Every example of README.md and docs/ runs, and prints what the page shows."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.settings import ProviderSettings, Settings
from tests.docs.pages import ALL, EXAMPLES, ROOT, Block, blocks, prose, read, section
from tests.docs.running import Session
from tests.programs import require_programs

LANGUAGES = {"python", "json", "text", "sh", "toml", "mermaid"}
NEEDED = ("curl", "jq")
ASKING = ("curl", "$(projectdavid ")
PLAIN = {"python3 -m venv .venv", ". .venv/bin/activate"}


def is_run(block: Block) -> bool:
    """Shell blocks that ask the server are run; the others set things up, and are only looked at."""
    return block.language == "python" or (block.language == "sh" and any(word in block.text for word in ASKING))


@pytest.mark.parametrize(
    "page", [path for path in EXAMPLES if any(map(is_run, blocks(path)))], ids=lambda path: path.name
)
def test_the_examples_of_a_page_run_one_after_the_other_and_print_what_it_shows(
    page: Path, server: EmbeddedPlatform, tmp_path: Path
) -> None:
    found = blocks(page)
    if any(block.language == "sh" and is_run(block) for block in found):
        require_programs(*NEEDED)
    session = Session(server, tmp_path)
    try:
        for block in found:
            if block.mark == "printed":
                session.compare(block)
            elif block.language == "python":
                session.run_python(block)
            elif is_run(block):
                session.run_shell(block)
    finally:
        session.close()


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda path: path.name)
def test_blocks_are_of_a_kind_that_is_looked_at(page: Path) -> None:
    found = blocks(page)
    assert len(re.findall(r"^```", read(page), re.MULTILINE)) == 2 * len(found), "a block without a language"
    for before, block in zip([None, *found], found, strict=False):
        assert block.language in LANGUAGES, str(block)
        assert block.mark in ("", "printed"), str(block)
        if block.mark == "printed":
            assert before is not None
            assert is_run(before), f"{block} follows nothing that prints"
        elif block.language == "json":
            json.loads(block.text)


@pytest.mark.parametrize("block", [block for page in ALL for block in blocks(page) if block.language == "sh"], ids=str)
def test_commands_that_are_shown_exist(block: Block) -> None:
    if is_run(block):
        return
    for line in block.text.splitlines():
        assert is_known(line), f"{block}: {line}"


@pytest.mark.parametrize("page", ALL, ids=lambda path: path.name)
def test_commands_that_are_named_exist(page: Path) -> None:
    for line in re.findall(r"`((?:make |projectdavid |python scripts/)[^`|]*)`", prose(page)):
        assert is_known(line), line


def is_known(line: str) -> bool:
    """Whether a line of a shell can be typed by a reader."""
    words = shlex.split(line, comments=True)
    match words:
        case []:
            return True
        case ["make", *targets]:
            return all(re.search(rf"^{target}:", read(ROOT / "Makefile"), re.MULTILINE) for target in targets)
        case ["projectdavid", *rest]:
            return is_command(rest)
        case ["pip", "install", what]:
            extra = re.search(r"\[(\w+)\]", what)
            return what.startswith(".") and (not extra or extra[1] in extras())
        case ["python", script, *_]:
            return (ROOT / script).is_file()
        case ["export", assignment]:
            name = assignment.partition("=")[0]
            return f"`{name}`" in read(ROOT / "docs/settings.md") or is_nested(name)
        case _:
            return " ".join(words) in PLAIN


def is_command(words: list[str]) -> bool:
    """Whether the page of the commands, which is made from their help, has these words and options."""
    commands = [word for word in words if not word.startswith("-")]
    while commands and f"`projectdavid {' '.join(commands)}`\n" not in read(ROOT / "docs/commands.md"):
        commands.pop()
    text = section(ROOT / "docs/commands.md", f"`{' '.join(['projectdavid', *commands])}`")
    first = next((word for word in words if not word.startswith("-")), None)
    options = [word for word in words if word.startswith("-")]
    return (first is None or bool(commands)) and all(re.search(rf"\s{option}\b", text) for option in options)


def extras() -> set[str]:
    return set(tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["optional-dependencies"])


def is_of_a_package(block: Block) -> bool:
    """True for a part of a pyproject.toml, which is no file of settings."""
    return block.text.startswith("[project.")


def is_nested(name: str) -> bool:
    return name.partition("__")[0].removeprefix("PROJECTDAVID_").lower() in Settings.model_fields


@pytest.mark.parametrize(
    "block",
    [block for page in ALL for block in blocks(page) if block.language == "toml" and not is_of_a_package(block)],
    ids=str,
)
def test_settings_that_are_shown_are_settings(block: Block, home: Path) -> None:
    (home / "config.toml").write_text(block.text, "utf-8")
    shown = tomllib.loads(block.text)
    settings = Settings(data=home)
    for name, value in shown.items():
        assert name in Settings.model_fields, f"{block}: {name}"
        if name == "providers":
            for fields in value.values():
                assert fields.keys() <= ProviderSettings.model_fields.keys(), str(block)
            assert settings.providers.keys() == value.keys()
        else:
            assert settings.model_dump(mode="json", exclude_none=True)[name] == value
