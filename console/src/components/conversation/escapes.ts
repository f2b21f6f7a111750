/** Output of a terminal as plain text. */

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
/** Strings (OSC, DCS, SOS, PM, APC) to their end, control sequences (CSI), and other escapes. */
const ESCAPES =
  /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c|$)|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|\u001b[ -/]*[0-~]?/g;
const CONTROLS = /[\u0000-\u0007\u000b-\u001f\u007f-\u009f]/g;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: end.

/** Remove escape sequences and control characters; a carriage return and a backspace do what a terminal does. */
export function stripEscapes(text: string): string {
  return text.replace(ESCAPES, "").replaceAll("\r\n", "\n").split("\n").map(overwrite).join("\n");
}

function overwrite(line: string): string {
  let shown: string[] = [];
  for (const part of line.split("\r")) {
    const written = [...erase(part).replace(CONTROLS, "")];
    shown = [...written, ...shown.slice(written.length)];
  }
  return shown.join("");
}

function erase(text: string): string {
  if (!text.includes("\b")) return text;
  const kept: string[] = [];
  for (const character of text) {
    if (character === "\b") kept.pop();
    else kept.push(character);
  }
  return kept.join("");
}
