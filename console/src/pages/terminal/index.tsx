import { type ReactNode, useRef } from "react";
import { Link, useParams } from "wouter";
import { useHealth } from "@/api/queries";
import { Button, IconButton, LinkButton } from "@/components/Button";
import { copyText } from "@/components/CopyButton";
import { ErrorBox } from "@/components/ErrorBox";
import { CheckField } from "@/components/Form";
import { announce } from "@/components/notices";
import { Page, Section } from "@/components/Page";
import { Pill, type Tone } from "@/components/Pill";
import { formatBytes, formatNumber } from "@/format";
import { usePreference } from "@/storage";
import { words as shared } from "@/words";
import type { ComputerFile, ConnectionState } from "./connection";
import styles from "./terminal.module.css";
import { type ListedCommand, useTerminal } from "./useTerminal";
import { words } from "./words.en";

const TONES: Record<ConnectionState["name"], Tone> = {
  connecting: "info",
  watching: "good",
  reconnecting: "warn",
  ended: "neutral",
  stopped: "bad",
};
const SIZES = { least: 9, normal: 13, most: 24 };

/** The live terminal of a thread, to watch. */
export default function TerminalPage() {
  const { thread = "" } = useParams();
  return <Terminal key={thread} threadId={thread} />;
}

function Terminal({ threadId }: { threadId: string }) {
  const element = useRef<HTMLDivElement>(null);
  const [storedSize, storeSize] = usePreference("terminal.size");
  const [reader, storeReader] = usePreference("terminal.reader");
  const fontSize = clampSize(Number(storedSize ?? SIZES.normal));
  const isReaderMode = reader === "on";
  const { state, commands, files, hasOutput, screen, reconnect } = useTerminal(threadId, element, {
    fontSize,
    isReaderMode,
  });
  const copy = async () => {
    const succeeded = await copyText(screen?.readText() ?? "");
    announce(succeeded ? shared.copy.copied : shared.copy.failed, succeeded ? "good" : "bad");
  };
  const resize = (step: number) => storeSize(String(clampSize(fontSize + step)));
  return (
    <Page
      title={words.title}
      intro={words.intro}
      actions={
        <LinkButton to={`/threads/${threadId}`} icon="threads">
          {words.toThread}
        </LinkButton>
      }
    >
      <div className={styles.bar}>
        <span role="status">
          <Pill tone={TONES[state.name]}>{words.states[state.name]}</Pill>
        </span>
        <span className={styles.tools}>
          <CheckField
            label={words.reader}
            checked={isReaderMode}
            onChange={({ target }) => storeReader(target.checked ? "on" : null)}
          />
          <IconButton icon="minus" label={words.smaller} onClick={() => resize(-1)} />
          <span className={styles.size}>{formatNumber(fontSize)}</span>
          <IconButton icon="plus" label={words.larger} onClick={() => resize(1)} />
          <Button icon="copy" size="small" onClick={copy}>
            {words.copy}
          </Button>
        </span>
      </div>
      <Trouble state={state} onReconnect={reconnect} />
      {state.name === "watching" && !hasOutput && <p className={styles.soft}>{words.waiting}</p>}
      <section aria-label={words.screen} className={styles.screen}>
        <div ref={element} className={styles.inner} />
      </section>
      <div className={styles.columns}>
        <Commands commands={commands} />
        <Files files={files} />
      </div>
    </Page>
  );
}

function clampSize(size: number): number {
  return Number.isFinite(size) ? Math.min(Math.max(size, SIZES.least), SIZES.most) : SIZES.normal;
}

/** Why nothing is shown, and what helps. */
function Trouble({ state, onReconnect }: { state: ConnectionState; onReconnect: () => void }): ReactNode {
  const computer = useHealth().data?.tools.computer as { available?: boolean; reason?: string } | undefined;
  if (computer?.available === false) return <p role="alert">{words.off(computer.reason ?? words.noReason)}</p>;
  if (state.name === "reconnecting")
    return <p className={styles.warn}>{state.isRefused ? words.refused : words.away}</p>;
  if (state.name !== "stopped" && state.name !== "ended") return null;
  if (state.error !== undefined) return <ErrorBox error={state.error} onRetry={onReconnect} />;
  return (
    <div role="alert" className={styles.stopped}>
      <p>{words.stopped(state.reason || words.noReason)}</p>
      <Button onClick={onReconnect}>{words.again}</Button>
    </div>
  );
}

function Commands({ commands }: { commands: ListedCommand[] }) {
  return (
    <Section title={words.commands}>
      {commands.length === 0 && <p className={styles.soft}>{words.noCommands}</p>}
      <ol className={styles.list}>
        {commands.map(({ id, command, exit_status: status }) => (
          <li key={id} data-row data-copy={command}>
            <code dir="ltr">{command}</code>
            {status === null ? (
              <Pill tone="warn">{words.interrupted}</Pill>
            ) : (
              <Pill tone={status === 0 ? "good" : "bad"}>{words.exit(status)}</Pill>
            )}
          </li>
        ))}
      </ol>
    </Section>
  );
}

function Files({ files }: { files: ComputerFile[] }) {
  return (
    <Section title={words.files}>
      {files.length === 0 && <p className={styles.soft}>{words.noFiles}</p>}
      <ul className={styles.list}>
        {files.map(({ file_id, filename, size }) => (
          <li key={file_id} data-row>
            <Link href={`/files?id=${file_id}`}>{filename}</Link>
            <span className={styles.soft}>{formatBytes(size)}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
