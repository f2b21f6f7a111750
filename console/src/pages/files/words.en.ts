export const words = {
  title: "Files",
  shows: "your files, with upload, preview, and where each is used.",
};
