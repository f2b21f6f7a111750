// Assistants that ask each other, with experts.js.
//
// Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what a program that uses experts.js sees.

import { createRequire } from "node:module";

// As a module the package cannot be loaded in Node.
const { Assistant, Thread, Tool } = createRequire(import.meta.url)("experts");

const called = [];

// A tool without a model: its code answers.
class GetWeatherTool extends Tool {
  constructor() {
    super({
      llm: false,
      parentsTools: [
        {
          type: "function",
          function: {
            name: GetWeatherTool.toolName,
            description: "The weather of a city.",
            parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
          },
        },
      ],
    });
  }

  async ask(message) {
    const { city } = JSON.parse(message);
    called.push(city);
    return `rain in ${city}`;
  }
}

// A tool that is an assistant itself: it is asked in a thread of its own.
class CoderTool extends Tool {
  constructor() {
    super({
      name: "Coder",
      instructions: "You compute.",
      model: "gpt-4o",
      tools: [{ type: "code_interpreter" }],
      parentsTools: [
        {
          type: "function",
          function: {
            name: CoderTool.toolName,
            description: "Computes.",
            parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
          },
        },
      ],
    });
  }
}

function assistant(name, tools, ...experts) {
  class Main extends Assistant {
    constructor() {
      super({ name, instructions: "You help.", model: "gpt-4o", tools, skipUpdate: true });
      for (const expert of experts) this.addAssistantTool(expert);
    }
  }
  return Main.create();
}

// The events of an answer, and the answer.
async function ask(asked, message, thread) {
  const seen = { text: "", events: [] };
  asked.on("textDelta", ({ value }) => (seen.text += value));
  asked.on("imageFileDone", () => seen.events.push("image"));
  asked.on("toolCallDone", ({ type }) => seen.events.push(type));
  asked.on("end", () => seen.events.push("end"));
  return { answer: await asked.ask(message, thread.id), ...seen };
}

const thread = await Thread.create();
const forecaster = await assistant("Forecaster", [], GetWeatherTool);
const report = { function: await ask(forecaster, "How is it in Oslo?", thread) };
report.metadata = (await Thread.find(thread.id)).metadata;

const coder = await assistant("Coder", [{ type: "code_interpreter" }]);
report.code = await ask(coder, "What is 1 + 1?", await Thread.create());

const manager = await assistant("Manager", [], CoderTool);
const shared = await Thread.create();
report.together = await ask(manager, "What is 1 + 1?", shared);
const kept = (await Thread.find(shared.id)).metadata;
report.own_thread = (await Thread.find(kept.coder)).metadata;
console.log(JSON.stringify({ ...report, called }));
