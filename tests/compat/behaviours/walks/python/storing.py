"""Files, uploads, vector stores, batches, searches and models."""

from io import BytesIO
from typing import Any

from base import HANDBOOK, QUICK, World, walk


@walk("client.files")
def files(world: World) -> Any:
    files = world.client.files
    made = files.create(file=("a.txt", b"hello"), purpose="assistants")
    same = files.retrieve(made.id) == made
    content = files.content(made.id).read().decode()
    listed = made.id in [one.id for one in files.list(purpose="assistants")]
    gone = files.delete(made.id)
    return [made.filename, made.bytes, made.purpose, same, content, listed, gone.deleted, gone.object]


@walk("client.files-wait")
def files_wait(world: World) -> Any:
    made = world.client.files.create(file=("a.txt", b"hello"), purpose="assistants")
    return world.client.files.wait_for_processing(made.id, poll_interval=0.02).id == made.id


@walk("client.upload-parts")
def upload_parts(world: World) -> Any:
    content = b"0123456789" * 10
    upload = world.client.uploads.upload_file_chunked(
        file=content, filename="a.txt", bytes=len(content), mime_type="text/plain", purpose="assistants", part_size=40
    )
    return [upload.status, world.client.files.content(upload.file.id).read() == content]


@walk("client.upload-cancel")
def upload_cancel(world: World) -> Any:
    uploads = world.client.uploads
    upload = uploads.create(filename="a.txt", bytes=3, mime_type="text/plain", purpose="assistants")
    part = uploads.parts.create(upload.id, data=b"abc")
    return [upload.status, part.object, uploads.cancel(upload.id).status]


@walk("client.store-upload-and-poll")
def store_upload_and_poll(world: World) -> Any:
    stores = world.client.vector_stores
    store = stores.create(name="Zoo")
    file = stores.files.upload_and_poll(vector_store_id=store.id, file=("zoo.txt", b"Zebras are striped."))
    store = stores.retrieve(store.id)
    return [file.status, store.status, store.file_counts.completed, store.name]


@walk("client.store-create-and-poll")
def store_create_and_poll(world: World) -> Any:
    stores = world.client.vector_stores
    store = stores.create()
    made = world.client.files.create(file=("zoo.txt", b"Zebras are striped."), purpose="assistants")
    file = stores.files.create_and_poll(
        made.id, vector_store_id=store.id, attributes={"legs": 4}, poll_interval_ms=QUICK
    )
    changed = stores.files.update(made.id, vector_store_id=store.id, attributes={"legs": 5})
    text = "".join(part.text for part in stores.files.content(made.id, vector_store_id=store.id))
    gone = stores.files.delete(made.id, vector_store_id=store.id)
    return [file.status, file.attributes, changed.attributes, text, gone.object, list(stores.files.list(store.id))]


@walk("client.batch-upload-and-poll")
def batch_upload_and_poll(world: World) -> Any:
    stores = world.client.vector_stores
    store = stores.create()
    files: Any = [(f"{number}.txt", BytesIO(f"Fact {number}.".encode())) for number in range(3)]
    batch = stores.file_batches.upload_and_poll(store.id, files=files, poll_interval_ms=QUICK)
    listed = list(stores.file_batches.list_files(batch.id, vector_store_id=store.id, limit=2))
    return [batch.status, batch.file_counts.completed, batch.object, len(listed)]


@walk("client.batch-create-and-poll")
def batch_create_and_poll(world: World) -> Any:
    stores = world.client.vector_stores
    store = stores.create()
    ids = [world.client.files.create(file=(name, b"A fact."), purpose="assistants").id for name in ("a.txt", "b.txt")]
    batch = stores.file_batches.create_and_poll(store.id, file_ids=ids, poll_interval_ms=QUICK)
    again = stores.file_batches.retrieve(batch.id, vector_store_id=store.id)
    return [batch.status, again.file_counts.total]


@walk("client.search")
def search(world: World) -> Any:
    file, store = world.shelf()
    world.client.vector_stores.files.update(file, vector_store_id=store, attributes={"year": 2024})
    search = world.client.vector_stores.search
    hit = search(store, query="warranty years", max_num_results=1).data[0]
    older: Any = {"type": "lt", "key": "year", "value": 2000}
    return [
        hit.file_id == file,
        hit.filename,
        hit.attributes,
        "two years" in hit.content[0].text,
        0 <= hit.score <= 1,
        search(store, query="warranty", filters=older).data,
    ]


@walk("client.stores")
def stores(world: World) -> Any:
    stores = world.client.vector_stores
    made = stores.create(name="A", metadata={"a": "1"}, expires_after={"anchor": "last_active_at", "days": 2})
    changed = stores.update(made.id, name="B")
    listed = made.id in [one.id for one in stores.list(limit=3)]
    gone = stores.delete(made.id)
    return [made.expires_after.days, made.metadata, changed.name, listed, gone.object]


@walk("client.store-chunks")
def store_chunks(world: World) -> Any:
    stores = world.client.vector_stores
    store = stores.create()
    chunks: Any = {"type": "static", "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}}
    file = stores.files.upload_and_poll(
        vector_store_id=store.id, file=("handbook.md", HANDBOOK), chunking_strategy=chunks, poll_interval_ms=QUICK
    )
    return file.chunking_strategy.to_dict()


@walk("client.models")
def models(world: World) -> Any:
    first = next(iter(world.client.models.list()))
    return [first.object, world.client.models.retrieve(first.id) == first]
