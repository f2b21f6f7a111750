"""A fake Azure service: objects built from the types of its own client, lists with cursors, files, and faults."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from azure.ai.agents import models as azure

from tests.timeouts import EVENT_TIMEOUT

Json = dict[str, Any]
PROJECT = "/api/projects/heron"
KEY = "azure-key-0123456789abcdef"
START = 1_750_000_000
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
REFUSED = "Not allowed to download files of purpose: assistants"
NULLS = {
    "assistant": ("name", "description", "instructions"),
    "thread.message": ("assistant_id", "run_id", "completed_at", "incomplete_at", "incomplete_details"),
    "file": ("status_details",),
    "vector_store": ("expires_after", "expires_at"),
}
"""Fields that the service sends as null, and its client's types leave out."""


def wire(one: Any) -> Json:
    """An object as it goes over the wire."""
    value: Json = one.as_dict()
    return {**dict.fromkeys(NULLS.get(value["object"], ())), **value}


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


class World:
    """What the service has; `tag` makes its ids others than those of other worlds."""

    def __init__(self, threads: int = 200, long: int = 230, tag: str = "") -> None:
        self.tag = tag
        self.bytes: dict[str, bytes] = {}
        self.texts: dict[str, str] = {}
        self.lists: dict[str, list[Json]] = {}
        self._files()
        self._stores()
        self._assistants()
        self.lists["/threads"] = []
        for number in range(threads):
            self.add_thread(number, long if number == 3 else number % 5)

    def file(self, key: str) -> str:
        return f"assistant-{self.tag}{key}"

    def store(self, letter: str) -> str:
        return f"vs_{self.tag}{letter * 20}"

    def agent(self, number: int) -> str:
        return f"asst_{self.tag}{number:016}"

    def thread(self, number: int) -> str:
        return f"thread_{self.tag}{number:016}"

    def add_thread(self, number: int, messages: int) -> str:
        """One more thread with messages."""
        one = self.thread(number)
        resources = azure.ToolResources()
        if number % 10 == 0:
            resources = azure.ToolResources(
                code_interpreter=azure.CodeInterpreterToolResource(file_ids=[self.file("image")]),
                file_search=azure.FileSearchToolResource(vector_store_ids=[self.store("a")]),
            )
        thread = azure.AgentThread(
            id=one, created_at=at(number), tool_resources=resources, metadata={"number": str(number)}
        )
        self.lists["/threads"].append(wire(thread))
        self.lists[f"/threads/{one}/messages"] = []
        for place in range(messages):
            self.say(one, place)
        return one

    def say(self, thread: str, place: int) -> None:
        """One more message: of a user, or of an assistant that cites and shows files."""
        ours = place % 2 == 1
        text = f"[1] answer {place}" if ours else f"question {place} \U0001f600"
        content: list[Any] = [azure.MessageTextContent(text=azure.MessageTextDetails(value=text, annotations=[]))]
        if ours:
            content[0].text.annotations = [_citation(self.file("words"))] + ([_link()] if place % 4 == 1 else [])
        if place % 6 == 3:
            content.insert(0, _image(self.file("image")))
        attached = [azure.MessageAttachment(file_id=self.file("words"), tools=[azure.FileSearchToolDefinition()])]
        message = azure.ThreadMessage(
            id=f"msg_{thread.removeprefix('thread_')}{place:08}",
            created_at=at(1000 + place // 3),
            thread_id=thread,
            status="completed",
            incomplete_details=None,
            completed_at=None,
            incomplete_at=None,
            role="assistant" if ours else "user",
            content=content,
            agent_id=self.agent(0) if ours else None,
            run_id=f"run_{place:024}" if ours else None,
            attachments=attached if place % 8 == 2 else [],
            metadata={"place": str(place)},
        )
        self.lists[f"/threads/{thread}/messages"].append(wire(message))

    def _files(self) -> None:
        self.lists["/files"] = []
        for key, name, purpose, content in (
            ("words", "words.txt", "assistants_output", b"The heron stands in the reeds.\n"),
            ("image", "pixel.png", "vision", PNG),
            ("large", "large.csv", "assistants_output", b"0123456789abcdef" * 131_072),
            ("text", "manual.pdf", "assistants", b"%PDF-"),
            ("lost", "lost.txt", "assistants", b"lost"),
            ("path", "../up/a\tb.txt", "assistants_output", b"named strangely"),
        ):
            one = self.file(key)
            file = azure.FileInfo(id=one, bytes=len(content), filename=name, created_at=at(1), purpose=purpose)
            self.lists["/files"].append({**wire(file), "expires_at": None})
            self.bytes[one] = content
        self.texts[self.file("text")] = "The manual says: press the green button."

    def _stores(self) -> None:
        self.lists["/vector_stores"] = []
        for letter, status, files in (
            ("a", "completed", ["words", "text"]),
            ("b", "completed", ["lost"]),
            ("c", "expired", []),
        ):
            one = self.store(letter)
            counts = azure.VectorStoreFileCount(in_progress=0, completed=2, failed=0, cancelled=0, total=2)
            store = azure.VectorStore(
                id=one,
                created_at=at(2),
                name=f"Store {letter}",
                usage_bytes=1,
                file_counts=counts,
                status=status,
                last_active_at=at(3),
                metadata={"letter": letter},
            )
            self.lists["/vector_stores"].append(wire(store))
            self.lists[f"/vector_stores/{one}/files"] = [self._store_file(one, self.file(file)) for file in files]

    @staticmethod
    def _store_file(store: str, file: str) -> Json:
        options = azure.VectorStoreStaticChunkingStrategyOptions(max_chunk_size_tokens=400, chunk_overlap_tokens=100)
        inside = azure.VectorStoreFile(
            id=file,
            usage_bytes=1,
            created_at=at(4),
            vector_store_id=store,
            status="completed",
            last_error=None,
            chunking_strategy=azure.VectorStoreStaticChunkingStrategyResponse(static=options),
        )
        return {**wire(inside), "last_error": None}

    def _assistants(self) -> None:
        search = azure.FileSearchToolDefinition(
            file_search=azure.FileSearchToolDefinitionDetails(
                max_num_results=5,
                ranking_options=azure.FileSearchRankingOptions(ranker="default_2024_08_21", score_threshold=0.5),
            )
        )
        configuration = azure.BingGroundingSearchConfiguration(connection_id="/connections/bing")
        bing = azure.BingGroundingToolDefinition(
            bing_grounding=azure.BingGroundingSearchToolParameters(search_configurations=[configuration])
        )
        function = azure.FunctionToolDefinition(
            function=azure.FunctionDefinition(name="add", description="Adds.", parameters={"type": "object"})
        )
        code, store = azure.CodeInterpreterToolDefinition(), self.store("a")
        self.lists["/assistants"] = [
            self._assistant(0, [search, code], azure.FileSearchToolResource(vector_store_ids=[store])),
            self._assistant(1, [bing, function], None),
            self._assistant(2, [code], None, [self.file("words"), self.file("lost")]),
        ]

    def _assistant(self, number: int, tools: list[Any], search: Any, files: list[str] | None = None) -> Json:
        code = None if files is None else azure.CodeInterpreterToolResource(file_ids=files)
        agent = azure.Agent(
            id=self.agent(number),
            created_at=at(5),
            name=f"Agent {number}",
            description="",
            model="gpt-4o",
            instructions="Help.",
            tools=tools,
            tool_resources=azure.ToolResources(file_search=search, code_interpreter=code),
            temperature=1.0,
            top_p=1.0,
            metadata={},
            response_format="auto",
        )
        return wire(agent)


def _citation(file: str) -> Any:
    detail = azure.MessageTextFileCitationDetails(file_id=file, quote="")
    return azure.MessageTextFileCitationAnnotation(text="[1]", start_index=0, end_index=3, file_citation=detail)


def _link() -> Any:
    detail = azure.MessageTextUrlCitationDetails(url="https://example.com/", title="Example")
    return azure.MessageTextUrlCitationAnnotation(text="answer", start_index=4, end_index=10, url_citation=detail)


def _image(file: str) -> Any:
    return azure.MessageImageFileContent(image_file=azure.MessageImageFileDetails(file_id=file))


class FakeAzure:
    """The service; requests are counted from 1, and numbers say which of them fail."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.base = PROJECT
        self.version = "v1"
        self.headers = {"api-key": KEY}
        self.asked: list[str] = []
        self.wrong: list[str] = []
        """What no importer may send."""
        self.busy_every = 0
        self.cut: set[int] = set()
        self.lists_threads = True
        self._hold: re.Pattern[str] | int | None = None
        self.held = threading.Event()
        self._release = threading.Event()
        self._lock = threading.Lock()

    def hold(self, at: str | int) -> None:
        """Hold the request with this number, or those whose path and query match, and set `held`."""
        self.held.clear()
        self._release.clear()
        self._hold = at if isinstance(at, int) else re.compile(at)

    def release(self) -> None:
        """Let held requests go on."""
        self._hold = None
        self._release.set()

    def answer(self, method: str, target: str, headers: Any) -> tuple[int, bytes, bool]:
        """The status, the body, and whether the connection is cut in it."""
        parts = urlsplit(target)
        with self._lock:
            self.asked.append(parts.path)
            number = len(self.asked)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        opens = all(headers.get(name) == value for name, value in self.headers.items())
        if method != "GET" or query.pop("api-version", None) != self.version or not parts.path.startswith(self.base):
            self.wrong.append(f"{method} {target}")
        if self._holds(number, target):
            self.held.set()
            self._release.wait(EVENT_TIMEOUT)
        if not opens:
            return 401, _error("Access denied due to invalid key."), False
        if self.busy_every and number % self.busy_every == 0:
            return (429, 503)[number % 2], _error("Please retry."), False
        status, body = self._found(parts.path.removeprefix(self.base), query)
        return status, body, number in self.cut

    def _holds(self, number: int, target: str) -> bool:
        hold = self._hold
        return hold == number if isinstance(hold, int) else hold is not None and bool(hold.search(target))

    def _found(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        if found := re.fullmatch("/files/([^/]+)/content", path):
            file = next((one for one in self.world.lists["/files"] if one["id"] == found[1]), None)
            if file is None or file["purpose"] == "assistants":
                return (404, _error("No such file")) if file is None else (400, _error(REFUSED))
            return 200, self.world.bytes[found[1]]
        if (found := re.fullmatch("/vector_stores/[^/]+/files/([^/]+)/content", path)) and found[1] in self.world.texts:
            page = {"object": "vector_store.file_content.page", "has_more": False, "next_page": None}
            return 200, json.dumps({**page, "data": [{"type": "text", "text": self.world.texts[found[1]]}]}).encode()
        if found := re.fullmatch("/threads/([^/]+)", path):
            one = [thread for thread in self.world.lists["/threads"] if thread["id"] == found[1]]
            return (200, json.dumps(one[0]).encode()) if one else (404, _error("No thread found"))
        if path not in self.world.lists or (path == "/threads" and not self.lists_threads):
            return 404, _error("Resource not found")
        return self._page(path, query)

    def _page(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        objects, after = self.world.lists[path], query.get("after")
        if path == "/files":
            return 200, json.dumps({"object": "list", "data": objects}).encode()
        ids = [one["id"] for one in objects]
        if after is not None and after not in ids:
            return 400, _error("Invalid cursor")
        start, limit = 0 if after is None else ids.index(after) + 1, int(query.get("limit", 20))
        data = objects[start : start + limit]
        ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
        page = {"object": "list", "data": data, **ends, "has_more": start + limit < len(objects)}
        return 200, json.dumps(page).encode()


def _error(message: str) -> bytes:
    return json.dumps({"error": {"code": "x", "message": message}}).encode()


@contextmanager
def serving(fake: FakeAzure) -> Iterator[str]:
    """Serve it; gives the endpoint."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body, cut = fake.answer(self.command, self.path, self.headers)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status in (429, 503):
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = True

        def handle(self) -> None:
            with suppress(ConnectionError):  # the client was killed
                super().handle()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{fake.base}"
    finally:
        fake.release()
        server.shutdown()
        server.server_close()
        thread.join()
