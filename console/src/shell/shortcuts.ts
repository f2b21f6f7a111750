/** Keyboard shortcuts of all pages. Single letters do nothing in fields and can be switched off (WCAG 2.1.4). */

import { useEffect, useRef } from "react";
import { copyText } from "@/components/CopyButton";
import { announce } from "@/components/notices";
import { ROUTES } from "@/routes";
import { usePreference } from "@/storage";
import { words } from "@/words";

const SEQUENCE_MS = 1500;

/** Pages by the letter that follows `g`. */
export const GO_TO = new Map(ROUTES.flatMap((route) => (route.letter ? [[route.letter, route] as const] : [])));

/** Whether single-letter shortcuts are on, and what switches them. */
export function useShortcutPreference(): [boolean, (on: boolean) => void] {
  const [stored, store] = usePreference("shortcuts");
  return [stored !== "off", (on) => store(on ? null : "off")];
}

interface Actions {
  openPalette: () => void;
  openHelp: () => void;
  goTo: (path: string) => void;
}

/** Listen for shortcuts. */
export function useShortcuts(actions: Actions): void {
  const [isOn] = useShortcutPreference();
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    let prefixAt = Number.NEGATIVE_INFINITY;
    const onKey = (event: KeyboardEvent) => {
      if (event.isComposing || event.keyCode === 229) return;
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        latest.current.openPalette();
        return;
      }
      if (!isOn || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector("dialog[open]")) return;
      const route = event.timeStamp - prefixAt < SEQUENCE_MS ? GO_TO.get(event.key) : undefined;
      prefixAt = event.key === "g" ? event.timeStamp : Number.NEGATIVE_INFINITY;
      if (route) latest.current.goTo(route.path);
      else if (!press(event.key, latest.current)) return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [isOn]);
}

/** Act on a single key; returns false if it means nothing here. */
function press(key: string, actions: Actions): boolean {
  switch (key) {
    case "?":
      actions.openHelp();
      return true;
    case "/":
      return focus(document.querySelector<HTMLElement>("[data-focus-key]"));
    case "j":
      return moveRow(1);
    case "k":
      return moveRow(-1);
    case "c":
      return copyRow();
    default:
      return false;
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, select, textarea, [contenteditable]") !== null;
}

function focus(element: HTMLElement | null | undefined): boolean {
  element?.focus();
  return element != null;
}

/** Move to the next or previous `data-row`: its link or button, or itself. */
function moveRow(step: number): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const current = rows.findIndex((row) => row.contains(document.activeElement));
  const row = rows[current < 0 ? (step > 0 ? 0 : rows.length - 1) : current + step];
  return focus(row?.querySelector<HTMLElement>("a[href], button") ?? row);
}

function copyRow(): boolean {
  const row = document.activeElement?.closest<HTMLElement>("[data-row]");
  const text = row?.dataset.copy ?? row?.textContent;
  if (!text) return false;
  void copyText(text).then((succeeded) => announce(succeeded ? words.copy.copied : words.copy.failed));
  return true;
}
