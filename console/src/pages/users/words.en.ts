export const words = {
  title: "Users",
  shows: "the users of this server, with their limits.",
};
