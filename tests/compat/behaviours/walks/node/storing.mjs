// Files, uploads, vector stores, batches, searches and models.

import { HANDBOOK, QUICK, WALKS, all, at, same, text } from "./base.mjs";

const file = async (world, name, content) =>
  world.client.files.create({ file: await text(name, content), purpose: "assistants" });
const inside = (store, id) => ({ vector_store_id: store, file_id: id });

WALKS["client.files"] = async (world) => {
  const { files } = world.client;
  const made = await file(world, "a.txt", "hello");
  const again = same(await files.retrieve(made.id), made);
  const content = await (await files.content(made.id)).text();
  const listed = (await all(await files.list({ purpose: "assistants" }))).some((one) => one.id === made.id);
  const gone = await at(files, "delete", { file_id: made.id });
  return [made.filename, made.bytes, made.purpose, again, content, listed, gone.deleted, gone.object];
};

WALKS["client.files-wait"] = async (world) => {
  const made = await file(world, "a.txt", "hello");
  return (await world.client.files.waitForProcessing(made.id, { pollInterval: 20 })).id === made.id;
};

WALKS["client.upload-parts"] = async (world) => {
  const { uploads, files } = world.client;
  const content = "0123456789".repeat(10);
  const upload = await uploads.create({
    filename: "a.txt",
    bytes: content.length,
    mime_type: "text/plain",
    purpose: "assistants",
  });
  const part_ids = [];
  for (const piece of [content.slice(0, 40), content.slice(40)]) {
    part_ids.push((await uploads.parts.create(upload.id, { data: await text("part", piece) })).id);
  }
  const done = await uploads.complete(upload.id, { part_ids });
  return [done.status, (await (await files.content(done.file.id)).text()) === content];
};

WALKS["client.upload-cancel"] = async (world) => {
  const { uploads } = world.client;
  const body = { filename: "a.txt", bytes: 3, mime_type: "text/plain", purpose: "assistants" };
  const upload = await uploads.create(body);
  const part = await uploads.parts.create(upload.id, { data: await text("part", "abc") });
  return [upload.status, part.object, (await uploads.cancel(upload.id)).status];
};

WALKS["client.store-upload-and-poll"] = async ({ stores }) => {
  const made = await stores.create({ name: "Zoo" });
  const read = await stores.files.uploadAndPoll(made.id, await text("zoo.txt", "Zebras are striped."));
  const store = await stores.retrieve(made.id);
  return [read.status, store.status, store.file_counts.completed, store.name];
};

WALKS["client.store-create-and-poll"] = async (world) => {
  const { stores } = world;
  const store = await stores.create({});
  const { id } = await file(world, "zoo.txt", "Zebras are striped.");
  const read = await stores.files.createAndPoll(store.id, { file_id: id, attributes: { legs: 4 } }, QUICK);
  const changed = await at(stores.files, "update", inside(store.id, id), { attributes: { legs: 5 } });
  const parts = await all(await at(stores.files, "content", inside(store.id, id)));
  const gone = await at(stores.files, "delete", inside(store.id, id));
  const left = await all(await stores.files.list(store.id));
  return [read.status, read.attributes, changed.attributes, parts.map((one) => one.text).join(""), gone.object, left];
};

WALKS["client.batch-upload-and-poll"] = async ({ stores }) => {
  const store = await stores.create({});
  const files = await Promise.all([0, 1, 2].map((number) => text(`${number}.txt`, `Fact ${number}.`)));
  const batch = await stores.fileBatches.uploadAndPoll(store.id, { files }, QUICK);
  const ids = { vector_store_id: store.id, batch_id: batch.id };
  const listed = await all(await at(stores.fileBatches, "listFiles", ids, { limit: 2 }));
  return [batch.status, batch.file_counts.completed, batch.object, listed.length];
};

WALKS["client.batch-create-and-poll"] = async (world) => {
  const { stores } = world;
  const store = await stores.create({});
  const files = await Promise.all(["a.txt", "b.txt"].map((name) => file(world, name, "A fact.")));
  const file_ids = files.map((one) => one.id);
  const batch = await stores.fileBatches.createAndPoll(store.id, { file_ids }, QUICK);
  const again = await at(stores.fileBatches, "retrieve", { vector_store_id: store.id, batch_id: batch.id });
  return [batch.status, again.file_counts.total];
};

WALKS["client.search"] = async (world) => {
  const { stores } = world;
  const [id, store] = await world.shelf();
  await at(stores.files, "update", inside(store, id), { attributes: { year: 2024 } });
  const [hit] = (await stores.search(store, { query: "warranty years", max_num_results: 1 })).data;
  const filters = { type: "lt", key: "year", value: 2000 };
  const older = (await stores.search(store, { query: "warranty", filters })).data;
  const scored = hit.score >= 0 && hit.score <= 1;
  return [hit.file_id === id, hit.filename, hit.attributes, hit.content[0].text.includes("two years"), scored, older];
};

WALKS["client.stores"] = async ({ stores }) => {
  const expires_after = { anchor: "last_active_at", days: 2 };
  const made = await stores.create({ name: "A", metadata: { a: "1" }, expires_after });
  const changed = await stores.update(made.id, { name: "B" });
  const listed = (await all(await stores.list({ limit: 3 }))).some((one) => one.id === made.id);
  const gone = await at(stores, "delete", { vector_store_id: made.id });
  return [made.expires_after.days, made.metadata, changed.name, listed, gone.object];
};

WALKS["client.store-chunks"] = async (world) => {
  const store = await world.stores.create({});
  const chunking_strategy = { type: "static", static: { max_chunk_size_tokens: 200, chunk_overlap_tokens: 50 } };
  const { id } = await file(world, "handbook.md", HANDBOOK);
  return (await world.stores.files.createAndPoll(store.id, { file_id: id, chunking_strategy }, QUICK)).chunking_strategy;
};

WALKS["client.models"] = async ({ client }) => {
  const [first] = await all(await client.models.list());
  return [first.object, same(await client.models.retrieve(first.id), first)];
};
