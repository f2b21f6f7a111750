/** The reducer of a run: the same for live, late and reloaded readers. */

import type { DataOf, EventType, KnownEvent, RunEvent, UnknownEvent } from "./events";
import { type CallView, type Item, isFinal, type MessageView, type RunView } from "./view";

type Reducers = { [T in EventType]: (view: RunView, data: DataOf<T>, position: number) => RunView };

const REDUCERS: Reducers = {
  status: (view, data) => {
    const next = {
      ...view,
      status: data.status,
      usage: data.usage ?? view.usage,
      incompleteDetails: data.incomplete_details ?? view.incompleteDetails,
    };
    return isFinal(data.status) ? closeTurn(next) : next;
  },
  message_created: (view, { message_id: id }) => ({
    ...addItem(view, { kind: "message", id }),
    messages: { ...view.messages, [id]: newMessage(id) },
    openMessage: id,
    openCall: null,
  }),
  content: (view, { content }) => addToMessage(view, "text", content),
  refusal: (view, { content }) => addToMessage(view, "refusal", content),
  reasoning: (view, { content }, position) => {
    const last = view.items.at(-1);
    if (last?.kind === "reasoning" && last.state === "open") {
      return { ...view, items: [...view.items.slice(0, -1), { ...last, text: last.text + content }] };
    }
    return addItem(view, { kind: "reasoning", position, text: content, state: "open" });
  },
  call_created: (view, { tool_call_id: id, name }) => ({
    ...(view.calls[id] ? view : addItem(view, { kind: "call", id })),
    calls: { ...view.calls, [id]: { ...newCall(id), name } },
    openCall: id,
  }),
  call_arguments: (view, { content }) =>
    view.openCall === null
      ? view
      : changeCall(view, view.openCall, (call) => ({ argumentsText: call.argumentsText + content })),
  message_discarded: (view, { message_id: id }) => discardTurn(changeMessage(view, id, { state: "discarded" })),
  message_completed: (view, data) => {
    const known = view.messages[data.message_id];
    return closeTurn(
      changeMessage(view, data.message_id, {
        state: data.status ?? "completed",
        attachments: data.attachments ?? [],
        citations: data.annotations ?? known?.citations ?? [],
        removedCitations: data.removed_citations ?? 0,
      }),
    );
  },
  citation: (view, { message_id: id, annotation }) =>
    changeMessage(view, id, { citations: [...(view.messages[id]?.citations ?? []), annotation] }),
  tool_call_manifest: (view, data) =>
    changeCall(closeTurn(view), data.tool_call_id, () => ({
      state: "asks",
      name: data.tool,
      actionId: data.action_id,
      args: data.args,
    })),
  approval_required: (view, data) =>
    changeCall(closeTurn(view), data.tool_call_id, () => ({
      state: "gated",
      name: data.name,
      actionId: data.action_id,
      args: data.args,
      approval: data,
    })),
  approval_decided: (view, data) =>
    changeCall(view, data.tool_call_id, ({ args }) => ({
      state: data.verdict,
      args: data.arguments ? JSON.parse(data.arguments) : args,
      approval: null,
    })),
  tool_started: (view, data) =>
    // A second start follows a crash of the server: what the first one wrote is void, but its files exist.
    changeCall(closeTurn(view), data.tool_call_id, () => ({
      state: "running",
      name: data.name,
      tool: data.tool,
      actionId: data.action_id,
      code: "",
      output: [],
      result: null,
    })),
  code: (view, data) => changeCall(view, data.tool_call_id, (call) => ({ code: call.code + data.content })),
  output: (view, { tool_call_id: id, stream, content }) =>
    changeCall(view, id, ({ output }) => {
      const last = output.at(-1);
      if (last?.stream !== stream) return { output: [...output, { stream, content }] };
      return { output: [...output.slice(0, -1), { stream, content: last.content + content }] };
    }),
  file: (view, data) =>
    changeCall(view, data.tool_call_id, ({ files }) => ({
      files: [...files.filter((file) => file.file_id !== data.file_id), data],
    })),
  sandbox: (view, data) => changeCall(view, data.tool_call_id, () => ({ sandbox: data })),
  tool_output: (view, data) =>
    changeCall(closeTurn(view), data.tool_call_id, ({ state }) => ({
      state: state === "denied" ? state : data.outcome === "unknown" ? "unknown" : data.error ? "failed" : "done",
      result: data.output,
    })),
  warning: (view, warning, position) => addItem(view, { kind: "warning", position, warning }),
  retry: (view, retry, position) => addItem(discardTurn(view), { kind: "retry", position, retry }),
  error: (view, error, position) => ({ ...addItem(view, { kind: "error", position, error }), error }),
};

/** Return the view after an event.
 *
 * Total: an unknown type is kept in `unknown`. Idempotent: an event whose position is known already changes nothing.
 */
export function fold(view: RunView, event: RunEvent): RunView {
  if (event.id === null) return isEnd(event) ? { ...view, ended: event } : view;
  if (event.id <= view.position) return view;
  const next = isKnown(event) ? reduce(view, event, event.id) : { ...view, unknown: [...view.unknown, event] };
  return { ...next, position: event.id };
}

/** Return the view after several events. */
export function foldAll(view: RunView, events: Iterable<RunEvent>): RunView {
  let next = view;
  for (const event of events) next = fold(next, event);
  return next;
}

function reduce<T extends EventType>(view: RunView, event: KnownEvent & { type: T }, position: number): RunView {
  const reducer = REDUCERS[event.type] as (view: RunView, data: KnownEvent, position: number) => RunView;
  return reducer(view, event, position);
}

function isKnown(event: RunEvent): event is KnownEvent {
  return Object.hasOwn(REDUCERS, event.type);
}

function isEnd(event: RunEvent): event is Extract<KnownEvent, { type: "error" }> | (UnknownEvent & DataOf<"error">) {
  return event.type === "error";
}

function newMessage(id: string): MessageView {
  return { id, text: "", refusal: "", state: "writing", attachments: [], citations: [], removedCitations: 0 };
}

function newCall(id: string): CallView {
  return {
    id,
    name: "",
    tool: null,
    actionId: null,
    argumentsText: "",
    args: null,
    state: "writing",
    code: "",
    output: [],
    files: [],
    sandbox: null,
    result: null,
    approval: null,
  };
}

function addItem(view: RunView, item: Item): RunView {
  return { ...view, items: [...view.items, item] };
}

function addToMessage(view: RunView, field: "text" | "refusal", content: string): RunView {
  const message = view.openMessage === null ? undefined : view.messages[view.openMessage];
  return message ? changeMessage(view, message.id, { [field]: message[field] + content }) : view;
}

/** Change a message, if the journal has created it. */
function changeMessage(view: RunView, id: string, change: Partial<MessageView>): RunView {
  const message = view.messages[id];
  return message ? { ...view, messages: { ...view.messages, [id]: { ...message, ...change } } } : view;
}

/** Change a call; one that nothing announced, such as one of an earlier version, is added. */
function changeCall(view: RunView, id: string, change: (call: CallView) => Partial<CallView>): RunView {
  const known = view.calls[id];
  const call = known ?? newCall(id);
  const base = known ? view : addItem(view, { kind: "call", id });
  return { ...base, calls: { ...base.calls, [id]: { ...call, ...change(call) } } };
}

/** A turn of the model is a committed fact: nothing after it withdraws its reasoning or calls. */
function closeTurn(view: RunView): RunView {
  const isOpen = (item: Item) => item.kind === "reasoning" && item.state === "open";
  const items = view.items.some(isOpen)
    ? view.items.map((item): Item => (item.kind === "reasoning" && isOpen(item) ? { ...item, state: "closed" } : item))
    : view.items;
  return { ...view, items, openMessage: null, openCall: null };
}

/** The model is asked again: reasoning and unfinished calls of this turn are void. */
function discardTurn(view: RunView): RunView {
  const items = view.items.map(
    (item): Item => (item.kind === "reasoning" && item.state === "open" ? { ...item, state: "discarded" } : item),
  );
  const calls = Object.fromEntries(
    Object.entries(view.calls).map(([id, call]) => [
      id,
      call.state === "writing" ? { ...call, state: "discarded" as const } : call,
    ]),
  );
  return { ...view, items, calls, openMessage: null, openCall: null };
}
