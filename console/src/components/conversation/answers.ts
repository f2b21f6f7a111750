/** An output that the user writes for a call. */

export interface Answer {
  text: string;
  /** Send it although it looks like JSON and is not valid. */
  asText: boolean;
}

/** Return why a text that looks like JSON is not valid, null if it is fine. */
export function findJsonError({ text, asText }: Answer): string | null {
  if (asText || !/^\s*[[{]/.test(text)) return null;
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
