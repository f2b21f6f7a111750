export const words = {
  title: "Runs",
  shows: "your runs with status, model, tokens, cost and time; for one run its timeline, steps and journal.",
};
