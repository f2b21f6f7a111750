import { useEffect, useState } from "react";
import { ApiError } from "@/api/errors";
import { type Role, signInWithKey } from "@/api/session";
import { Button } from "@/components/Button";
import { CodeBlock } from "@/components/CodeBlock";
import { Dialog } from "@/components/Dialog";
import { ErrorBox } from "@/components/ErrorBox";
import { CheckField, Form, TextField } from "@/components/Form";
import { words } from "@/words";
import { Mark } from "./Mark";
import styles from "./SignIn.module.css";

/** The whole page, without a session. */
export function SignInScreen({ codeError }: { codeError: unknown }) {
  useEffect(() => {
    document.title = words.consoleTitle(words.signIn.title);
  }, []);
  return (
    <main className={styles.screen}>
      <div className={styles.brand}>
        <Mark size={32} />
        {words.product}
      </div>
      <div className={styles.card}>
        <h1>{words.signIn.title}</h1>
        {codeError != null && <ErrorBox error={explainCode(codeError)} />}
        <SignInPanel as="me" />
      </div>
    </main>
  );
}

/** Sign-in as a second identity. */
export function SignInDialog({ isOpen, role, onClose }: { isOpen: boolean; role: Role; onClose: () => void }) {
  return (
    <Dialog title={words.signIn.title} isOpen={isOpen} onClose={onClose}>
      <p>{role === "administration" ? words.signIn.neededAdmin : words.signIn.neededMe}</p>
      <SignInPanel as={role} hasIntro={false} onDone={onClose} />
    </Dialog>
  );
}

/** The form of the sign-in, and the command that makes it unnecessary. */
export function SignInPanel({ as, hasIntro = true, onDone }: { as: Role; hasIntro?: boolean; onDone?: () => void }) {
  const [key, setKey] = useState("");
  const [stay, setStay] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);

  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      await signInWithKey(key.trim(), stay);
      onDone?.();
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };

  return (
    <div className={styles.panel}>
      {hasIntro && <p>{words.signIn.intro}</p>}
      <CodeBlock code={as === "administration" ? "projectdavid open --admin" : "projectdavid open"} />
      <p className={styles.or}>{words.signIn.or}</p>
      <Form error={error} fields={[]} onSubmit={() => void submit()}>
        <TextField
          name="api_key"
          label={words.signIn.key}
          hint={words.signIn.keyHint}
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
          value={key}
          onChange={(event) => setKey(event.target.value)}
        />
        <CheckField label={words.signIn.stay} checked={stay} onChange={(event) => setStay(event.target.checked)} />
        <Button type="submit" kind="primary" isBusy={isBusy} disabled={key.trim() === ""}>
          {isBusy ? words.signIn.submitting : words.signIn.submit}
        </Button>
      </Form>
    </div>
  );
}

function explainCode(error: unknown): unknown {
  return error instanceof ApiError && error.status === 401 ? new Error(words.signIn.spentCode) : error;
}
