import { formatBytes, formatNumber, plural } from "@/format";

export const words = {
  title: "Vector stores",
  intro: "Searchable sets of your files, for searches and for assistants with file_search.",
  unnamed: "Unnamed store",
  create: "New vector store",
  createSubmit: "Create",
  empty: "A vector store makes your files searchable: by you, and by assistants that cite what they find.",
  emptyCode: `from projectdavid import Entity

client = Entity()
store = client.vectors.create("Handbook")
client.vectors.add_folder(store, "handbook")`,
  name: "Name",
  description: "Description",
  expiryDays: "Delete after days without use",
  expiryHint: "1 to 365. Without a number, it is kept until you delete it.",
  status: "Status",
  statuses: { in_progress: "ingesting", completed: "ready", expired: "expired" } as Record<string, string>,
  files: "Files",
  size: "Size",
  mode: "Search mode",
  modes: { hybrid: "words and meaning", lexical: "words only" } as Record<string, string>,
  modeHint: {
    hybrid: "This store is searched by words and by meaning.",
    lexical: "This store is searched by words only, because the server has no embedding model.",
  } as Record<string, string>,
  lastUsed: "Last used",
  expires: "Expires",
  never: "never",
  actions: "Actions",
  id: "ID",
  delete: "Delete",
  deleteNamed: (name: string) => `Delete ${name}`,
  deleteTitle: (name: string) => `Delete "${name}"?`,
  deleteText: (files: number) =>
    `Its index of ${plural(files, { one: "# file", other: "# files" })} is deleted. The files themselves are kept. Assistants and threads that name it find nothing there.`,
  deleted: (name: string) => `Deleted ${name}.`,
  counts: (counts: { completed: number; in_progress: number; failed: number; cancelled: number; total: number }) => {
    if (counts.total === 0) return "no files";
    const parts = [`${formatNumber(counts.completed)} ready`];
    if (counts.in_progress) parts.push(`${formatNumber(counts.in_progress)} ingesting`);
    if (counts.failed) parts.push(`${formatNumber(counts.failed)} failed`);
    if (counts.cancelled) parts.push(`${formatNumber(counts.cancelled)} cancelled`);
    return parts.join(", ");
  },
  search: {
    title: "Search test",
    query: "Query",
    results: "Results",
    limit: "Results at most",
    threshold: "Minimum score",
    thresholdHint: "0 to 1; scores compare only within one search.",
    submit: "Search",
    options: "Filters and options",
    filters: "Filters by attributes",
    asForm: "As form",
    asJson: "As JSON",
    json: "Filter as JSON",
    badJson: (reason: string) => `This is not JSON: ${reason}`,
    all: "all match",
    any: "at least one matches",
    combine: "A file passes if",
    key: "Attribute",
    operator: "Comparison",
    value: "Value",
    valueHint: 'true, false and numbers are taken as such; "2026" in quotes is text. Lists are separated by commas.',
    addFilter: "Add a condition",
    removeFilter: (key: string) => `Remove the condition on ${key || "an attribute"}`,
    operators: {
      eq: "equals",
      ne: "differs from",
      gt: "greater than",
      gte: "at least",
      lt: "less than",
      lte: "at most",
      in: "is one of",
      nin: "is not one of",
    },
    found: (count: number) => plural(count, { one: "# result", other: "# results" }),
    searchedBy: (mode: string) => `searched by ${mode}`,
    none: "Nothing found. Try other words, a lower minimum score, or no filters.",
    score: "Score",
    scoreOf: (score: string) => `Score ${score}`,
    open: "Show in the file",
    remarks: "Remarks",
  },
  file: {
    title: "Files",
    name: "File",
    status: "Status",
    chunks: "Chunks",
    attributes: "Attributes",
    empty: "No files yet. Upload some, or add one that is uploaded already.",
    progress: (done: number, total: number) =>
      total === 0 ? "reading" : `${formatNumber(done)} of ${plural(total, { one: "# chunk", other: "# chunks" })}`,
    progressOf: (name: string) => `Ingest of ${name}`,
    showChunks: (count: number) => plural(count, { one: "# chunk", other: "# chunks" }),
    chunksOf: (name: string) => ` of ${name}`,
    remove: "Remove",
    removeTitle: (name: string) => `Remove "${name}" from this store?`,
    removeText: "Searches no longer find it. The file itself is kept.",
    again: "Ingest again",
    helps: {
      invalid_file: "Check that the file opens elsewhere and has text, and upload it again.",
      unsupported_file:
        "Convert it to PDF, Word, HTML or text. Scans and images need OCR, which the operator can set up.",
      server_error: "The file is not the cause. Ingest it again; if it fails again, the log of the server says why.",
    } as Record<string, string>,
    addExisting: "Add an uploaded file",
    choose: "Uploaded file",
    noFiles: "There are no uploaded files yet.",
    add: "Add",
  },
  chunks: {
    title: (name: string) => `Chunks of ${name}`,
    intro: "The text as it is indexed. Neighbors overlap.",
    number: (position: number) => `Chunk ${formatNumber(position + 1)}`,
    lines: (first: number, last: number) =>
      first === last ? `line ${formatNumber(first)}` : `lines ${formatNumber(first)}–${formatNumber(last)}`,
    pages: (first: number, last: number) =>
      first === last ? `page ${formatNumber(first)}` : `pages ${formatNumber(first)}–${formatNumber(last)}`,
    fromStart: "From the beginning",
    close: "Close",
    none: "This file has no chunks yet.",
  },
  usage: (bytes: number) => formatBytes(bytes),
};
