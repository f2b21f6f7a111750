"""Azure: agents of AI Foundry (classic), and assistants of Azure OpenAI."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, BinaryIO

from projectdavid.egress import AnswerTooLarge
from projectdavid.importer.endpoints import SourceEndpoint, segment
from projectdavid.importer.local_files import LocalFiles
from projectdavid.importer.source import ImportProblem, ImportStopped, Json, NotAvailable, Pages
from projectdavid.importer.source_client import SourceClient, SourceRefused, parse_object

PAGE = 100
ABSENT = frozenset({400, 404, 405, 410, 501})
"""Statuses with which services reject a list that they do not support."""
MAX_FILE = 2 << 30
"""Bytes per file; the server has a limit of its own."""
MAX_TEXT = 64 << 20
"""Bytes of the JSON response with a file's text."""


class AzureSource:
    """Lists and downloads of one endpoint.

    Args:
        client: sends the requests.
        endpoint: the endpoint to read.
        thread_ids: the threads to import; None: all, if the endpoint lists them.
        originals: local files to use instead of downloads.
        name: the name of the source at the server; by default that of the endpoint.
    """

    def __init__(
        self,
        client: SourceClient,
        endpoint: SourceEndpoint,
        thread_ids: Sequence[str] | None,
        originals: LocalFiles,
        name: str | None = None,
    ) -> None:
        self._name = name or endpoint.name
        self._client = client
        self._thread_ids = thread_ids
        self._originals = originals
        self.problems: list[ImportProblem] = []

    @property
    def name(self) -> str:
        """The name of the source at the server."""
        return self._name

    @property
    def duplicates(self) -> int:
        """None: a service lists each object once."""
        return 0

    def count_skipped(self) -> dict[str, int]:
        """None: the service lists no other kinds."""
        return {}

    def files(self) -> Pages:
        """All files."""
        return self._pages("/files", None)

    def vector_stores(self) -> Pages:
        """All vector stores."""
        return self._pages("/vector_stores", PAGE)

    def vector_store_files(self, store_id: str) -> Pages:
        """The files of a vector store."""
        return self._pages(f"/vector_stores/{segment(store_id)}/files", PAGE)

    def assistants(self) -> Pages:
        """All assistants."""
        return self._pages("/assistants", PAGE)

    async def threads(self) -> Pages:
        """The selected threads, or all."""
        if self._thread_ids is not None:
            async for page in self._named_threads(self._thread_ids):
                yield page
            return
        try:
            async for page in self._pages("/threads", PAGE):
                yield page
        except SourceRefused as refusal:
            if refusal.status not in ABSENT:
                raise
            message = f"The endpoint does not list threads ({refusal.message}); pass their ids with --threads FILE."
            self.problems.append(ImportProblem("thread", None, "threads_not_listed", message))

    async def _named_threads(self, ids: Sequence[str]) -> Pages:
        for start in range(0, len(ids), PAGE):
            found: list[Json] = []
            for one in ids[start : start + PAGE]:
                try:
                    found.append(await self._client.get(f"/threads/{segment(one)}"))
                except SourceRefused as refusal:
                    message = f"The source does not return this thread ({refusal.message})."
                    self.problems.append(ImportProblem("thread", one, "not_found", message))
            yield found

    async def messages(self, thread_id: str, after: str | None) -> Pages:
        """The messages of a thread, from the first one if the source no longer knows the cursor."""
        path = f"/threads/{segment(thread_id)}/messages"
        begun = False
        try:
            async for page in self._pages(path, PAGE, after):
                begun = True
                yield page
            return
        except SourceRefused as refusal:
            if begun or after is None:
                message = f"The source does not return the messages of this thread ({refusal.message})."
                self.problems.append(ImportProblem("thread", thread_id, "messages_refused", message))
                raise
        async for page in self._pages(path, PAGE):
            yield page

    async def content(self, file: Json, to: BinaryIO) -> None:
        """Write the bytes of a file, from its local original if there is one."""
        if self._originals.copy(file, to):
            return
        try:
            await self._client.download(f"/files/{segment(str(file.get('id')))}/content", to, MAX_FILE)
        except SourceRefused as refusal:
            raise NotAvailable(f"the source does not provide its bytes ({refusal.message})") from None
        except AnswerTooLarge as error:
            raise NotAvailable(f"it is larger than {error.max_bytes} bytes") from None
        size = file.get("bytes")
        if isinstance(size, int) and size > 0 and to.tell() != size:
            raise NotAvailable(f"expected {size} bytes, but the source sent {to.tell()}")

    async def text(self, file: Json, store_id: str, to: BinaryIO) -> None:
        """Write the text that the source extracted from a file in a vector store."""
        path = f"/vector_stores/{segment(store_id)}/files/{segment(str(file.get('id')))}/content"
        try:
            await self._client.download(path, to, MAX_TEXT)
        except (SourceRefused, AnswerTooLarge):
            raise NotAvailable("the source does not provide its text, either") from None
        to.seek(0)
        page = parse_object(to.read())
        parts = page.get("data")
        texts = [part.get("text") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        if not texts or page.get("has_more") is True:
            raise NotAvailable("the source does not provide its complete text, either")
        to.seek(0)
        to.truncate()
        to.write("\n".join(text for text in texts if isinstance(text, str)).encode(errors="replace"))

    async def _pages(self, path: str, limit: int | None, after: str | None = None) -> AsyncGenerator[list[Json]]:
        """Iterate over the pages of a list; a page that is too large is requested in smaller ones."""
        seen: set[str] = set()
        while True:
            query = {"order": "asc", "limit": str(limit)} if limit is not None else {}
            try:
                page = await self._client.get(path, query | ({"after": after} if after else {}))
            except AnswerTooLarge as error:
                if limit is None or limit == 1:
                    raise ImportStopped(f"{path}: an object has more than {error.max_bytes} bytes") from None
                limit = max(limit // 5, 1)
                continue
            objects = _objects(page, path)
            yield objects
            last = _last_id(page, objects)
            if page.get("has_more") is not True or not objects or last is None:
                return
            if last in seen:
                message = f"The list {path} repeats after '{last[:64]}'; the rest was not read."
                self.problems.append(ImportProblem("list", path, "list_repeats", message))
                return
            seen.add(last)
            after = last


def _objects(page: Json, path: str) -> list[Json]:
    data: Any = page.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise ImportStopped(f"{path}: expected a list from the source", "check the endpoint and the API version")
    return data


def _last_id(page: Json, objects: list[Json]) -> str | None:
    for found in (page.get("last_id"), objects[-1].get("id") if objects else None):
        if isinstance(found, str) and found:
            return found
    return None
