"""The vendors' own SDKs accept what we send, and read from our fakes what we read."""

import json
import subprocess
import sys

import msgspec
import pytest

from projectdavid.engine.prompt import ModelRequest
from tests.fakes.raw import answering
from tests.fakes.vendors import VENDOR_WIRES
from tests.fakes.vendors.scenes import FakeAnswer, FakeCall, VendorWire
from tests.providers.vendors.prompts import REQUESTS
from tests.providers.vendors.sdks import READERS, check_request
from tests.providers.vendors.talking import chunks_of, head, reply_of, served
from tests.timeouts import PROCESS_TIMEOUT

pytestmark = pytest.mark.anyio

CALLS = (FakeCall("toolu_1", "f", ('{"city"', ': "Oslo"}')), FakeCall("toolu_2", "g", ('{"n": ', "2}")))
ANSWERS = {
    "text": FakeAnswer(text=("Héllo", " 🙂", "!")),
    "reasoning": FakeAnswer(reasoning=("I ", "think."), text=("Yes.",)),
    "calls": FakeAnswer(reasoning=("Hm.",), text=("Wait.",), calls=CALLS),
}
FORMER = {"anthropic": {"temperature", "top_p"}}
"""Parameters that the types no longer contain; models before them accept them, and others teach that they do not."""


@pytest.fixture(params=[wire for wire in VENDOR_WIRES if wire.kind in READERS], ids=lambda wire: wire.kind)
def vendor(request: pytest.FixtureRequest) -> VendorWire:
    """A protocol whose vendor has an SDK."""
    return request.param


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")  # in google-genai
@pytest.mark.parametrize("name", ANSWERS)
async def test_the_sdk_and_we_read_the_same(vendor: VendorWire, name: str) -> None:
    events = vendor.events(ANSWERS[name])
    ours = await reply_of(vendor, *events)
    assert ours.usage is not None
    async with answering(head(vendor), *events) as raw:
        text, calls, usage = await READERS[vendor.kind](raw.url)
    assert (ours.text, [(call.name, json.loads(call.arguments)) for call in ours.calls]) == (text, calls)
    assert {"prompt": ours.usage.prompt_tokens, "completion": ours.usage.completion_tokens} == usage


@pytest.mark.parametrize("name", REQUESTS)
async def test_the_sdk_accepts_our_requests(vendor: VendorWire, name: str) -> None:
    body = await body_of(vendor, REQUESTS[name])
    former = FORMER.get(vendor.kind, ())
    check_request(vendor.kind, {name: value for name, value in body.items() if name not in former})


async def body_of(vendor: VendorWire, ask: ModelRequest) -> dict[str, object]:
    """The body of a request."""
    async with served(vendor, head(vendor), *vendor.events(ANSWERS["text"])) as (provider, raw):
        await chunks_of(provider, ask)
    return msgspec.json.decode(raw.requests[0].partition(b"\r\n\r\n")[2])


def test_the_server_imports_no_sdk_of_a_vendor() -> None:
    code = (
        "import sys; import projectdavid.composition.model_providers as providers; "
        "[vendor.__module__ for vendor in providers.VENDORS.values()]; "
        "print([name for name in ('anthropic', 'google.genai', 'openai', 'ollama') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=PROCESS_TIMEOUT)
    assert done.stdout.strip() == b"[]"
