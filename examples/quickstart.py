"""An assistant that calls a Python function. Needs a server: `projectdavid serve`."""

from projectdavid import Entity


def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


client = Entity()
assistant = client.assistants.create_assistant(
    name="Mathy", model="demo/assistant", instructions="You help with maths."
)
thread = client.threads.create_thread()
result = client.runs.run(assistant, thread, content="What is 12.5 + 29.5?", tools=[add])
print(result.text)
