"""An agency of two agents through Agency Swarm, run by an interpreter that has it.

Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what Agency Swarm saw.
"""

import json
from typing import Any

from agency_swarm import Agency, Agent
from agency_swarm.tools import BaseTool
from agency_swarm.util.streaming import AgencyEventHandler
from pydantic import Field

called: list[str] = []


class GetWeather(BaseTool):
    """The weather of a city."""

    city: str = Field(description="The name of the city.")

    def run(self) -> str:
        called.append(self.city)
        return f"rain in {self.city}"


class Listener(AgencyEventHandler):
    """Notes the text while it comes."""

    text: list[str] = []

    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.text.append(delta.value or "")


def forecaster() -> Agent:
    """An agent with a tool."""
    return Agent(
        name="Forecaster",
        description="Tells the weather.",
        instructions="You tell the weather.",
        tools=[GetWeather],
        model="gpt-4o",
    )


def alone() -> dict[str, Any]:
    """One agent: its messages one by one, then the text of a second answer while it comes."""
    agency = Agency([forecaster()])
    messages = list(agency.get_completion("How is it in Oslo?", yield_messages=True))
    streamed = agency.get_completion_stream("And now?", event_handler=Listener)
    return {
        "messages": [[one.msg_type, one.sender_name, one.receiver_name, str(one.content)] for one in messages],
        "answer": streamed,
        "text": "".join(Listener.text),
    }


def together() -> str:
    """The chief asks the forecaster, who calls the tool."""
    chief = Agent(name="Chief", description="Asks others.", instructions="You ask others.", model="gpt-4o")
    agency = Agency([chief, [chief, forecaster()]])
    return agency.get_completion("How is it in Oslo?")


def main() -> None:
    report = {"alone": alone(), "together": together()}
    print(json.dumps({**report, "called": called}))


main()
