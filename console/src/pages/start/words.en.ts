import { plural } from "@/format";

export const words = {
  title: "Start",
  headline: "Ready to try",
  away: "The server does not answer",
  healthy: (version: string, uptime: string) => `Version ${version} has been running for ${uptime}.`,
  running: (count: number) => plural(count, { one: "# run is at work.", other: "# runs are at work." }),
  readOnly: "It is a restored copy and only reads.",
  examplesTitle: "Ask something that needs a tool",
  examples: [
    {
      tool: "code_interpreter",
      title: "Compute and plot",
      prompt: "Plot sin(x) * exp(-x / 5) from 0 to 20, and say what the area under it is.",
      uses: "Writes Python, runs it in the sandbox, shows the picture.",
    },
    {
      tool: "computer",
      title: "Use a computer",
      prompt: "Run `uname -a` and `python3 --version`, and say what this machine is.",
      uses: "Runs commands in a shell that you can watch.",
    },
    {
      tool: "file_search",
      title: "Answer from files",
      prompt: "What do my files say about the warranty? Quote the sentence.",
      uses: "Searches a vector store, cites file, page and line.",
    },
    {
      tool: "function",
      title: "Call your function",
      prompt: "What is the weather in Oslo?",
      uses: "Asks for get_weather; you answer the call in the page.",
    },
  ],
  try: "Try it",
  off: "Off:",
  modelsTitle: "Models",
  demo: "A script, not a model: it needs no key and no network, calls tools by simple rules, and repeats what you say.",
  demoNext: "Set OPENAI_BASE_URL and OPENAI_API_KEY, or OLLAMA_HOST, and start the server again to use a real model.",
  provider: "Provider",
  model: "Model",
  context: "Context window",
  contextDefault: "assumed",
  noModels:
    "No provider offers a model. Set OPENAI_BASE_URL and OPENAI_API_KEY, or OLLAMA_HOST, and start the server again.",
  modelsMore: (count: number) => plural(count, { one: "# more", other: "# more" }),
  toolsTitle: "What is off, and why",
  allOn: "Nothing: every tool is available.",
  noEngine: "It reads pages, but has no search engine. Set SEARXNG_URL, BRAVE_API_KEY, TAVILY_API_KEY or EXA_API_KEY.",
  lexical: "It searches by words only. Set embedding_model to search by meaning as well.",
  seeStatus: "All of it on the status page",
};
