/** What the numbered citations in a text do: `Markdown` renders links to `#citation-N` as buttons inside of it. */

import { createContext } from "react";

export interface Citations {
  /** The name of what a citation cites, null if there is no such citation. */
  describe: (index: number) => string | null;
  open: (index: number) => void;
}

export const CitationContext = createContext<Citations | null>(null);

/** The index of the citation that a link leads to, null for other links. */
export function citationIndex(href: string | undefined): number | null {
  const digits = /^#citation-(\d+)$/.exec(href ?? "")?.[1];
  return digits === undefined ? null : Number(digits);
}
