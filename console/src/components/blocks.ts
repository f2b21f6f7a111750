/** Splits markdown into blocks, so that only the last one is parsed again while text arrives. */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const LIST = /^\s*(?:[-*+]|\d{1,9}[.)])\s/;
const CONTINUED = /^(?: {2,}|\t)/;
const PER_GROUP = 24;

/** Split at blank lines outside of fences; a list and what is indented below an item stay together. */
export function splitBlocks(text: string): string[] {
  const blocks: string[] = [];
  let block: string[] = [];
  let fence: string | null = null;
  let afterBlank = false;
  for (const line of text.split("\n")) {
    if (fence === null && afterBlank && line.trim() !== "" && !continues(block, line)) {
      blocks.push(block.join("\n"));
      block = [];
    }
    const mark = FENCE.exec(line)?.[1];
    if (fence === null) fence = mark ?? null;
    else if (mark?.startsWith(fence) && line.trim() === mark) fence = null;
    afterBlank = line.trim() === "" && fence === null;
    block.push(line);
  }
  if (block.some((line) => line.trim() !== "")) blocks.push(block.join("\n"));
  return blocks;
}

function continues(block: string[], line: string): boolean {
  const isList = LIST.test(block[0] ?? "");
  return block.length === 0 || (isList && (LIST.test(line) || CONTINUED.test(line)));
}

/** Group finished blocks: a group of 24 never changes, so React skips it as a whole. */
export function groupBlocks(blocks: string[]): string[][] {
  const groups: string[][] = [];
  for (let start = 0; start < blocks.length; start += PER_GROUP) groups.push(blocks.slice(start, start + PER_GROUP));
  return groups;
}

/** Whether a text ends inside of a fence. */
export function hasOpenFence(block: string): boolean {
  const [first = "", ...rest] = block.split("\n");
  const fence = FENCE.exec(first)?.[1];
  return fence !== undefined && !rest.some((line) => FENCE.exec(line)?.[1]?.startsWith(fence));
}
