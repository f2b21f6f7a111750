export const words = {
  title: "Settings",
  shows: "the settings in force, and where each came from.",
};
