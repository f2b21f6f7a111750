export const words = {
  title: "Usage",
  shows: "tokens and cost by day, assistant, key and model, and today against the limits.",
};
