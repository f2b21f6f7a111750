export const words = {
  title: "Playground",
  shows: "an assistant or an unsaved one, a conversation with its tools, and the same as code.",
};
