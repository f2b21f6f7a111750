import { lazy, memo, Suspense } from "react";

const Blocks = lazy(() => import("./MarkdownBlocks"));

/** Markdown of a model or a user. The parser loads on first use; until then, the text is shown as it is. */
export const Markdown = memo(function Markdown({ text, isComplete = true }: { text: string; isComplete?: boolean }) {
  return (
    <Suspense fallback={<div style={{ whiteSpace: "pre-wrap" }}>{text}</div>}>
      <Blocks text={text} isComplete={isComplete} />
    </Suspense>
  );
});
