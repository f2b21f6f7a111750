import { useEffect, useState } from "react";
import { words } from "@/words";
import { Button, IconButton } from "./Button";
import { announce } from "./notices";

const SHOWN_MS = 2000;

/** Copies a text; also on pages of plain http, where the clipboard API does not exist. */
export function CopyButton({
  text,
  label = words.copy.copy,
  hasText = false,
}: {
  text: string;
  label?: string;
  hasText?: boolean;
}) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);

  const onClick = async () => {
    const succeeded = await copyText(text);
    setCopied(succeeded);
    announce(succeeded ? words.copy.copied : words.copy.failed, succeeded ? "quiet" : "bad");
  };
  const icon = copied ? "check" : "copy";
  if (!hasText) return <IconButton size="small" icon={icon} label={label} onClick={onClick} />;
  return (
    <Button size="small" icon={icon} onClick={onClick}>
      {copied ? words.copy.copied : label}
    </Button>
  );
}

/** Copy a text; returns false if the browser refuses. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text: string): boolean {
  const focused = document.activeElement;
  // Inside of an open dialog, only its own elements can be selected.
  const place = document.querySelector("dialog[open]") ?? document.body;
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  place.append(area);
  area.select();
  const succeeded = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return succeeded;
}
