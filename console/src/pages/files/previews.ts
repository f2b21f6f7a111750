/** What a browser may show of a file, by its detected type. */

export type PreviewKind = "image" | "pdf" | "text" | "none";

const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const TEXTS = /^(text\/|application\/(json|x-ndjson|xml|toml|yaml|x-yaml|javascript|x-python|sql|x-sh)\b)/;
const LANGUAGES: Record<string, string> = {
  py: "python",
  js: "javascript",
  ts: "typescript",
  json: "json",
  md: "markdown",
  sh: "bash",
  sql: "sql",
  xml: "xml",
  html: "xml",
  svg: "xml",
  css: "css",
  yaml: "yaml",
  yml: "yaml",
};

/** Return how a file is shown. Text is never run: HTML and SVG appear as their source. */
export function choosePreview(mimeType: string): PreviewKind {
  const [type = ""] = mimeType.split(";");
  if (IMAGES.has(type)) return "image";
  if (type === "application/pdf") return "pdf";
  return TEXTS.test(type) || type === "image/svg+xml" ? "text" : "none";
}

/** The language of a text file for its colors, undefined if its name does not say. */
export function findLanguage(name: string): string | undefined {
  return LANGUAGES[name.slice(name.lastIndexOf(".") + 1).toLowerCase()];
}
