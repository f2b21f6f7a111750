import { useMemo, useState } from "react";
import { CitationContext } from "@/components/citationContext";
import { Markdown } from "@/components/Markdown";
import type { Annotation } from "@/streams/events";
import { CitationDialog } from "./CitationDialog";
import styles from "./Cited.module.css";
import { describePlace, type FileCitation, numberCitations, type UrlCitation } from "./citations";
import { words } from "./words.en";

interface CitedProps {
  text: string;
  annotations: Annotation[];
  isComplete?: boolean;
}

/** Markdown with numbered citations; each opens what it cites. */
export function Cited({ text, annotations, isComplete = true }: CitedProps) {
  const [opened, setOpened] = useState<Annotation | null>(null);
  const numbered = useMemo(() => numberCitations(text, annotations), [text, annotations]);
  const context = useMemo(
    () => ({
      describe: (index: number) => describeSource(annotations[index]),
      open: (index: number) => setOpened(annotations[index] ?? null),
    }),
    [annotations],
  );
  return (
    <CitationContext value={context}>
      <Markdown text={numbered} isComplete={isComplete} />
      {isComplete && annotations.length > 0 && (
        <ul className={styles.sources} aria-label={words.citation.list}>
          {annotations.map((annotation, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the annotations of a message are only appended.
            <li key={index}>
              <button type="button" className={styles.source} onClick={() => setOpened(annotation)}>
                <span className={styles.number}>{index + 1}</span>
                <bdi>{describeSource(annotation)}</bdi>
              </button>
            </li>
          ))}
        </ul>
      )}
      {opened && <CitationDialog annotation={opened} onClose={() => setOpened(null)} />}
    </CitationContext>
  );
}

/** "handbook.md, line 7", or the title of a page. */
function describeSource(annotation: Annotation | undefined): string | null {
  if (!annotation) return null;
  const file = annotation.file_citation as FileCitation | null | undefined;
  if (file) return [file.filename, describePlace(file, words.citation)].filter(Boolean).join(", ");
  const page = annotation.url_citation as UrlCitation | null | undefined;
  return page ? page.title || page.url : annotation.text;
}
