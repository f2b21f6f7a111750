import { useState } from "react";
import { CodeBlock } from "@/components/CodeBlock";
import { Dialog } from "@/components/Dialog";
import { SelectField } from "@/components/Form";
import { type CodeInput, writeCurl, writeOpenai, writeSdk } from "./code";
import { words } from "./words.en";

const LANGUAGES = {
  sdk: { write: writeSdk, language: "python" },
  curl: { write: writeCurl, language: "bash" },
  openai: { write: writeOpenai, language: "python" },
} as const;
type Language = keyof typeof LANGUAGES;

/** This conversation's settings as a program. */
export function CodeDialog({ input, onClose }: { input: CodeInput; onClose: () => void }) {
  const [chosen, setChosen] = useState<Language>("sdk");
  const { write, language } = LANGUAGES[chosen];
  return (
    <Dialog title={words.codeDialog.title} isOpen isWide onClose={onClose}>
      <p>{words.codeDialog.intro}</p>
      <SelectField
        name="language"
        label={words.codeDialog.language}
        value={chosen}
        onChange={(event) => setChosen(event.target.value as Language)}
      >
        {(Object.keys(LANGUAGES) as Language[]).map((name) => (
          <option key={name} value={name}>
            {words.codeDialog[name]}
          </option>
        ))}
      </SelectField>
      <CodeBlock code={write(input)} language={language} />
    </Dialog>
  );
}
