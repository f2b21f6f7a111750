export const words = {
  title: "Terminal",
  shows: "the live terminal of a thread, with its commands and files.",
};
