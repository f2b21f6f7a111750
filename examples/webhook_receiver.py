"""Functions behind a webhook: the platform calls them, and the run goes on with what is answered.

Start it with the secret that the assistant's webhook has, then give its address to the assistant as `webhook_url`:

    PROJECTDAVID_WEBHOOK_SECRET=whsec_... uvicorn webhook_receiver:app --port 8000
"""

import json
from typing import Any

from fastapi import FastAPI, HTTPException, Request

from projectdavid import WebhookVerificationError, verify_webhook


def get_weather(city: str) -> dict[str, Any]:
    """The weather of a city."""
    return {"city": city, "sky": "clear"}


FUNCTIONS = {"get_weather": get_weather}

app = FastAPI()
answers: dict[str, str] = {}
"""What was answered to each call: an event may come more than once. In earnest, a table of your database."""


@app.post("/hook")
async def hook(request: Request) -> dict[str, Any]:
    """Take an event; answer the calls that it asks for."""
    try:
        event = verify_webhook(request.headers, await request.body())
    except WebhookVerificationError as error:
        raise HTTPException(401, str(error)) from None
    for call in event.data.tool_calls:
        if call.idempotency_key not in answers:
            answers[call.idempotency_key] = json.dumps(FUNCTIONS[call.name](**call.arguments))
    outputs = [{"tool_call_id": call.id, "output": answers[call.idempotency_key]} for call in event.data.tool_calls]
    return {"tool_outputs": outputs} if outputs else {"received": event.type}
