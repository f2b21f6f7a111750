import { QueryClientProvider } from "@tanstack/react-query";
import { Suspense, useCallback, useEffect, useRef, useState } from "react";
import { Route, Switch, useLocation } from "wouter";
import { createQueryClient } from "@/api/queries";
import { signOut } from "@/api/session";
import { Skeleton } from "@/components/List";
import { Page } from "@/components/Page";
import { NotFound, ROUTES } from "@/routes";
import { words } from "@/words";
import type { Command } from "./commands";
import { Header } from "./Header";
import { Drawer, Navigation } from "./Navigation";
import { PageBoundary } from "./PageBoundary";
import { Palette } from "./Palette";
import { ServerBanner } from "./ServerBanner";
import styles from "./Shell.module.css";
import { ShortcutHelp } from "./ShortcutHelp";
import { SignInAgain } from "./SignInAgain";
import { useShortcuts } from "./shortcuts";

const queryClient = createQueryClient();

/** The pages of an identity, and what surrounds them. */
export default function Shell() {
  // What one identity may see is not shown to the other.
  useEffect(() => () => queryClient.clear(), []);
  return (
    <QueryClientProvider client={queryClient}>
      <Frame />
    </QueryClientProvider>
  );
}

type Open = "drawer" | "palette" | "help" | null;

function Frame() {
  const [open, setOpen] = useState<Open>(null);
  const [location, goTo] = useLocation();
  const close = useCallback(() => setOpen(null), []);
  const content = useFocusOnChange(location);
  useShortcuts({ openPalette: () => setOpen("palette"), openHelp: () => setOpen("help"), goTo });
  const commands: Command[] = [
    { label: words.shortcuts.title, kind: words.palette.actions, icon: "settings", run: () => setOpen("help") },
    { label: words.identity.signOut, kind: words.palette.actions, icon: "out", run: () => void signOut() },
  ];
  return (
    <div className={styles.shell}>
      <a href="#content" className={styles.skip}>
        {words.nav.skip}
      </a>
      <div className={styles.side}>
        <Navigation />
      </div>
      <div className={styles.main}>
        <Header onMenu={() => setOpen("drawer")} onPalette={() => setOpen("palette")} />
        <ServerBanner />
        <main id="content" ref={content} tabIndex={-1} className={styles.content}>
          <PageBoundary location={location}>
            <Suspense fallback={<Loading />}>
              <Switch>
                {ROUTES.map(({ path, paths = [path], page: RoutePage }) =>
                  paths.map((one) => <Route key={one} path={one} component={RoutePage} />),
                )}
                <Route component={NotFound} />
              </Switch>
            </Suspense>
          </PageBoundary>
        </main>
      </div>
      <Drawer isOpen={open === "drawer"} onClose={close} />
      <Palette isOpen={open === "palette"} onClose={close} commands={commands} />
      <ShortcutHelp isOpen={open === "help"} onClose={close} />
      <SignInAgain />
    </div>
  );
}

function Loading() {
  return (
    <Page title={words.list.loading}>
      <Skeleton />
    </Page>
  );
}

/** After navigation, the focus is in the new page, where a screen reader begins to read. */
function useFocusOnChange(location: string) {
  const ref = useRef<HTMLElement>(null);
  const shown = useRef(location);
  useEffect(() => {
    if (shown.current === location) return;
    shown.current = location;
    ref.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [location]);
  return ref;
}
