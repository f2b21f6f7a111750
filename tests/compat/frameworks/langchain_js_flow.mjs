// Assistants through LangChain's `OpenAIAssistantRunnable` for JavaScript.
//
// Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what a program that uses LangChain sees.

import { AgentExecutor } from "@langchain/classic/agents";
import { OpenAIAssistantRunnable } from "@langchain/classic/experimental/openai_assistant";
import { tool } from "@langchain/core/tools";
import { OpenAIClient } from "@langchain/openai";
import { z } from "zod";

const ASSISTANT = { name: "Forecaster", instructions: "You report the weather.", model: "gpt-4o", pollIntervalMs: 20 };
const called = [];

const getWeather = tool(
  async ({ city }) => {
    called.push(city);
    return `rain in ${city}`;
  },
  { name: "get_weather", description: "The weather of a city.", schema: z.object({ city: z.string() }) },
);

// The executor calls the tool; a second question continues the thread.
async function executes() {
  const agent = await OpenAIAssistantRunnable.createAssistant({ ...ASSISTANT, tools: [getWeather], asAgent: true });
  const executor = new AgentExecutor({ agent, tools: [getWeather], returnIntermediateSteps: true });
  const first = await executor.invoke({ content: "How is it in Oslo?" });
  const again = await executor.invoke({ content: "And now?", threadId: first.threadId });
  return {
    output: first.output,
    steps: first.intermediateSteps.map(({ action, observation }) => [action.tool, action.toolInput, observation]),
    again: again.output,
    same_thread: again.threadId === first.threadId,
  };
}

// Without an executor a program receives the calls and submits their outputs.
async function answersCalls() {
  const agent = await OpenAIAssistantRunnable.createAssistant({ ...ASSISTANT, tools: [getWeather], asAgent: true });
  const [action] = await agent.invoke({ content: "How is it in Oslo?" });
  const { threadId, runId, toolCallId } = action;
  const toolOutputs = [{ tool_call_id: toolCallId, output: await getWeather.invoke(action.toolInput) }];
  const finish = await agent.invoke({ threadId, runId, toolOutputs });
  return { action: [action.tool, action.toolInput], output: finish.returnValues.output };
}

// As a plain runnable it returns the messages of the run; here code ran and a picture was made.
async function runsCode() {
  const runnable = await OpenAIAssistantRunnable.createAssistant({ ...ASSISTANT, tools: [{ type: "code_interpreter" }] });
  const messages = await runnable.invoke({ content: "What is 1 + 1?" });
  return messages.flatMap(({ role, content }) => content.map((part) => [role, part.type, part.text?.value ?? null]));
}

// A file that is attached to the question is searched and cited.
async function searches() {
  const client = new OpenAIClient();
  const runnable = await OpenAIAssistantRunnable.createAssistant({ ...ASSISTANT, tools: [{ type: "file_search" }], client });
  const text = "# Handbook\n\nThe warranty lasts two years.\n";
  const file = await client.files.create({ file: new File([text], "handbook.md"), purpose: "assistants" });
  const attachments = [{ file_id: file.id, tools: [{ type: "file_search" }] }];
  const [message] = await runnable.invoke({ content: "How long is the warranty?", attachments });
  const { value, annotations } = message.content[0].text;
  return { value, cites_the_file: annotations.map(({ file_citation }) => file_citation.file_id === file.id) };
}

async function changes() {
  const runnable = await OpenAIAssistantRunnable.createAssistant(ASSISTANT);
  const before = await runnable.getAssistant();
  const after = await runnable.modifyAssistant({ name: "Meteorologist", instructions: "Be brief." });
  const deleted = await runnable.deleteAssistant();
  const gone = await runnable.getAssistant().then(() => null, (error) => [error.status, error.constructor.name]);
  return {
    before: [before.name, before.instructions, before.model],
    after: [after.name, after.instructions, after.model, after.id === before.id],
    deleted: [deleted.id === before.id, deleted.deleted],
    gone,
  };
}

const report = {
  executor: await executes(),
  by_hand: await answersCalls(),
  code: await runsCode(),
  search: await searches(),
  changes: await changes(),
};
console.log(JSON.stringify({ ...report, called }));
