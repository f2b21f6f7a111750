export const words = {
  title: "Threads",
  intro: "Your conversations, the newest first.",
  empty: "A thread is a conversation: messages, and the runs that answer them.",
  ask: "Ask something",
  code: `from projectdavid import Entity

client = Entity()
assistant = client.assistants.create_assistant(model="demo/assistant")
thread = client.threads.create_thread()
client.runs.run(assistant, thread, content="Hello!")`,
  untitled: "Untitled",
  thread: "Thread",
  created: "Created",
  state: "State",
  id: "Id",
  continue: "Continue in the playground",
  noMessages: "This thread has no messages.",
  runs: "Runs",
  noRuns: "No run has answered this thread yet.",
  run: "Run",
  status: "Status",
  model: "Model",
  tokens: "tokens",
  showRuns: "Runs of this thread",
};
