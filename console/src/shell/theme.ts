/** The color theme: that of the system, unless the user chose one. */

import { useEffect } from "react";
import { usePreference } from "@/storage";

export type Theme = "system" | "light" | "dark";

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

/** The theme, and what switches to the next one. */
export function useTheme(): [Theme, () => void] {
  const [stored, store] = usePreference("theme");
  const theme: Theme = stored === "light" || stored === "dark" ? stored : "system";
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
  return [theme, () => store(NEXT[theme] === "system" ? null : NEXT[theme])];
}
