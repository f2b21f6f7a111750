import { type RefObject, useEffect, useRef, useState } from "react";
import { type CommandComplete, type ComputerFile, type ConnectionState, watchTerminal } from "./connection";
import type { Screen, ScreenOptions } from "./screen";
import { Transcript } from "./transcript";
import { words } from "./words.en";

const MAX_LISTED = 200;

export interface ListedCommand extends CommandComplete {
  id: number;
}

/** A terminal in an element: its connection, and what ended and appeared while it was watched. */
export function useTerminal(threadId: string, element: RefObject<HTMLElement | null>, options: ScreenOptions) {
  const [state, setState] = useState<ConnectionState>({ name: "connecting" });
  const [commands, setCommands] = useState<ListedCommand[]>([]);
  const [files, setFiles] = useState<ComputerFile[]>([]);
  const [hasOutput, setHasOutput] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const screen = useScreen(element, options);
  const transcript = useRef(new Transcript());

  useEffect(() => {
    if (!screen) return;
    let count = 0;
    return watchTerminal(threadId, {
      onState: setState,
      onOpen: () => transcript.current.reconnect(),
      onFrame: (frame) => {
        if (frame.type === "shell_output") {
          const output = transcript.current.accept(frame);
          if (!output) return;
          if (output.isNewShell) screen.writeNotice(words.newShell);
          if (output.lost > 0) screen.writeNotice(words.lost(output.lost));
          screen.write(output.text);
          setHasOutput(true);
        } else if (frame.type === "command_complete") {
          count += 1;
          const id = attempt * 1_000_000 + count;
          setCommands((before) => [{ ...frame, id }, ...before].slice(0, MAX_LISTED));
        } else if (frame.type === "computer_file") {
          setFiles((before) => [frame, ...before.filter((one) => one.file_id !== frame.file_id)].slice(0, MAX_LISTED));
        }
      },
    });
  }, [threadId, screen, attempt]);

  return { state, commands, files, hasOutput, screen, reconnect: () => setAttempt((before) => before + 1) };
}

/** The screen in an element, null until its code is loaded. */
function useScreen(element: RefObject<HTMLElement | null>, { fontSize, isReaderMode }: ScreenOptions): Screen | null {
  const [screen, setScreen] = useState<Screen | null>(null);
  const latest = useRef({ fontSize, isReaderMode });
  latest.current = { fontSize, isReaderMode };
  useEffect(() => {
    let made: Screen | undefined;
    let isCurrent = true;
    void import("./screen").then((module) => {
      if (!isCurrent || !element.current) return;
      made = new module.Screen(element.current, latest.current);
      setScreen(made);
    });
    return () => {
      isCurrent = false;
      made?.dispose();
      setScreen(null);
    };
  }, [element]);
  useEffect(() => screen?.setOptions({ fontSize, isReaderMode }), [screen, fontSize, isReaderMode]);
  return screen;
}
