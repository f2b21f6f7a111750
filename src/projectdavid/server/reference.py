"""The pages at `/docs`, of the server and of its dialect: the OpenAPI description as plain HTML that loads nothing."""

from html import escape
from typing import Any

from fastapi import Response

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; color: #1a1a1a; }
h1 { margin-bottom: 0; } h2 { border-bottom: 1px solid #ddd; margin-top: 2.5rem; text-transform: capitalize; }
details { border: 1px solid #ddd; border-radius: 6px; margin: .4rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; } code, .verb { font: 13px/1.5 ui-monospace, monospace; }
.verb { display: inline-block; min-width: 4.5em; font-weight: 700; } .note { color: #666; }
table { border-collapse: collapse; width: 100%; } td, th { border-top: 1px solid #eee; padding: .25rem .5rem;
text-align: left; vertical-align: top; }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #e6e6e6; } details, td, th, h2
{ border-color: #3a3a3a; } .note { color: #aaa; } }
"""


def reference_answer(schema: dict[str, Any]) -> Response:
    """The page, in which nothing runs."""
    headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Response(_page(schema), media_type="text/html", headers=headers)


def _page(schema: dict[str, Any]) -> str:
    groups: dict[str, list[str]] = {}
    for path, methods in schema["paths"].items():
        for verb, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(schema, verb, path, operation))
    links = " · ".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in groups)
    body = "".join(f'<h2 id="{escape(name)}">{escape(name)}</h2>{"".join(items)}' for name, items in groups.items())
    info = schema["info"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])} API</title><style>{STYLE}</style>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f'<p class="note">{escape(info.get("summary", ""))} Send your key as {_keys(schema)}. '
        f'The same as data: <a href="openapi.json">openapi.json</a></p>'
        f"<p>{links}</p>{body}</html>"
    )


def _keys(schema: dict[str, Any]) -> str:
    """How a key is sent."""
    schemes = schema["components"]["securitySchemes"].values()
    sent = (scheme["name"] if scheme["type"] == "apiKey" else "Authorization: Bearer" for scheme in schemes)
    return " or ".join(f"<code>{escape(one)}</code>" for one in sent)


def _operation(schema: dict[str, Any], verb: str, path: str, operation: dict[str, Any]) -> str:
    text = escape(operation.get("description", ""))
    rows = [
        (parameter["name"], parameter["in"], parameter.get("required", False), parameter.get("schema", {}))
        for parameter in operation.get("parameters", ())
    ]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = _resolved(schema, content.get("schema", {}))
    required = body.get("required", ())
    rows += [(name, "body", name in required, field) for name, field in body.get("properties", {}).items()]
    answers = ", ".join(
        f"<code>{escape(status)}</code> {escape(answer.get('description', ''))}"
        for status, answer in operation["responses"].items()
    )
    return (
        f'<details><summary><span class="verb">{verb.upper()}</span> <code>{escape(path)}</code> '
        f'<span class="note">{escape(operation.get("summary", ""))}</span></summary><p>{text}</p>'
        f'{_table(schema, rows)}<p class="note">{answers}</p></details>'
    )


def _table(schema: dict[str, Any], rows: list[tuple[str, str, bool, dict[str, Any]]]) -> str:
    if not rows:
        return ""
    cells = "".join(
        f"<tr><td><code>{escape(name)}</code>{' *' if required else ''}</td><td>{escape(place)}</td>"
        f"<td>{escape(_type(schema, field))}</td><td>{escape(field.get('description', ''))}</td></tr>"
        for name, place, required, field in rows
    )
    return f"<table><tr><th>Name</th><th>In</th><th>Type</th><th></th></tr>{cells}</table>"


def _resolved(schema: dict[str, Any], field: dict[str, Any]) -> dict[str, Any]:
    """What a reference refers to; of a choice with null, the other branch."""
    if "$ref" in field:
        return schema["components"]["schemas"][field["$ref"].rsplit("/", 1)[1]]
    branches = [branch for branch in field.get("anyOf", ()) if branch.get("type") != "null"]
    return _resolved(schema, branches[0]) if len(branches) == 1 and "$ref" in branches[0] else field


def _type(schema: dict[str, Any], field: dict[str, Any]) -> str:
    if "anyOf" in field or "oneOf" in field:
        return " | ".join(_type(schema, branch) for branch in field.get("anyOf") or field["oneOf"])
    if "$ref" in field:
        return field["$ref"].rsplit("/", 1)[1]
    if "enum" in field or "const" in field:
        return " | ".join(repr(value) for value in field.get("enum", [field.get("const")]))
    kind = field.get("type", "any")
    if kind == "array":
        return f"array of {_type(schema, field.get('items', {}))}"
    low, high = field.get("minimum", field.get("minLength")), field.get("maximum", field.get("maxLength"))
    bounds = (
        f" {'' if low is None else low}-{'' if high is None else high}" if low is not None or high is not None else ""
    )
    default = f" = {field['default']!r}" if field.get("default") is not None else ""
    return f"{kind}{bounds}{default}"
