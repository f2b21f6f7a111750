/** Colors of code, as React elements. Loaded with the first code block that names a language. */

import { common, createLowlight } from "lowlight";
import type { ReactNode } from "react";

const lowlight = createLowlight(common);

const MAX_CHARACTERS = 50_000;

interface TreeNode {
  type: string;
  value?: string;
  properties?: { className?: unknown };
  children?: TreeNode[];
}

/** Return colored code, null if the language is not known or the code is too long. */
export function highlight(code: string, language: string): ReactNode {
  if (!lowlight.registered(language) || code.length > MAX_CHARACTERS) return null;
  return toElements((lowlight.highlight(language, code) as TreeNode).children ?? []);
}

function toElements(nodes: TreeNode[]): ReactNode[] {
  return nodes.map((node, index) => {
    if (node.type === "text") return node.value;
    const names = Array.isArray(node.properties?.className) ? node.properties.className.join(" ") : "";
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: the tree of a text never changes.
      <span key={index} className={names}>
        {toElements(node.children ?? [])}
      </span>
    );
  });
}
