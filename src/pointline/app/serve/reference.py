"""`/docs`: the interface as one HTML page, made of its OpenAPI description; no script, no CDN."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["page", "policy"]

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-top: 1px solid #8886; padding-top: 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem 1rem .3rem 0;
  border-bottom: 1px solid #8884; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { background: #8882; padding: .8rem; overflow-x: auto; }
"""

_Described = Mapping[str, Any]


def policy() -> str:
    """Return the page's Content-Security-Policy: its own style, and nothing else.

    >>> policy().count("sha256-")
    1
    """
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"


def page(described: _Described) -> str:
    """Return the page of an OpenAPI description."""
    about = described["info"]
    schemas = described["components"]["schemas"]
    body = [
        f"<h1>{escape(about['title'])} {escape(about['version'])}</h1>",
        *_paragraphs(about.get("description", "")),
        '<p><a href="openapi.json">openapi.json</a></p>',
    ]
    for path, methods in described["paths"].items():
        for method, told in methods.items():
            body += _operation(f"{method.upper()} {path}", told)
    body += ["<h2>Values</h2>"]
    for name, schema in schemas.items():
        body += _values(name, schema)
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(about['title'])}</title><style>{_STYLE}</style>\n" + "\n".join(body)
    )


def _operation(name: str, told: _Described) -> Iterator[str]:
    yield f"<h2><code>{escape(name)}</code></h2><p>{escape(told.get('summary', ''))}</p>"
    yield from _paragraphs(told.get("description", ""))
    for kind, content in told.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Send {_type(content['schema'])} as <code>{escape(kind)}</code>.</p>"
    rows = [
        (f"<code>{status}</code>", escape(answer["description"]), _contents(answer))
        for status, answer in told["responses"].items()
    ]
    yield _table(("status", "", "answer"), rows)


def _contents(answer: _Described) -> str:
    kinds = answer.get("content", {}).items()
    return "; ".join(
        " ".join((_type(content.get("schema", {})), f"<code>{escape(kind)}</code>"))
        for kind, content in kinds
    )


def _values(name: str, schema: _Described) -> Iterator[str]:
    yield f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3>'
    yield from _paragraphs(schema.get("description", ""))
    needed = schema.get("required", ())
    rows = [
        (
            f"<code>{escape(field)}</code>" + ("" if field in needed else " <i>(optional)</i>"),
            _type(told),
            escape(told.get("description", "")),
        )
        for field, told in schema.get("properties", {}).items()
    ]
    yield _table(("field", "type", ""), rows)


def _type(schema: _Described) -> str:
    """Return the name of a type, with a link to it where it is one of ours."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}"><code>{name}</code></a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(repr(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return escape(schema.get("type", "")) if "const" not in schema else escape(schema["const"])


def _paragraphs(text: str) -> list[str]:
    return [f"<p>{escape(part)}</p>" for part in text.split("\n\n") if part.strip()]


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    def line(cells: tuple[str, ...], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{cell}</{kind}>" for cell in cells) + "</tr>"

    return "<table>" + line(heads, "th") + "".join(line(row, "td") for row in rows) + "</table>"
