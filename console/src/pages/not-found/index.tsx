import { LinkButton } from "@/components/Button";
import { Page } from "@/components/Page";
import { words } from "@/words";

/** The page of addresses that have none. */
export default function NotFoundPage() {
  return (
    <Page title={words.error.unknownPage} intro={words.error.unknownPageText}>
      <div>
        <LinkButton to="/" kind="primary">
          {words.error.toStart}
        </LinkButton>
      </div>
    </Page>
  );
}
