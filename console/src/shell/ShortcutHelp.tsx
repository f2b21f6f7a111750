import { Dialog } from "@/components/Dialog";
import { CheckField } from "@/components/Form";
import { words } from "@/words";
import styles from "./ShortcutHelp.module.css";
import { GO_TO, useShortcutPreference } from "./shortcuts";

const { rows } = words.shortcuts;
const SHORTCUTS: [string[], string][] = [
  [["Ctrl", "K"], rows.palette],
  [["?"], rows.help],
  [["/"], rows.focus],
  [["j"], rows.next],
  [["c"], rows.copy],
  [["Esc"], rows.close],
  [["Ctrl", "Enter"], rows.send],
  [["Ctrl", "."], rows.cancel],
  ...[...GO_TO].map(([letter, { name }]): [string[], string] => [["g", letter], rows.goTo(words.nav[name])]),
];

/** The list of shortcuts, with the switch for those of single letters. */
export function ShortcutHelp({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [isOn, setOn] = useShortcutPreference();
  return (
    <Dialog title={words.shortcuts.title} isOpen={isOpen} onClose={onClose}>
      <dl className={styles.keys}>
        {SHORTCUTS.map(([keys, text]) => (
          <div key={keys.join(" ")} style={{ display: "contents" }}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <CheckField label={words.shortcuts.enabled} checked={isOn} onChange={(event) => setOn(event.target.checked)} />
    </Dialog>
  );
}
