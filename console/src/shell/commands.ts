/** What the palette offers. */

import type { IconName } from "@/components/Icon";
import { findPage } from "@/components/ids";
import { ROUTES } from "@/routes";
import { words } from "@/words";

export interface Command {
  label: string;
  kind: string;
  icon: IconName;
  run: () => void;
}

/** The commands that match a text; a text that is an id opens its page. */
export function findCommands(text: string, goTo: (path: string) => void, others: Command[]): Command[] {
  const wanted = text.trim();
  const page = findPage(wanted);
  if (page)
    return [{ label: words.palette.openId(wanted), kind: words.palette.pages, icon: "arrow", run: () => goTo(page) }];
  const pages = ROUTES.flatMap(({ path, name, icon, group }): Command[] =>
    group === undefined ? [] : [{ label: words.nav[name], kind: words.palette.pages, icon, run: () => goTo(path) }],
  );
  return [...pages, ...others].filter(({ label }) => label.toLowerCase().includes(wanted.toLowerCase()));
}
