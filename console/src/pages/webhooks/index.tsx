import { Placeholder } from "@/components/Placeholder";
import { words } from "./words.en";

export default function WebhooksPage() {
  return <Placeholder title={words.title} shows={words.shows} />;
}
