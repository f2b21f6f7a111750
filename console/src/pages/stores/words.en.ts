export const words = {
  title: "Vector stores",
  shows: "your vector stores, the ingest of their files, their chunks, and a search test.",
};
