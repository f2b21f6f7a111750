// Assistants under test by `promptfoo eval`, with its provider `openai:assistant:`.
//
// Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what the command wrote of each test.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import OpenAI from "openai";

const openai = new OpenAI();

const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather of a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

function assistant(...tools) {
  return openai.beta.assistants.create({ name: "Forecaster", instructions: "You help.", model: "gpt-4o", tools });
}

async function handbook() {
  const text = "# Handbook\n\nThe warranty lasts two years.\n";
  const file = await openai.files.create({ file: new File([text], "handbook.md"), purpose: "assistants" });
  const store = await openai.vectorStores.create({ name: "Books" });
  await openai.vectorStores.files.createAndPoll(store.id, { file_id: file.id }, { pollIntervalMs: 20 });
  return { file, store };
}

writeFileSync("weather.cjs", "module.exports.getWeather = async ({ city }) => `rain in ${city}`;\n");
const callbacks = { get_weather: "file://weather.cjs:getWeather" };
const caller = await assistant(WEATHER);
const coder = await assistant({ type: "code_interpreter" });
const reader = await assistant({ type: "file_search" });
const { file, store } = await handbook();

// Each case: the assistant, the question, what the output has to contain, and the options of the provider.
const CASES = {
  function: [caller, "How is it in Oslo?", "They said: rain in Oslo", { functionToolCallbacks: callbacks }],
  without_callback: [caller, "How is it in Oslo?", "Call function get_weather", {}],
  code: [coder, "What is 1 + 1?", "They said: 2", {}],
  search: [
    reader,
    "How long is the warranty?",
    "two years",
    { tool_resources: { file_search: { vector_store_ids: [store.id] } } },
  ],
  attached: [
    reader,
    "How long is the warranty?",
    "two years",
    { attachments: [{ file_id: file.id, tools: [{ type: "file_search" }] }] },
  ],
  options: [
    coder,
    "How is it in Oslo?",
    "They said: rain in Oslo",
    {
      instructions: "Be brief.",
      modelName: "gpt-4o-mini",
      temperature: 0,
      metadata: { suite: "weather" },
      tools: [WEATHER],
      toolChoice: { type: "function", function: { name: "get_weather" } },
      functionToolCallbacks: { get_weather: "async ({ city }) => `rain in ${city}`" },
    },
  ],
};

const cases = Object.entries(CASES);
const config = {
  prompts: ["{{question}}"],
  providers: cases.map(([label, [{ id }, , , options]]) => ({ id: `openai:assistant:${id}`, label, config: options })),
  tests: cases.map(([label, [, question, value]]) => ({
    providers: [label],
    vars: { question },
    assert: [{ type: "contains", value }],
  })),
};
writeFileSync("config.json", JSON.stringify(config));
// The command fails if an assertion does.
const command = ["eval", "--config", "config.json", "--output", "results.json", "--no-cache", "--no-table"];
execFileSync("node_modules/.bin/promptfoo", command, { stdio: ["ignore", "ignore", "inherit"] });
const { results } = JSON.parse(readFileSync("results.json", "utf8"));
const report = results.results.map(({ provider, success, response: { output, tokenUsage } }) => [
  provider.label,
  { success, output, counts_tokens: tokenUsage.total > 0 },
]);
console.log(JSON.stringify(Object.fromEntries(report)));
