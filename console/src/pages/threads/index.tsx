import { useParams } from "wouter";
import { ThreadList } from "./ThreadList";
import { ThreadPage } from "./ThreadPage";

/** All threads, or one of them. */
export default function ThreadsPage() {
  const { id } = useParams();
  return id === undefined ? <ThreadList /> : <ThreadPage key={id} threadId={id} />;
}
