/** Finds the words of a query in the text of a chunk. */

export interface Piece {
  text: string;
  isMarked: boolean;
  /** Where it begins in the text. */
  start: number;
}

const WORD = /[\p{L}\p{N}]+/gu;
const SHORTEST = 3;
/** Characters that are shown before the first mark. */
const LEAD = 120;
/** They are in every text. */
const COMMON = new Set(
  "and are but can did does for from has have how its not that the they this was were what when where which who why will with you your".split(
    " ",
  ),
);
const ENDINGS = /(ies|es|s|ing|ed|ly|er|en|e|y)$/;

/** Split a text into pieces; marked are its words that a query has in some form. */
export function markWords(text: string, query: string): Piece[] {
  const asked = Array.from(query.toLowerCase().matchAll(WORD), ([word]) => word);
  const stems = new Set(asked.filter((word) => word.length >= SHORTEST && !COMMON.has(word)).map(stem));
  const pieces: Piece[] = [];
  let end = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (!stems.has(stem(word.toLowerCase()))) continue;
    if (index > end) pieces.push({ text: text.slice(end, index), isMarked: false, start: end });
    pieces.push({ text: word, isMarked: true, start: index });
    end = index + word.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), isMarked: false, start: end });
  return pieces;
}

/** Mark one range of a text, such as a quote. */
export function markRange(text: string, start: number, end: number): Piece[] {
  const [from, to] = [Math.max(start, 0), Math.min(end, text.length)];
  if (from >= to) return [{ text, isMarked: false, start: 0 }];
  const pieces = [
    { text: text.slice(0, from), isMarked: false, start: 0 },
    { text: text.slice(from, to), isMarked: true, start: from },
    { text: text.slice(to), isMarked: false, start: to },
  ];
  return pieces.filter((piece) => piece.text !== "");
}

/** Cut marked text to about `length` characters, where most of its marks are. */
export function cutToMarks(pieces: Piece[], length: number): Piece[] {
  const marks = pieces.filter(({ isMarked }) => isMarked).map(({ start }) => start);
  const counts = marks.map((from) => marks.filter((start) => start >= from && start < from + length - LEAD).length);
  const best = marks[counts.indexOf(Math.max(0, ...counts))] ?? 0;
  const [from, to] = [Math.max(best - LEAD, 0), Math.max(best - LEAD, 0) + length];
  return pieces.flatMap(({ text, isMarked, start }) => {
    const [first, last] = [Math.max(from - start, 0), Math.min(to - start, text.length)];
    if (first >= last) return [];
    const before = first > 0 ? "… " : "";
    const after = last < text.length ? " …" : "";
    return [{ text: before + text.slice(first, last) + after, isMarked, start }];
  });
}

/** A word without a common ending. The index has rules of its own, so this only approximates what it matched. */
function stem(word: string): string {
  const short = word.replace(ENDINGS, "");
  return short.length >= SHORTEST ? short : word;
}
