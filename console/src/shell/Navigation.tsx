import { useEffect, useRef } from "react";
import { Link, useLocation } from "wouter";
import { useSession } from "@/api/session";
import { IconButton } from "@/components/Button";
import { Icon } from "@/components/Icon";
import { GROUPS, ROUTES, type Route } from "@/routes";
import { words } from "@/words";
import { Mark } from "./Mark";
import styles from "./Shell.module.css";

/** The pages by group; those of admins only for who is signed in as one. */
export function Navigation() {
  const [location] = useLocation();
  const session = useSession();
  const isVisible = (route: Route) => !route.isAdmin || session.administration !== undefined;
  return (
    <nav aria-label={words.nav.label} className={styles.nav}>
      <Brand />
      {GROUPS.map((group) => (
        <div key={group} className={styles.group}>
          {group !== "start" && <p className={styles.groupName}>{words.nav.groups[group]}</p>}
          <ul>
            {ROUTES.filter((route) => route.group === group && isVisible(route)).map(({ path, name, icon }) => (
              <li key={path}>
                <Link href={path} className={styles.link} aria-current={isCurrent(path, location) ? "page" : undefined}>
                  <Icon name={icon} />
                  {words.nav[name]}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

function isCurrent(path: string, location: string): boolean {
  return path === "/" ? location === "/" : location === path || location.startsWith(`${path}/`);
}

/** The navigation of small screens; following a link closes it. */
export function Drawer({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  const [location] = useLocation();
  const opened = useRef(location);

  useEffect(() => {
    const dialog = ref.current;
    if (!dialog || !isOpen) return;
    dialog.showModal();
    return () => dialog.close();
  }, [isOpen]);

  useEffect(() => {
    if (location !== opened.current) onClose();
    opened.current = location;
  }, [location, onClose]);

  if (!isOpen) return null;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same.
    <dialog
      ref={ref}
      aria-label={words.nav.label}
      className={styles.drawer}
      onCancel={onClose}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <IconButton icon="close" label={words.nav.close} className={styles.drawerClose} onClick={onClose} />
      <Navigation />
    </dialog>
  );
}

/** The name of the product, which leads to the start. */
function Brand() {
  return (
    <Link href="/" className={styles.brand}>
      <Mark />
      {words.product}
    </Link>
  );
}
