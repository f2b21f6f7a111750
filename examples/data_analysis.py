"""A CSV goes in; a table, a plot and another CSV come out. Needs a server with a sandbox: `projectdavid serve`.

The script that stands in for a model understands this one question. Name a real model to ask another one:

    python examples/data_analysis.py openai/gpt-5-mini "Which product grows fastest, by sales.csv?"
"""

import sys
from pathlib import Path

from projectdavid import CodeEvent, ContentEvent, Entity, FileEvent, OutputEvent

SALES = b"""\
city,month,cups,euros
Lisbon,May,310,465.00
Porto,May,250,400.00
Lisbon,June,280,420.00
Porto,June,395,632.00
Faro,June,120,210.00
"""
QUESTION = "Sum up sales.csv by city: show me the table, draw it, and save it as another CSV."

client = Entity()
model = sys.argv[1] if len(sys.argv) > 1 else "demo/assistant"
question = sys.argv[2] if len(sys.argv) > 2 else QUESTION

assistant = client.assistants.create_assistant(
    name="Analyst",
    model=model,
    instructions="You answer questions about data with Python, and you check what you say by running it.",
    tools=[{"type": "code_interpreter"}],
)
thread = client.threads.create_thread()
sales = client.files.upload(SALES, filename="sales.csv")
client.messages.create_message(thread.id, question, attachments=[{"file_id": sales.id}])

with client.runs.stream(assistant_id=assistant, thread_id=thread) as stream:
    for event in stream:
        match event:
            case CodeEvent() | OutputEvent() | ContentEvent():
                print(event.content, end="", flush=True)
            case FileEvent():
                path = client.files.download(event.file_id, Path.cwd())
                print(f"[{event.filename}: {event.size} bytes, saved as {path}]")
            case _:
                pass
print()
