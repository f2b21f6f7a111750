"""The stream in the way of the Project David SDK."""

import pytest

from projectdavid import Entity, NotFoundError, StreamBroken
from tests.client.fake import DONE, Answer, Fake, frame
from tests.client.samples import RUN

LINE = "POST /v1/completions"


def test_chunks_are_dicts_up_to_the_end(fake: Fake, client: Entity) -> None:
    parts = [b": hello\n\n", frame(1, "content", content="Hi"), b'data: {"type":"content","content":"!"}\n\n', DONE]
    fake.on(LINE, Answer(parts=parts))
    fake.on("GET /v1/runs/run_1", Answer(RUN | {"status": "completed"}))
    stream = client.synchronous_inference_stream
    stream.setup(thread_id="t", assistant_id="a", message_id="m", run_id="run_1", api_key="theirs")
    assert list(stream.stream_chunks(model="p/m")) == [
        {"type": "content", "run_id": "run_1", "content": "Hi"},
        {"type": "content", "run_id": "run_1", "content": "!"},
    ]
    body = {"thread_id": "t", "assistant_id": "a", "message_id": "m", "run_id": "run_1", "model": "p/m", "stream": True}
    assert fake.asked[0].body == body


def test_a_stream_that_is_cut_says_so(fake: Fake, client: Entity) -> None:
    fake.on(LINE, Answer(parts=[frame(1, "content", content="Hi")]))
    stream = client.synchronous_inference_stream
    stream.setup("t", "a", None, "run_1")
    chunks = stream.stream_chunks()
    assert next(chunks)["content"] == "Hi"
    with pytest.raises(StreamBroken, match="run_1 was interrupted"):
        next(chunks)


def test_a_refusal_is_an_error(fake: Fake, client: Entity) -> None:
    stream = client.synchronous_inference_stream
    with pytest.raises(RuntimeError, match="setup"):
        next(stream.stream_chunks())
    stream.setup("t", "a", None, "run_1")
    with pytest.raises(NotFoundError):
        next(stream.stream_chunks())
