import { formatNumber, plural } from "@/format";

export const words = {
  title: "Files",
  intro: "What you uploaded, and what runs created. Messages, code and vector stores use them.",
  empty: "Files are attached to messages, given to code, and made searchable in vector stores. Drop some above.",
  emptyCode: `from projectdavid import Entity

client = Entity()
file = client.files.upload("sales.csv")
print(file.id)`,
  name: "Name",
  type: "Type",
  size: "Size",
  purpose: "Purpose",
  origin: "Origin",
  uploaded: "uploaded",
  byRun: "created by a run",
  created: "Created",
  expires: "Expires",
  never: "never",
  actions: "Actions",
  id: "ID",
  run: "Created by",
  hash: "SHA-256",
  filter: "Purpose",
  anyPurpose: "any purpose",
  filterHint: "Only files with this purpose",
  noMatch: "No file has this purpose.",
  delete: "Delete",
  deleteTitle: (name: string) => `Delete "${name}"?`,
  deleteText:
    "It is deleted permanently. Assistants, threads and vector stores lose it; messages keep its name, marked as deleted.",
  deleted: (name: string) => `Deleted ${name}.`,
  download: "Download",
  open: "Open in a new tab",
  preview: "Preview",
  previewOf: (name: string) => `Preview of ${name}`,
  noPreview: "Browsers do not display this type safely. Download it.",
  openPdf: "A PDF opens in a tab of its own.",
  emptyFile: "The file is empty.",
  cut: (shown: number, total: number) => `The first ${formatNumber(shown)} of ${formatNumber(total)} bytes.`,
  usage: "Where it is used",
  unused: "In no assistant and no vector store.",
  usedBy: { assistants: "Assistants", stores: "Vector stores" },
  usedMore: (count: number) =>
    `Only the newest ${plural(count, { one: "# assistant and store", other: "# assistants and stores" })} were searched.`,
  unnamedAssistant: "Unnamed assistant",
  unnamedStore: "Unnamed store",
};
