"""Spans of assistants through OpenInference's instrumentation of openai-python, run by an interpreter that has it.

Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: the spans that the instrumentation exports.
"""

import json
import os
from typing import Any

os.environ.pop("OTEL_SDK_DISABLED", None)

from openai import OpenAI
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


def talk(client: OpenAI) -> None:
    """Ask in a thread, once polled and once streamed."""
    assistant = client.beta.assistants.create(model="gpt-4o", name="Greeter", instructions="You greet.")
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Hello."}])
    client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=20)
    client.beta.threads.messages.list(thread.id)
    with client.beta.threads.runs.stream(
        thread_id=thread.id, assistant_id=assistant.id, instructions="Again."
    ) as stream:
        stream.until_done()


def shown(span: Any) -> dict[str, Any]:
    """Return what a viewer of traces shows of a span."""
    values = {name: json.loads(span.attributes.get(f"{name}.value") or "null") for name in ("input", "output")}
    return {"name": span.name, "status": span.status.status_code.name, **values}


exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
OpenAIInstrumentor().instrument(tracer_provider=provider)
talk(OpenAI())
print(json.dumps({"spans": [shown(span) for span in exporter.get_finished_spans()]}))
