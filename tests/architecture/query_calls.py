"""The calls of named queries in the source: which query, with which parameters, as far as the text says.

A call names its query by its handle, `queries.RUN`. Names, dictionaries and what functions return are followed within
the package. What depends on values of the running program stays open, and is named in `test_queries.py`.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from projectdavid.adapters.stores.queries import check_params
from projectdavid.adapters.stores.sqlite.queries import QUERIES
from projectdavid.ports import queries
from projectdavid.ports.store import PageQuery, Statement
from projectdavid.runtime.runs.decision_writer import MESSAGE_COLUMNS
from tests.architecture.modules import Function, Module, modules

READS = ("one", "all", "up_to")
RECEIVERS = frozenset({"view", "store", "_store", "of"})
"""What the reads `one`, `all` and `up_to` are asked of: `caller.view.one(...)`, `self._store.of(owner).all(...)`."""
OPERATIONS = {"Op": frozenset[str](), "ObjectUpdate": frozenset({"revision"})}
"""What takes a query and its parameters, and the parameters that are added to them."""
PAGED = frozenset({"limit", "after"})
"""What `page` gives to each query."""
HANDLES: Mapping[str, str] = {
    handle: value.name if isinstance(value, Statement) else value.asc.name.removesuffix(".asc")
    for handle, value in vars(queries).items()
    if isinstance(value, Statement | PageQuery)
}
"""The name of the query of each handle; that of a page is completed by its direction."""


@dataclass(frozen=True)
class Wrapper:
    """A function that calls a query for its callers, whose keywords become parameters beside those that it `adds`.

    `query` is the position of the query's name among the arguments, or the name itself.
    """

    query: int | str
    adds: frozenset[str] = frozenset()
    paged: bool = False
    """Whether it is one of the two directions of a page that is called."""
    drops: frozenset[str] = frozenset()
    """Keywords that are the function's own."""


MESSAGE = frozenset({"thread_id", "assistant_id", "meta_data", "attachments"})
STORE = frozenset({"id", "now", "name", "description", "expires_days", "vectors", "meta_data"})
WRAPPERS: Mapping[str, Wrapper] = {
    "runtime/runs/decision_writer.py:add": Wrapper(0),
    "runtime/runs/driver.py:add": Wrapper(0),
    "runtime/runs/decision_writer.py:_message": Wrapper(
        "message_keep",
        frozenset({"id", "thread", "now", "role", "content", "assistant_id", "run_id", *MESSAGE_COLUMNS}),
    ),
    "runtime/knowledge/ingest.py:_write": Wrapper(1, frozenset({"n", "lease"})),
    "runtime/knowledge/ingest.py:_take_lease": Wrapper(0, frozenset({"lease", "now", "until"})),
    "api/*:page": Wrapper(1, PAGED, paged=True),
    "api/*:page_after": Wrapper(1, PAGED, paged=True),
    "api/*:page_of_files": Wrapper(1, PAGED | {"store_id"}, paged=True),
    "api/openai/vector_store_files.py:_list_files": Wrapper(1, PAGED | {"store_id"}, paged=True),
    "api/*:message_op": Wrapper("message_insert", MESSAGE),
    "api/*:store_op": Wrapper("store_insert", STORE, drops=frozenset({"clash"})),
    "api/*:find": Wrapper(1, frozenset({"id"}), drops=frozenset({"param"})),
    "api/resources/attachment_checks.py:_find_owned": Wrapper(1, frozenset({"ids"})),
}
"""By module, or by room, and the function's name."""


@dataclass(frozen=True)
class Call:
    """One call; `queries` are all that it can mean. Empty, or `parameters` None: the text alone does not say."""

    place: str
    queries: tuple[str, ...]
    parameters: frozenset[str] | None

    def faults(self) -> Iterator[str]:
        """What is wrong with it."""
        for name in self.queries:
            if name not in QUERIES:
                yield f"{self.place}: there is no query '{name}'"
            elif self.parameters is not None:
                try:
                    check_params(name, QUERIES[name].parameters, self.parameters | {"owner"} & QUERIES[name].parameters)
                except TypeError as error:
                    yield f"{self.place}: {error}"


@dataclass(frozen=True)
class Scope:
    """A function, as far as the names in it are concerned."""

    module: Module
    function: Function
    names: dict[str, list[ast.expr]] = field(default_factory=dict[str, list[ast.expr]])
    added: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Keys that a dictionary gets later, by its name."""


def calls() -> list[Call]:
    """All calls of named queries on the server's side."""
    rooms = ("adapters/stores/", "api/", "composition/", "runtime/", "security/", "services/")
    return [call for module in modules() if module.name.startswith(rooms) for call in calls_of(module)]


def receivers() -> list[tuple[str, str, str]]:
    """What reads are asked of anywhere: where, the receiver's name, and the handle that is asked for."""
    return [
        (module.name, _name(node.func.value), first.attr)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READS
        for first in node.args[:1]
        if isinstance(first, ast.Attribute) and _name(first.value) == "queries"
    ]


def calls_of(module: Module) -> Iterator[Call]:
    """The calls of one module."""
    for function in _outermost(module.tree):
        scope = _scope(module, function)
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                yield from _of_call(scope, node)


def _outermost(node: ast.AST) -> Iterator[Function]:
    """The functions that stand in no other; those within belong to them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield child
        else:
            yield from _outermost(child)


def _of_call(scope: Scope, node: ast.Call) -> Iterator[Call]:
    name = _name(node.func)
    where = f"{scope.module.name}:{scope.function.name}"
    wrapper = WRAPPERS.get(f"{scope.module.name}:{name}") or (
        WRAPPERS.get(f"{scope.module.name.partition('/')[0]}/*:{name}")
    )
    if name in OPERATIONS:
        given = node.args[1] if len(node.args) > 1 else _keyword(node, "params")
        parameters = frozenset[str]() if given is None else _keys(scope, given)
        yield Call(where, _queries(scope, node.args[0]), _union(parameters, OPERATIONS[name]))
    elif name in READS and isinstance(node.func, ast.Attribute) and node.args:
        if _name(node.func.value) in RECEIVERS:
            yield Call(where, _queries(scope, node.args[0]), _keywords(scope, node))
    elif wrapper is not None:
        yield Call(where, _wrapped(scope, node, wrapper), _keywords(scope, node, wrapper.adds, wrapper.drops))


def _wrapped(scope: Scope, node: ast.Call, wrapper: Wrapper) -> tuple[str, ...]:
    if isinstance(wrapper.query, str):
        return (wrapper.query,)
    names = _queries(scope, node.args[wrapper.query])
    return tuple(f"{name}.{way}" for name in names for way in ("asc", "desc")) if wrapper.paged else names


def _name(node: ast.expr) -> str:
    """The last name of an expression: `view` of `caller.view`, `of` of `store.of(owner)`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return _name(function)
        case _:
            return ""


def _keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in node.keywords if one.arg == name), None)


def _keywords(
    scope: Scope, node: ast.Call, more: frozenset[str] = frozenset(), without: frozenset[str] = frozenset()
) -> frozenset[str] | None:
    found = frozenset(one.arg for one in node.keywords if one.arg is not None) | more
    for one in node.keywords:
        if one.arg is None:
            spread = _keys(scope, one.value)
            if spread is None:
                return None
            found |= spread
    return found - without


def _queries(scope: Scope, node: ast.expr) -> tuple[str, ...]:
    """The names of all queries that an expression can mean."""
    match node:
        case ast.Attribute(value=ast.Name(id="queries"), attr=handle):
            return (HANDLES.get(handle, handle),)
        case ast.Attribute(value=ast.Attribute() as page, attr="asc" | "desc" as way):
            return tuple(f"{name}.{way}" for name in _queries(scope, page))
        case ast.IfExp(body=one, orelse=other):
            return (*_queries(scope, one), *_queries(scope, other))
        case ast.Tuple(elts=parts):
            return tuple(query for part in parts for query in _queries(scope, part))
        case ast.Name(id=name):
            values = scope.names.get(name, [])
            return tuple(query for value in values for query in _queries(scope, value))
        case _:
            return ()


def _keys(scope: Scope, node: ast.expr, depth: int = 0) -> frozenset[str] | None:
    """The keys of a dictionary; None: the text does not say."""
    if depth > 6:
        return None
    match node:
        case ast.Dict(keys=keys, values=values):
            found: set[str] = set()
            for key, value in zip(keys, values, strict=True):
                if key is None:
                    spread = _keys(scope, value, depth + 1)
                    if spread is None:
                        return None
                    found |= spread
                elif isinstance(key, ast.Constant):
                    found.add(str(key.value))
                else:
                    return None
            return frozenset(found)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union(_keys(scope, left, depth + 1), _keys(scope, right, depth + 1))
        case ast.Name(id=name):
            return _keys_of_name(scope, name, depth)
        case ast.Call():
            return _keys_of_call(scope, node, depth)
        case _:
            return None


def _keys_of_name(scope: Scope, name: str, depth: int) -> frozenset[str] | None:
    values = scope.names.get(name)
    if not values:
        return None
    each = {_keys(scope, value, depth + 1) for value in values}
    (keys,) = each if len(each) == 1 else (None,)
    return _union(keys, frozenset(scope.added.get(name, set())))


def _keys_of_call(scope: Scope, node: ast.Call, depth: int) -> frozenset[str] | None:
    """Of `dict.fromkeys(NAMES)`, and of a function of the package that returns a dictionary."""
    if isinstance(node.func, ast.Attribute) and node.func.attr == "fromkeys":
        return _strings(scope, node.args[0])
    found = _functions().get(_name(node.func), [])
    found = [one for one in found if one[0] is scope.module] or found
    if len(found) != 1:
        return None
    inner = _scope(*found[0])
    returned = [one.value for one in ast.walk(found[0][1]) if isinstance(one, ast.Return) and one.value is not None]
    each = {_keys(inner, value, depth + 1) for value in returned}
    return each.pop() if len(each) == 1 else None


def _strings(scope: Scope, node: ast.expr) -> frozenset[str] | None:
    match node:
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return frozenset(str(part.value) for part in parts if isinstance(part, ast.Constant))
        case ast.Name(id=name) if len(values := scope.names.get(name, [])) == 1:
            return _strings(scope, values[0])
        case _:
            return None


def _union(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return None if one is None or other is None else one | other


@cache
def _functions() -> dict[str, list[tuple[Module, Function]]]:
    found: dict[str, list[tuple[Module, Function]]] = {}
    for module in modules():
        for function in module.functions():
            found.setdefault(function.name, []).append((module, function))
    return found


def _scope(module: Module, function: Function) -> Scope:
    scope = Scope(module, function)
    for node in (*module.tree.body, *ast.walk(function)):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                scope.names.setdefault(name, []).append(value)
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=key))]):
                scope.added.setdefault(name, set()).add(str(key))
            case ast.AugAssign(target=ast.Name(id=name), op=ast.BitOr(), value=ast.Dict(keys=keys)):
                scope.added.setdefault(name, set()).update(
                    str(key.value) for key in keys if isinstance(key, ast.Constant)
                )
            case (
                ast.For(target=ast.Name(id=name), iter=ast.Tuple() | ast.Name() as values)
                | ast.comprehension(target=ast.Name(id=name), iter=ast.Tuple() | ast.Name() as values)
            ) if name != getattr(values, "id", None):
                scope.names.setdefault(name, []).append(values)
            case _:
                pass
    return scope
