/** Marks of citations in a text. */

import type { components } from "@/api/schema";
import type { Annotation } from "@/streams/events";

export type FileCitation = components["schemas"]["FileCitation"];
export type UrlCitation = components["schemas"]["UrlCitation"];

/** Replace the marks of the model by numbered links, which `Markdown` renders as buttons.
 *
 * Positions count code points, as Python does. A mark that is not where its annotation says stays text.
 */
export function numberCitations(text: string, annotations: Annotation[]): string {
  if (annotations.length === 0) return text;
  const points = [...text];
  const parts: string[] = [];
  let end = 0;
  const ordered = annotations.map((annotation, index) => ({ ...annotation, index }));
  ordered.sort((one, other) => one.start_index - other.start_index);
  for (const { start_index: from, end_index: to, text: mark, index } of ordered) {
    if (from < end || points.slice(from, to).join("") !== mark) continue;
    parts.push(points.slice(end, from).join(""), `[${index + 1}](#citation-${index})`);
    end = to;
  }
  return parts.join("") + points.slice(end).join("");
}

/** "page 3, lines 7–9". */
export function describePlace(citation: FileCitation, words: { page: string; line: string; lines: string }): string {
  const { page, first_line: first, last_line: last } = citation;
  const parts: string[] = [];
  if (page != null) parts.push(`${words.page} ${page}`);
  if (first != null)
    parts.push(last != null && last !== first ? `${words.lines} ${first}–${last}` : `${words.line} ${first}`);
  return parts.join(", ");
}
