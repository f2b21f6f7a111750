import { Button, IconButton } from "@/components/Button";
import type { IconName } from "@/components/Icon";
import { words } from "@/words";
import { IdentityMenu } from "./IdentityMenu";
import styles from "./Shell.module.css";
import { type Theme, useTheme } from "./theme";

const THEME_ICONS: Record<Theme, IconName> = { system: "half", light: "sun", dark: "moon" };

/** What every page has at its top: navigation on small screens, search, theme, and who is signed in. */
export function Header({ onMenu, onPalette }: { onMenu: () => void; onPalette: () => void }) {
  const [theme, nextTheme] = useTheme();
  return (
    <header className={styles.header}>
      <IconButton icon="menu" label={words.nav.open} className={styles.menu} onClick={onMenu} />
      <Button size="small" icon="search" className={styles.search} onClick={onPalette} aria-label={words.palette.open}>
        {words.palette.input}
        <kbd>Ctrl K</kbd>
      </Button>
      <span className={styles.space} />
      <IconButton icon={THEME_ICONS[theme]} label={`${words.theme.label}: ${words.theme[theme]}`} onClick={nextTheme} />
      <IdentityMenu />
    </header>
  );
}
