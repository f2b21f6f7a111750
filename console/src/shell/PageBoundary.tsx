import { Component, type ReactNode } from "react";
import { Button } from "@/components/Button";
import { CodeBlock } from "@/components/CodeBlock";
import { Page } from "@/components/Page";
import { words } from "@/words";

interface Props {
  /** Another page clears the error. */
  location: string;
  children: ReactNode;
}

/** Catches errors of a page; a chunk that cannot be loaded means that the server is away, or was updated. */
export class PageBoundary extends Component<Props, { error: unknown; location: string }> {
  override state = { error: null as unknown, location: this.props.location };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  static getDerivedStateFromProps(props: Props, state: { location: string }) {
    return props.location === state.location ? null : { error: null, location: props.location };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    const message = error instanceof Error ? error.message : String(error);
    if (/dynamically imported module|Importing a module|Unable to preload/.test(message)) {
      return (
        <Page title={words.server.noPage} intro={words.server.noPageText}>
          <div>
            <Button kind="primary" onClick={() => window.location.reload()}>
              {words.server.reload}
            </Button>
          </div>
        </Page>
      );
    }
    return (
      <Page title={words.error.page} intro={words.error.pageText}>
        <CodeBlock code={message} />
      </Page>
    );
  }
}
