"""Translates notebook syntax to Python: magics, shell commands, code fences and prompts.

Only code that Python cannot parse is rewritten, and only lines at the start of a statement: a line of a string that
looks like a command stays. Line numbers do not change.
"""

import re
from collections.abc import Callable

HANDLER = "__notebook__"
"""Name of the object that rewritten lines call; see `magics`."""
IN_PLACE = frozenset({"time", "capture", "prun"})
"""Cell magics whose body is Python that runs as ordinary code."""
_TOKEN = re.compile(
    r"""
    (?P<long>[A-Za-z]{0,2}(?P<quotes>\"{3}|'{3})(?:[^\\]|\\.)*?(?:(?P=quotes)|\Z))
    | (?P<short>\"(?:[^\"\\\n]|\\.)*\"? | '(?:[^'\\\n]|\\.)*'?)
    | (?P<comment>\#[^\n]*)
    | (?P<open>[(\[{])
    | (?P<close>[)\]}])
    | (?P<joined>\\\n)
    | (?P<end>\n)
    """,
    re.VERBOSE | re.DOTALL,
)
_CELL = re.compile(r"[ \t]*%%(?P<name>[A-Za-z_]\w*)[ \t]*(?P<rest>[^\n]*)\n?(?P<body>.*)", re.DOTALL)
_LINE = re.compile(
    r"""
    (?P<indent>[ \t]*)(?:(?P<target>[A-Za-z_][\w.,\ \[\]'\"]*?)[ \t]*=[ \t]*)?
    (?P<mark>!!?|%(?=[A-Za-z_]))(?P<rest>[^\n]*)
    """,
    re.VERBOSE,
)
_HELP = re.compile(
    r"(?P<indent>[ \t]*)(?:\?{1,2}[ \t]*(?P<before>[A-Za-z_][\w.]*)|(?P<after>[A-Za-z_][\w.]*)\?{1,2})[ \t;]*(?=\n|\Z)"
)
_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})[ \t]*(?P<language>[\w+#.-]*)[^\n`]*")
_SHELLS = frozenset({"bash", "sh", "shell", "zsh", "console", "terminal"})
_PROMPT = re.compile(r"(?:>>>|\.\.\.|In \[\d*\]:|\s+\.\.\.:) ?")
_ODD_BLANKS = re.compile("[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}\N{IDEOGRAPHIC SPACE}]")
_FULL_WIDTH = {ord(wide): ord(wide) - 0xFEE0 for wide in "（），：；＝［］｛｝＋－＊"}  # noqa: RUF001
"""Punctuation of Chinese and Japanese keyboards outside strings, with that of Python."""
_ESCAPES = {r"\n": "\n", r"\t": "\t", r"\"": '"', r"\'": "'", r"\\": "\\"}
_INVISIBLE = re.compile("[\N{ZERO WIDTH SPACE}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}]")


def to_python(source: str, parses: Callable[[str], bool]) -> str:
    """Return the source as Python; if it still cannot be parsed, as close to Python as possible."""
    if parses(source):
        return source
    source = source.replace("\r\n", "\n")
    bare = _without_fences(source)
    unescaped = _unescape(bare)
    for candidate in dict.fromkeys((source, bare, _without_indentation(bare), _without_prompts(bare), unescaped)):
        translated = _translate(candidate)
        if parses(translated):
            return translated
    return _translate(bare)


def _without_fences(source: str) -> str:
    """Keep only the code between fences, with empty lines for the rest; the whole source if it has no fences."""
    lines = source.split("\n")
    fences = [number for number, line in enumerate(lines) if _FENCE.fullmatch(line)]
    if not fences:
        return source
    first = next(number for number, line in enumerate(lines) if line.strip())
    opened = _FENCE.fullmatch(lines[fences[0]])
    language = opened["language"].lower() if opened else ""
    if fences[0] != first and not language:  # the end of a fence that was never opened
        return "\n".join("" if number in fences else line for number, line in enumerate(lines))
    ends = [*fences, len(lines)]
    inside = {n for start, end in zip(ends[::2], ends[1::2], strict=False) for n in range(start + 1, end)}
    kept = [line if number in inside else "" for number, line in enumerate(lines)]
    if language in _SHELLS:
        kept[fences[0]] = "%%bash"
    return "\n".join(kept)


def _without_indentation(source: str) -> str:
    """Remove the indentation of the first line from each line that has it."""
    found = re.match(r"(?:[ \t]*\n)*([ \t]+)\S", source)
    return source if found is None else re.sub(rf"^{found[1]}", "", source, flags=re.MULTILINE)


def _without_prompts(source: str) -> str:
    """Remove the prompts of an interpreter, and its output."""
    lines = source.split("\n")
    if not any(_PROMPT.match(line) for line in lines):
        return source
    return "\n".join(line[found.end() :] if (found := _PROMPT.match(line)) else "" for line in lines)


def _unescape(source: str) -> str:
    """Return code that was escaped twice, and therefore is one line, with its lines."""
    if "\n" in source.strip() or "\\n" not in source:
        return source
    return re.sub(r"\\[nt\"'\\]", lambda found: _ESCAPES[found[0]], source)


def _translate(source: str) -> str:
    """Replace magics and commands with calls, and spaces that Python does not accept."""
    done: list[str] = []
    at = 0
    while at < len(source):
        cell, line, asked = _CELL.match(source, at), _LINE.match(source, at), _HELP.match(source, at)
        if cell:
            done.append(_cell(cell))
            break
        if line and _is_at_start(line):
            text, at = _whole(source, line)
            done.append(_line(line, text))
        elif asked:
            done.append(f"{asked['indent']}{HANDLER}.help({asked['before'] or asked['after']!r})")
            at = asked.end()
        else:
            end = _end_of_statement(source, at)
            done.append(_clean_spaces(source, at, end))
            at = end
    return "".join(done)


def _is_at_start(line: re.Match[str]) -> bool:
    """Return True if the mark is not valid Python at this place; a possible target must be one."""
    target = line["target"]
    return target is None or re.fullmatch(r"[\w.]+(\[.*\])?(\s*,\s*[\w.]+(\[.*\])?)*\s*,?\s*", target) is not None


def _whole(source: str, line: re.Match[str]) -> tuple[str, int]:
    """Return a command with its continuation lines, and where it ends."""
    text, at = line["rest"], line.end()
    while text.endswith("\\") and at < len(source):
        end = source.find("\n", at + 1)
        end = len(source) if end < 0 else end
        text, at = text + source[at:end], end
    return text, at


def _line(line: re.Match[str], text: str) -> str:
    begin = line["indent"] + (f"{line['target']} = " if line["target"] else "")
    more = "\n" * text.count("\n")
    if line["mark"] == "%":
        name, _, rest = text.replace("\\\n", " ").partition(" ")
        return f"{begin}{HANDLER}.line({name!r}, {rest.strip()!r}){more}"
    method = "getoutput" if line["target"] or line["mark"] == "!!" else "system"
    return f"{begin}{HANDLER}.{method}({text.strip()!r}){more}"


def _cell(cell: re.Match[str]) -> str:
    name, rest, body = cell["name"], cell["rest"].strip(), cell["body"]
    if name in IN_PLACE:
        return f"{HANDLER}.begin({name!r}, {rest!r})\n{_translate(body)}"
    return f"{HANDLER}.cell({name!r}, {rest!r}, {body!r})" + "\n" * cell[0].count("\n")


def _end_of_statement(source: str, at: int) -> int:
    """Return the end of the line in which the statement that starts at `at` ends, outside strings and brackets."""
    depth = 0
    for token in _TOKEN.finditer(source, at):
        if token["open"]:
            depth += 1
        elif token["close"]:
            depth = max(0, depth - 1)
        elif token["end"] and depth == 0:
            return token.end()
    return len(source)


def _clean_spaces(source: str, start: int, end: int) -> str:
    """Replace unusual spaces and remove invisible characters in a statement, except in strings and comments."""
    parts: list[str] = []
    for token in _TOKEN.finditer(source, start, end):
        parts += [_plain(source[start : token.start()]), token[0]]
        start = token.end()
    return "".join([*parts, _plain(source[start:end])])


def _plain(code: str) -> str:
    return _INVISIBLE.sub("", _ODD_BLANKS.sub(" ", code)).translate(_FULL_WIDTH)
