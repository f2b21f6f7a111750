import { useEffect, useId, useState } from "react";
import { useLocation } from "wouter";
import { Dialog } from "@/components/Dialog";
import { Icon } from "@/components/Icon";
import { words } from "@/words";
import { type Command, findCommands } from "./commands";
import styles from "./Palette.module.css";

interface PaletteProps {
  isOpen: boolean;
  onClose: () => void;
  /** Commands besides the pages. */
  commands: Command[];
}

/** Goes to a page or an id, or runs a command: type, choose by arrows, Enter. */
export function Palette({ isOpen, onClose, commands }: PaletteProps) {
  return (
    <Dialog title={words.palette.title} isOpen={isOpen} onClose={onClose}>
      <Search onClose={onClose} commands={commands} />
    </Dialog>
  );
}

function Search({ onClose, commands }: Omit<PaletteProps, "isOpen">) {
  const [text, setText] = useState("");
  const [index, setIndex] = useState(0);
  const [, goTo] = useLocation();
  const id = useId();
  const found = findCommands(text, goTo, commands);
  const chosen = found[index];

  useEffect(() => {
    document.getElementById(`${id}-${index}`)?.scrollIntoView({ block: "nearest" });
  }, [id, index]);

  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.run();
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") run(chosen);
    else if (step && found.length > 0) setIndex((index + step + found.length) % found.length);
    else return;
    event.preventDefault();
  };

  return (
    <>
      <input
        className={styles.input}
        role="combobox"
        aria-label={words.palette.input}
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={chosen ? `${id}-${index}` : undefined}
        placeholder={words.palette.input}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          setText(event.target.value);
          setIndex(0);
        }}
        data-autofocus
      />
      <div role="listbox" id={`${id}-list`} aria-label={words.palette.title} className={styles.list}>
        {found.map((command, at) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys of the field choose.
          <div
            key={command.label}
            role="option"
            id={`${id}-${at}`}
            aria-selected={at === index}
            tabIndex={-1}
            className={styles.option}
            onClick={() => run(command)}
          >
            <Icon name={command.icon} />
            {command.label}
            <span className={styles.kind}>{command.kind}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p>{words.palette.none}</p>}
    </>
  );
}
