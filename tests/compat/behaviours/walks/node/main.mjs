// Tries every behaviour with the openai-node of the folder PACKAGES; prints what came of each as JSON.
//
// Needs BASE_URL, API_KEY, and the same of a server whose runs have a second: HASTY_BASE_URL, HASTY_API_KEY.

import { File } from "node:buffer";
import { WALKS, World } from "./base.mjs";
import "./talking.mjs";
import "./tools.mjs";
import "./storing.mjs";
import "./objects.mjs";

globalThis.File ??= File; // Node 18 has it, though not as a global, and the client asks for that.
const world = new World();
const report = {};
for (const [name, act] of Object.entries(WALKS)) {
  try {
    report[name] = (await act(world)) ?? null;
  } catch (error) {
    report[name] = { failed: error.stack ?? String(error) };
  }
}
process.stdout.write(JSON.stringify(report));
