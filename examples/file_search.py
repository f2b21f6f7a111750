"""Ask documents a question: the answer cites where it stands. Needs a server: `projectdavid serve`.

The script that stands in for a model only looks for the sentence that says most. Name a real model to have it answer:

    python examples/file_search.py openai/gpt-5-mini "How long does the warranty last?" my/documents
"""

import sys
from pathlib import Path

from projectdavid import Entity

HANDBOOK = Path(__file__).with_name("handbook")
QUESTION = "How long does the warranty of the lantern last?"

client = Entity()
model = sys.argv[1] if len(sys.argv) > 1 else "demo/assistant"
question = sys.argv[2] if len(sys.argv) > 2 else QUESTION
folder = Path(sys.argv[3]) if len(sys.argv) > 3 else HANDBOOK

store = client.vectors.create("Handbook", expires_after_days=7)
added = client.vectors.add_folder(store.id, folder)
for path, why in added.failed.items():
    print(f"{path}: {why}")

assistant = client.assistants.create_assistant(
    name="Librarian",
    model=model,
    instructions="You answer from the files alone, and cite the passages that your answer rests on.",
    tools=[{"type": "file_search", "vector_store_ids": [store.id]}],
)
result = client.runs.run(assistant, client.threads.create_thread(), content=question)
print(result.text)
for citation in result.citations:
    cited = citation.file_citation
    if cited is not None:
        page = "" if cited.page is None else f"page {cited.page}, "
        print(f"{citation.text} {page}line {cited.first_line}: {cited.quote}")
