import { memo, type ReactNode, useEffect, useState } from "react";
import styles from "./CodeBlock.module.css";
import { CopyButton } from "./CopyButton";

interface CodeBlockProps {
  code: string;
  language?: string | undefined;
  /** Code that still grows is not colored, so that it does not flicker. */
  isComplete?: boolean;
}

/** Code with a button that copies it. Colors come with a chunk of their own, once the code is complete. */
export const CodeBlock = memo(function CodeBlock({ code, language, isComplete = true }: CodeBlockProps) {
  const [colored, setColored] = useState<ReactNode>(null);

  useEffect(() => {
    setColored(null);
    if (!isComplete || language === undefined) return;
    let isCurrent = true;
    void import("./highlight").then(({ highlight }) => {
      if (isCurrent) setColored(highlight(code, language));
    });
    return () => {
      isCurrent = false;
    };
  }, [code, language, isComplete]);

  return (
    <div className={styles.block}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <pre tabIndex={0} dir="ltr">
        <code>{colored ?? code}</code>
      </pre>
      <div className={styles.copy}>
        <CopyButton text={code} />
      </div>
    </div>
  );
});
