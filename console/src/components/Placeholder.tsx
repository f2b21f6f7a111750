import { words } from "@/words";
import { Page } from "./Page";

/** A page that is not written yet: it says what it will show. */
export function Placeholder({ title, shows }: { title: string; shows: string }) {
  return (
    <Page title={title}>
      <p>
        {words.placeholder} {shows}
      </p>
    </Page>
  );
}
