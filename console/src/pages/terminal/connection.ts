/** A connection to a terminal that is made again after a cut, each time with a new ticket. */

import { api, send, toOwnOrigin } from "@/api/client";
import { isTemporary } from "@/api/errors";
import type { ShellOutput } from "./transcript";

export interface CommandComplete {
  type: "command_complete";
  command: string;
  exit_status: number | null;
}

export interface ComputerFile {
  type: "computer_file";
  file_id: string;
  filename: string;
  mime_type: string;
  size: number;
}

export type Frame = ShellOutput | CommandComplete | ComputerFile | { type: "other" };

export type ConnectionState =
  | { name: "connecting" | "watching" }
  | { name: "reconnecting"; isRefused: boolean }
  | { name: "stopped" | "ended"; reason: string; error?: unknown };

interface Listener {
  onState: (state: ConnectionState) => void;
  onOpen: () => void;
  onFrame: (frame: Frame) => void;
}

const PING_MS = 25_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const GOODBYE = 1000;
const POLICY_VIOLATION = 1008;
const REFUSALS = 3;

/** Watch the terminal of a thread; returns what ends that. */
export function watchTerminal(threadId: string, listener: Listener): () => void {
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let isOver = false;

  const connect = async () => {
    try {
      const ticket = await send(api.GET("/v1/computer/session", { params: { query: { room_id: threadId } } }));
      if (isOver) return;
      socket = open(toSocketUrl(ticket.ws_url, threadId, ticket.token));
    } catch (error) {
      if (isOver) return;
      if (isTemporary(error)) retry();
      else listener.onState({ name: "stopped", reason: "", error });
    }
  };
  const open = (url: string) => {
    const made = new WebSocket(url);
    let pings: ReturnType<typeof setInterval> | undefined;
    made.onopen = () => {
      failures = 0;
      pings = setInterval(() => made.send('{"action":"ping"}'), PING_MS);
      listener.onOpen();
      listener.onState({ name: "watching" });
    };
    made.onmessage = ({ data }) => listener.onFrame(parseFrame(data));
    made.onclose = ({ code, reason }) => {
      clearInterval(pings);
      if (isOver) return;
      if (code === POLICY_VIOLATION) listener.onState({ name: "stopped", reason });
      else if (code === GOODBYE) listener.onState({ name: "ended", reason });
      else retry();
    };
    return made;
  };
  const retry = () => {
    failures += 1;
    listener.onState({ name: "reconnecting", isRefused: failures > REFUSALS });
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS);
    // Viewers that lost the same server do not come back at once.
    timer = setTimeout(connect, wait * (0.75 + Math.random() / 4));
  };

  listener.onState({ name: "connecting" });
  void connect();
  return () => {
    isOver = true;
    clearTimeout(timer);
    socket?.close();
  };
}

/** The address of the socket at this page's own host: the server may know itself by another name. */
export function toSocketUrl(link: string, threadId: string, token: string, page = window.location.href): string {
  const url = new URL(toOwnOrigin(link), page);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = new URLSearchParams({ room: threadId, token, role: "viewer" }).toString();
  return url.href;
}

function parseFrame(data: unknown): Frame {
  const frame = JSON.parse(String(data)) as Frame;
  return ["shell_output", "command_complete", "computer_file"].includes(frame.type) ? frame : { type: "other" };
}
