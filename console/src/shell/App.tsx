import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { getSession, signInWithCode, useSession } from "@/api/session";
import { Notices } from "@/components/Notices";
import { PageBoundary } from "./PageBoundary";
import { SignInScreen } from "./SignIn";
import { useTheme } from "./theme";

const loadShell = () => import("./Shell");
const Shell = lazy(loadShell);

/** The console. `code` is the one-time code of the address, if it had one. */
export function App({ code }: { code: string | null }) {
  const session = useSession();
  const { isExchanging, error } = useCode(code);
  const identity = session[session.acting];
  useTheme();
  if (isExchanging) return null;
  return (
    <>
      {identity ? (
        <PageBoundary location="">
          <Suspense>
            <Shell key={identity.userId} />
          </Suspense>
        </PageBoundary>
      ) : (
        <SignInScreen codeError={error} />
      )}
      <Notices />
    </>
  );
}

/** Load the shell before the first render needs it: the page of the sign-in does without. */
export function preloadShell(code: string | null): void {
  const session = getSession();
  if (code !== null || session[session.acting]) void loadShell().catch(() => undefined);
}

/** Exchange the code once, although development mode runs effects twice. */
function useCode(code: string | null) {
  const [state, setState] = useState<{ isExchanging: boolean; error: unknown }>({
    isExchanging: code !== null,
    error: null,
  });
  const hasStarted = useRef(false);
  useEffect(() => {
    if (code === null || hasStarted.current) return;
    hasStarted.current = true;
    signInWithCode(code).then(
      () => setState({ isExchanging: false, error: null }),
      (error: unknown) => setState({ isExchanging: false, error }),
    );
  }, [code]);
  return state;
}
