import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useIdentity, useSession } from "@/api/session";
import { Dialog } from "@/components/Dialog";
import { words } from "@/words";
import { SignInPanel } from "./SignIn";

/** Sign-in over a page whose key was rejected: the page and its drafts stay. */
export function SignInAgain() {
  const { acting } = useSession();
  const identity = useIdentity();
  const client = useQueryClient();
  const isRejected = identity?.rejected ?? false;
  useEffect(() => {
    if (!isRejected) void client.invalidateQueries();
  }, [isRejected, client]);
  return (
    <Dialog title={words.signIn.again} isOpen={isRejected} canClose={false} onClose={() => undefined}>
      <p>{words.signIn.againText}</p>
      <SignInPanel as={acting} />
    </Dialog>
  );
}
