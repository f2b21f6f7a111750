"""What buses between processes share: batches of hints, their encoding, and a supervised connection."""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, Protocol, TypeVar, cast

from projectdavid.adapters.buses.local import LocalBus
from projectdavid.ports.bus import BusState, Payload, TopicSubscription

log = logging.getLogger("projectdavid")
T = TypeVar("T")

MIN_DELAY = 0.1
MAX_DELAY = 5.0
"""Seconds between two attempts to connect; the delay doubles with each failure."""
ANSWER_TIMEOUT = 10.0
"""Seconds until a connection that does not answer is given up."""
PROBE_INTERVAL = 10.0
"""Seconds without hints after which the connection is checked."""
MAX_TOPIC = 500
"""Characters of a topic; a hint about a longer one is sent as a hint about all topics. JSON needs at most 12 bytes per
character."""
MAX_COLLECTED = 10_000
"""Topics that wait to be sent; if there are more, the hint is about all topics."""

SILENT = "the service does not answer"
LOST = "the connection was lost"
DEAF = "messages do not arrive: the connection goes through a pooling proxy, or lacks permissions"


class BusUnavailable(Exception):
    """The connection failed, or was lost; the message contains no credentials."""


class HintConnection(Protocol):
    """A connection on which every process receives every message, including its own."""

    @property
    def is_closed(self) -> bool:
        """True once the connection is closed or lost."""
        ...

    async def send(self, messages: Sequence[str]) -> None:
        """Send messages to all processes.

        Raises:
            BusUnavailable: they were not sent, or it is unknown.
        """
        ...

    async def close(self) -> None:
        """Close the connection, also a lost one; raises nothing."""
        ...


Connect = Callable[[Callable[[str], None], Callable[[], None]], Awaitable[HintConnection]]
"""Opens a connection. Takes the receiver of messages, and a function to call when the connection is lost.

Raises:
    BusUnavailable: no connection was opened.
"""


class RemoteBus:
    """Delivers within the process at once, with payloads, and sends hints without them to other processes.

    Hints are collected until the event loop runs the sender, deduplicated, and sent together. They are dropped while
    there is no connection; when it is back, all listeners of this process are notified.

    Args:
        name: what the bus connects to, for the log.
        connect: opens a connection.
        max_bytes: the maximum size of a message.
    """

    def __init__(self, name: str, connect: Connect, max_bytes: int) -> None:
        self._name = name
        self._connect = connect
        self._max_bytes = max_bytes
        self._local = LocalBus()
        self._sender = secrets.token_hex(8)
        self._collected: dict[str, None] = {}
        self._is_everything_collected = False
        self._state = BusState(problem="not opened")
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self._is_attempted = asyncio.Event()
        self._has_work = asyncio.Event()
        self._has_echo = asyncio.Event()
        self._is_lost = False
        self._deadline: asyncio.Timeout | None = None

    @property
    def state(self) -> BusState:
        """Since when the bus is connected, or why it is not."""
        return self._state

    async def open(self) -> None:
        """Try to connect. If that fails, the bus tries again in the background."""
        self._is_closing = False
        self._is_attempted.clear()
        self._task = asyncio.create_task(self._supervise())
        await self._is_attempted.wait()

    async def close(self) -> None:
        """Send the collected hints, and close the connection."""
        if self._task is None:
            return
        self._is_closing = True
        self._has_work.set()
        if self._state.connected_since is not None:
            await asyncio.wait([self._task], timeout=ANSWER_TIMEOUT)
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None

    def publish(self, topic: str, payloads: Sequence[Payload] = ()) -> None:
        """Notify the listeners of `topic` here and in other processes."""
        self._local.publish(topic, payloads)
        if self._state.connected_since is None:
            return
        if len(topic) > MAX_TOPIC or len(self._collected) >= MAX_COLLECTED:
            self._is_everything_collected = True
        else:
            self._collected[topic] = None
        self._has_work.set()

    def subscribe(self, topic: str) -> AbstractContextManager[TopicSubscription]:
        """Subscribe to `topic` until the context exits."""
        return self._local.subscribe(topic)

    async def _supervise(self) -> None:
        delay = MIN_DELAY
        try:
            while not self._is_closing:
                try:
                    async with self._open_connection() as connection:
                        delay = MIN_DELAY
                        await self._send_hints(connection)
                except BusUnavailable as error:
                    self._set_problem(str(error))
                    self._is_attempted.set()
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, MAX_DELAY)
        finally:
            self._state = BusState(problem="closed")
            self._is_attempted.set()

    @asynccontextmanager
    async def _open_connection(self) -> AsyncGenerator[HintConnection]:
        """Open a connection that delivers messages, and notify all listeners of this process."""
        self._is_lost = False
        connection = await self._wait_for(self._connect(self._receive, self._notice_loss))
        try:
            await self._check_echo(connection)
            self._collected.clear()
            self._is_everything_collected = False
            if self._state.problem is not None and self._is_attempted.is_set():
                log.info("%s delivers hints again", self._name)
            self._state = BusState(connected_since=time.time())
            self._local.publish_everywhere()
            self._is_attempted.set()
            yield connection
        finally:
            await connection.close()

    async def _send_hints(self, connection: HintConnection) -> None:
        """Send hints until the bus is closed.

        Raises:
            BusUnavailable: the connection is lost.
        """
        while True:
            try:
                async with asyncio.timeout(PROBE_INTERVAL):
                    await self._has_work.wait()
            except TimeoutError:
                await self._check_echo(connection)
                continue
            self._has_work.clear()
            _check_open(connection)
            if messages := self._take_messages():
                await self._wait_for(connection.send(messages))
            if self._is_closing:
                return

    async def _check_echo(self, connection: HintConnection) -> None:
        """Check that a message arrives: some proxies accept subscriptions and deliver nothing.

        Raises:
            BusUnavailable: it does not.
        """
        self._has_echo.clear()
        await self._wait_for(connection.send(list(encode_hints(self._sender, (), self._max_bytes))))
        await self._wait_for(self._has_echo.wait(), DEAF)

    async def _wait_for(self, operation: Awaitable[T], problem: str = SILENT) -> T:
        """Wait for an operation on the connection.

        Raises:
            BusUnavailable: the connection is lost; or there is a `problem`, because the operation does not end.
        """
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT) as self._deadline:
                return await operation
        except TimeoutError:
            raise BusUnavailable(LOST if self._is_lost else problem) from None
        finally:
            self._deadline = None

    def _notice_loss(self) -> None:
        self._is_lost = True
        self._has_work.set()
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(0)  # an answer will not arrive

    def _take_messages(self) -> list[str]:
        topics = None if self._is_everything_collected else self._collected
        self._collected = {}
        self._is_everything_collected = False
        return [] if topics == {} else list(encode_hints(self._sender, topics, self._max_bytes))

    def _receive(self, message: str) -> None:
        """Notify the listeners of this process about a message of another one."""
        sender, topics = decode_hints(message)
        if sender == self._sender:
            self._has_echo.set()
        elif topics is None:
            self._local.publish_everywhere()
        else:
            for topic in topics:
                self._local.publish(topic)

    def _set_problem(self, problem: str) -> None:
        if self._state.problem != problem:
            log.warning("%s delivers no hints to other processes: %s", self._name, problem)
            self._state = BusState(problem=problem)


def encode_hints(sender: str, topics: Iterable[str] | None, max_bytes: int) -> Iterable[str]:
    """Yield messages with the topics, None for all topics; each has at most `max_bytes` bytes.

    A message is JSON in ASCII: `{"from": SENDER, "topics": [TOPIC, ...]}`.
    """
    start, end = f'{{"from":{json.dumps(sender)},"topics":', "}"
    if topics is None:
        yield f"{start}null{end}"
        return
    batch: list[str] = []
    room = size = max_bytes - len(start) - len(end) - 2
    for topic in map(json.dumps, topics):
        size -= len(topic) + 1
        if size < 0:
            yield f"{start}[{','.join(batch)}]{end}"
            batch, size = [], room - len(topic) - 1
        batch.append(topic)
    yield f"{start}[{','.join(batch)}]{end}"


def decode_hints(message: str) -> tuple[str, list[str] | None]:
    """Return the sender and the topics, None for all topics; no topics if another program sent the message."""
    try:
        content: Any = json.loads(message)
    except ValueError:
        return "", []
    if not isinstance(content, dict):
        return "", []
    fields = cast("dict[str, Any]", content)
    sender, topics = fields.get("from"), fields.get("topics", [])
    if not isinstance(sender, str) or not isinstance(topics, list | None):
        return "", []
    return sender, None if topics is None else [topic for topic in cast("list[Any]", topics) if isinstance(topic, str)]


def _check_open(connection: HintConnection) -> None:
    if connection.is_closed:
        raise BusUnavailable(LOST)
