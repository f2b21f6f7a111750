"""Analysis of a JSON Schema: its subschemas, its references, and the cost of validation.

Validation can take exponential time: a definition that refers to the next one twice doubles the work with each step,
and a recursive one with each level of the value. It holds the interpreter and cannot be interrupted, so its cost is
limited before it starts.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

Path = tuple[str | int, ...]
Schema = dict[str, Any]

NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"})
"""Keywords with a schema per name."""
IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"})
"""Keywords whose schemas apply to the same value."""
DEFINITIONS = frozenset({"$defs", "definitions"})
"""Keywords whose schemas apply only through references."""
OF_CHILDREN = frozenset(
    {
        *("properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "propertyNames"),
        *("prefixItems", "items", "additionalItems", "contains", "unevaluatedItems"),
    }
)
"""Keywords whose schemas apply to parts of the value."""
SUBSCHEMAS = IN_PLACE | DEFINITIONS | OF_CHILDREN
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
URI = "#/%~!$&'()*+,;=:@?"
"""Characters of a reference, besides letters and digits, that need no escape in a URI."""
UNEVALUATED = frozenset({"unevaluatedProperties", "unevaluatedItems"})
"""Keywords for which a validator applies the in-place schemas a second time."""
MAX_PATTERNS = 64
"""Regular expressions per schema."""
MAX_NESTING = 200
"""Nested subschemas, with references followed."""
MAX_VISITS = 200_000
"""Pairs of schema and value above which a value counts as too complex."""


class InvalidSchema(Exception):
    """A schema that cannot be used; `path` is the location of the fault."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


class TooComplex(Exception):
    """Validating this value can take too long."""


def list_subschemas(schema: Schema) -> Iterator[tuple[str, Path, Schema]]:
    """Yield the direct subschemas of a schema: keyword, relative path, and subschema."""
    for keyword, value in schema.items():
        if keyword not in SUBSCHEMAS:
            continue
        if keyword in NAMED:
            inner = [((keyword, name), one) for name, one in value.items()] if isinstance(value, dict) else []
        elif isinstance(value, list):
            inner = [((keyword, index), one) for index, one in enumerate(value)]
        else:
            inner = [((keyword,), value)]
        for path, one in inner:
            if isinstance(one, dict):
                yield keyword, path, one


class SchemaGraph:
    """A schema with resolved references.

    Raises:
        InvalidSchema: a reference is broken or external, or the schema is nested too deeply.
    """

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._anchors: dict[str, Schema] = {}
        self._targets: dict[int, list[Schema]] = {}
        self._seen: set[int] = set()
        self._patterns = 0
        self._resolve()
        self.cost = self._measure(root, {}, ())
        """Maximum validation steps for one value; None if the schema is recursive, so the value decides."""

    def count_steps(self, value: Any) -> int:
        """Return the maximum validation steps for a value.

        Raises:
            TooComplex: too many to count.
        """
        return self._count(self._root, value, {}, 0)

    def build_uris(self) -> Schema:
        """Return the schema with valid URIs as references: users write `#/$defs/é`, where a URI needs `%C3%A9`."""
        return self._rebuild(self._root)

    def _rebuild(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._rebuild(one) for one in value]
        if not isinstance(value, dict):
            return value
        rebuilt = {name: self._rebuild(one) for name, one in value.items()}
        if id(value) in self._seen:
            rebuilt |= {name: quote(rebuilt[name], safe=URI) for name in REFERENCES if name in rebuilt}
        return rebuilt

    # References

    def _resolve(self) -> None:
        references = deque[tuple[Path, str, Schema]]()
        self._visit((), self._root, references)
        while references:
            path, keyword, schema = references.popleft()
            target_path, target = self._find(schema[keyword], (*path, keyword))
            if isinstance(target, dict):
                self._targets.setdefault(id(schema), []).append(target)
                self._visit(target_path, target, references)

    def _visit(self, start: Path, root: Schema, references: deque[tuple[Path, str, Schema]]) -> None:
        """Visit all new subschemas; collects anchors and references."""
        waiting = deque([(start, root)])
        while waiting:
            path, schema = waiting.popleft()
            if id(schema) in self._seen:
                continue
            self._seen.add(id(schema))
            if path and (isinstance(schema.get("$id"), str) or self._has_old_id(schema)):
                raise InvalidSchema((*path, "$id"), "expected no '$id' inside a schema; use '$defs' and '$ref'")
            for keyword in ("$anchor", "$dynamicAnchor"):
                if isinstance(schema.get(keyword), str):
                    self._anchors.setdefault(schema[keyword], schema)
            references += [(path, keyword, schema) for keyword in REFERENCES if keyword in schema]
            self._count_patterns(path, schema)
            waiting += [((*path, *inner), one) for _, inner, one in list_subschemas(schema)]

    def _has_old_id(self, schema: Schema) -> bool:
        return isinstance(schema.get("id"), str) and "draft-04" in str(self._root.get("$schema"))

    def _count_patterns(self, path: Path, schema: Schema) -> None:
        named = schema.get("patternProperties")
        self._patterns += ("pattern" in schema) + (len(named) if isinstance(named, dict) else 0)
        if self._patterns > MAX_PATTERNS:
            raise InvalidSchema(path, f"expected a schema of at most {MAX_PATTERNS} regular expressions")

    def _find(self, reference: Any, path: Path) -> tuple[Path, Any]:
        if not isinstance(reference, str):
            raise InvalidSchema(path, "expected a string")
        if not reference.startswith("#"):
            raise InvalidSchema(
                path,
                "expected a reference within this schema, such as '#/$defs/name'; the server does not fetch schemas",
            )
        pointer = unquote(reference[1:])
        if pointer and not pointer.startswith("/"):
            if pointer not in self._anchors:
                raise InvalidSchema(
                    path, f"expected a reference to a part of this schema; '{reference}' does not exist"
                )
            return path, self._anchors[pointer]
        found: Any = self._root
        steps: list[str | int] = []
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            step = int(name) if isinstance(found, list) and name.isascii() and name.isdigit() else name
            found = _get(found, step)
            if found is None:
                raise InvalidSchema(
                    path, f"expected a reference to a part of this schema; '{reference}' does not exist"
                )
            steps.append(step)
        if not isinstance(found, dict | bool):
            raise InvalidSchema(path, f"expected a reference to a schema; '{reference}' is not one")
        return tuple(steps), found

    # Costs

    def _measure(self, schema: Schema, known: dict[int, int | None], above: tuple[int, ...]) -> int | None:
        """Return the steps for one value of any type, all subschemas together; None if the schema is recursive."""
        if id(schema) in above:
            return None
        if id(schema) in known:
            return known[id(schema)]
        if len(above) > MAX_NESTING:
            raise InvalidSchema((), f"expected a schema of at most {MAX_NESTING} levels, references followed")
        total: int | None = _weigh(schema)
        below = [one for keyword, _, one in list_subschemas(schema) if keyword not in DEFINITIONS]
        for one in (*below, *self._targets.get(id(schema), ())):
            steps = self._measure(one, known, (*above, id(schema)))
            total = None if steps is None or total is None else total + steps * _times(schema)
        known[id(schema)] = total
        return total

    def _count(self, schema: Schema, value: Any, known: dict[tuple[int, int], int], depth: int) -> int:
        key = (id(schema), id(value))
        if key in known:
            return known[key]
        if len(known) > MAX_VISITS or depth > MAX_NESTING * 2:
            raise TooComplex
        known[key] = 0  # a schema that refers to itself in place is followed once
        total, times = _weigh(schema), _times(schema)
        for target in self._targets.get(id(schema), ()):
            total += times * self._count(target, value, known, depth + 1)
        for keyword, path, one in list_subschemas(schema):
            if keyword in IN_PLACE:
                total += times * self._count(one, value, known, depth + 1)
            elif keyword in OF_CHILDREN:
                for child in _children(keyword, path[-1], value):
                    total += self._count(one, child, known, depth + 1)
        known[key] = total
        return total


def _get(container: Any, step: str | int) -> Any:
    """Return the value at a step of a JSON pointer, or None."""
    if isinstance(container, dict):
        return container.get(step)
    if isinstance(container, list) and isinstance(step, int) and step < len(container):
        return container[step]
    return None


def _weigh(schema: Schema) -> int:
    return 1 + sum(len(value) for value in schema.values() if isinstance(value, list | dict))


def _times(schema: Schema) -> int:
    return 3 if UNEVALUATED & schema.keys() else 1


def _children(keyword: str, name: str | int, value: Any) -> list[Any]:
    """Return the parts of a value to which a subschema can apply."""
    if isinstance(value, dict):
        if keyword == "properties":
            return [value[name]] if name in value else []
        return list(value) if keyword == "propertyNames" else list(value.values())
    if not isinstance(value, list):
        return []
    if isinstance(name, int):
        return value[name : name + 1]
    return value
