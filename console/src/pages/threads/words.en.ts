export const words = {
  title: "Threads",
  shows: "your conversations, with title, age and running badge, and the runs of each.",
};
