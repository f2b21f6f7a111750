import { memo, type ReactNode, useContext } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { words } from "@/words";
import { groupBlocks, hasOpenFence, splitBlocks } from "./blocks";
import { CodeBlock } from "./CodeBlock";
import { CitationContext, citationIndex } from "./citationContext";
import styles from "./MarkdownBlocks.module.css";

const PLUGINS = [remarkGfm];

/** Markdown as React elements, never as an HTML string: raw HTML of a model stays text. */
export default function MarkdownBlocks({ text, isComplete }: { text: string; isComplete: boolean }) {
  const groups = groupBlocks(splitBlocks(text));
  return (
    <div className={styles.markdown}>
      {groups.map((blocks, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: groups are only appended.
        <Group key={index} source={blocks.join("\u0000")} isComplete={isComplete || index < groups.length - 1} />
      ))}
    </div>
  );
}

const Group = memo(function Group({ source, isComplete }: { source: string; isComplete: boolean }) {
  const blocks = source.split("\u0000");
  return (
    <div className={styles.group}>
      {blocks.map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks are only appended.
        <Block key={index} source={block} isComplete={isComplete || index < blocks.length - 1} />
      ))}
    </div>
  );
});

const Block = memo(function Block({ source, isComplete }: { source: string; isComplete: boolean }) {
  const components = isComplete || !hasOpenFence(source) ? COMPONENTS : OPEN_COMPONENTS;
  return (
    <div className={styles.block} dir="auto">
      <ReactMarkdown remarkPlugins={PLUGINS} components={components}>
        {source}
      </ReactMarkdown>
    </div>
  );
});

function buildComponents(isComplete: boolean): Components {
  return {
    a: ({ href, children }) => <MarkdownLink href={href}>{children}</MarkdownLink>,
    img: ({ src, alt }) => <MarkdownImage source={typeof src === "string" ? src : ""} text={alt ?? ""} />,
    table: ({ children }) => (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
      <div className={styles.table} tabIndex={0}>
        <table>{children}</table>
      </div>
    ),
    pre: ({ node }) => {
      const code = node?.children[0];
      const text = code?.type === "element" && code.children[0]?.type === "text" ? code.children[0].value : "";
      const names = code?.type === "element" ? code.properties.className : null;
      const language = Array.isArray(names) ? String(names[0]).replace("language-", "") : undefined;
      return <CodeBlock code={text.replace(/\n$/, "")} language={language} isComplete={isComplete} />;
    },
  };
}

const COMPONENTS = buildComponents(true);
const OPEN_COMPONENTS = buildComponents(false);

/** A link, or the number of a citation. */
function MarkdownLink({ href, children }: { href: string | undefined; children: ReactNode }) {
  const citations = useContext(CitationContext);
  const index = citationIndex(href);
  const source = index === null ? null : citations?.describe(index);
  if (index === null || !source) {
    return (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {children}
      </a>
    );
  }
  return (
    <button
      type="button"
      className={styles.citation}
      title={source}
      aria-label={`${index + 1}: ${source}`}
      onClick={() => citations?.open(index)}
    >
      {index + 1}
    </button>
  );
}

/** Loading an image of another host would tell that host about the conversation. */
function MarkdownImage({ source, text }: { source: string; text: string }) {
  const url = URL.canParse(source, window.location.origin) ? new URL(source, window.location.origin) : null;
  if (url?.origin === window.location.origin) return <img src={url.pathname + url.search} alt={text} loading="lazy" />;
  return (
    <span className={styles.image}>
      <span>{text || words.markdown.image(url?.host ?? "?")}</span>
      {text !== "" && <span>{words.markdown.image(url?.host ?? "?")}</span>}
      {url !== null && (
        <a href={url.href} target="_blank" rel="noopener noreferrer nofollow">
          {words.markdown.openImage}
        </a>
      )}
    </span>
  );
}
