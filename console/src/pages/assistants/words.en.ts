export const words = {
  title: "Assistants",
  shows: "your assistants, and a form for each with its tools, files and webhook.",
};
