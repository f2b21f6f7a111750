import { Pill, type Tone } from "@/components/Pill";
import type { Store } from "./store";
import { words } from "./words.en";

const TONES: Record<Store["status"], Tone> = { in_progress: "info", completed: "good", expired: "warn" };

export function StoreStatus({ store: { status } }: { store: Store }) {
  return <Pill tone={TONES[status]}>{words.statuses[status] ?? status}</Pill>;
}
