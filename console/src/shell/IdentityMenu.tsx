import { useState } from "react";
import { actAs, type Role, signOut, useSession } from "@/api/session";
import { Button } from "@/components/Button";
import { Pill } from "@/components/Pill";
import { TimeAgo } from "@/components/TimeAgo";
import { words } from "@/words";
import styles from "./menu.module.css";
import { SignInDialog } from "./SignIn";

const ROLES: Role[] = ["me", "administration"];

/** Who is signed in, and as whom requests act. */
export function IdentityMenu() {
  const session = useSession();
  const [adding, setAdding] = useState<Role | null>(null);
  const name = words.identity[session.acting];
  return (
    <>
      <Button size="small" icon="users" popoverTarget="identity-menu" aria-label={words.identity.acting(name)}>
        {name}
      </Button>
      <div id="identity-menu" popover="auto" className={styles.menu}>
        {ROLES.map((role) => (
          <IdentityRow key={role} role={role} onAdd={() => setAdding(role)} />
        ))}
      </div>
      <SignInDialog isOpen={adding !== null} role={adding ?? "me"} onClose={() => setAdding(null)} />
    </>
  );
}

function IdentityRow({ role, onAdd }: { role: Role; onAdd: () => void }) {
  const session = useSession();
  const identity = session[role];
  const name = words.identity[role];
  return (
    <div className={styles.identity}>
      <p className={styles.name}>
        {name}
        {session.acting === role && identity && <Pill tone="good">{words.identity.active}</Pill>}
      </p>
      <p className={styles.facts}>
        {role === "me" ? words.identity.meHint : words.identity.adminHint}
        {identity?.expiresAt && (
          <>
            {" "}
            {words.identity.expires} <TimeAgo time={identity.expiresAt} />.
          </>
        )}
      </p>
      <div className={styles.row}>
        {identity === undefined && (
          <Button size="small" onClick={onAdd}>
            {words.identity.add(name)}
          </Button>
        )}
        {identity && session.acting !== role && (
          <Button size="small" onClick={() => actAs(role)}>
            {words.identity.switchTo(name)}
          </Button>
        )}
        {identity && (
          <Button size="small" icon="out" onClick={() => void signOut(role)}>
            {words.identity.signOut}
          </Button>
        )}
      </div>
    </div>
  );
}
