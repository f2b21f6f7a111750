import { type ComponentProps, createContext, type ReactNode, useContext, useEffect, useId, useRef } from "react";
import { ApiError } from "@/api/errors";
import { words } from "@/words";
import { ErrorBox } from "./ErrorBox";
import styles from "./Form.module.css";

const FormError = createContext<unknown>(null);

interface FormProps {
  /** The error of the last submit. It is shown at the field that it names, or at the end. */
  error?: unknown;
  /** Names of the fields, as the API has them. */
  fields: string[];
  onSubmit: () => void;
  children: ReactNode;
}

/** A form that shows the server's errors at its fields. */
export function Form({ error = null, fields, onSubmit, children }: FormProps) {
  const ref = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (error) ref.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [error]);
  const isAtField = fields.some((name) => isAbout(error, name));
  return (
    <FormError value={error}>
      <form
        ref={ref}
        className={styles.form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        {children}
        {error != null && !isAtField && <ErrorBox error={error} />}
      </form>
    </FormError>
  );
}

interface ControlProps {
  id: string;
  name: string;
  className: string | undefined;
  "aria-invalid"?: true;
  "aria-describedby"?: string;
}

interface FieldProps {
  /** The name of the field in the API: errors name it. */
  name: string;
  label: string;
  hint?: ReactNode;
  children: (control: ControlProps) => ReactNode;
}

/** A field with its label, hint and error; `children` renders the control with the given attributes. */
export function Field({ name, label, hint, children }: FieldProps) {
  const id = useId();
  const error = useContext(FormError);
  const isInvalid = isAbout(error, name);
  const described = [isInvalid && `${id}-error`, hint !== undefined && `${id}-hint`].filter(Boolean).join(" ");
  const control: ControlProps = { id, name, className: styles.input };
  if (isInvalid) control["aria-invalid"] = true;
  if (described) control["aria-describedby"] = described;
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      {children(control)}
      {isInvalid && (
        <p id={`${id}-error`} className={styles.error}>
          {error instanceof Error ? error.message : words.form.invalid}
        </p>
      )}
      {hint !== undefined && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
    </div>
  );
}

type TextFieldProps = Omit<FieldProps, "children"> & Omit<ComponentProps<"input">, "name" | "children">;

/** A field for a line of text, a number, or a password. */
export function TextField({ name, label, hint, ...rest }: TextFieldProps) {
  return (
    <Field name={name} label={label} hint={hint}>
      {(control) => <input {...rest} {...control} />}
    </Field>
  );
}

type TextAreaFieldProps = Omit<FieldProps, "children"> & Omit<ComponentProps<"textarea">, "name" | "children">;

/** A field for long text, which grows with it. */
export function TextAreaField({ name, label, hint, ...rest }: TextAreaFieldProps) {
  return (
    <Field name={name} label={label} hint={hint}>
      {(control) => <textarea {...rest} {...control} />}
    </Field>
  );
}

type SelectFieldProps = Omit<FieldProps, "children"> & Omit<ComponentProps<"select">, "name">;

/** A field with options; `children` are `<option>` elements. */
export function SelectField({ name, label, hint, children, ...rest }: SelectFieldProps) {
  return (
    <Field name={name} label={label} hint={hint}>
      {(control) => (
        <select {...rest} {...control}>
          {children}
        </select>
      )}
    </Field>
  );
}

/** A checkbox with its label. */
export function CheckField({ label, ...rest }: { label: ReactNode } & Omit<ComponentProps<"input">, "type">) {
  const id = useId();
  return (
    <div className={styles.check}>
      <input {...rest} id={id} type="checkbox" />
      <label htmlFor={id}>{label}</label>
    </div>
  );
}

/** Whether an error is about a field or a part of it: `tools.0.type` is about `tools`. */
function isAbout(error: unknown, name: string): boolean {
  if (!(error instanceof ApiError) || error.param === null) return false;
  return error.param === name || error.param.startsWith(`${name}.`);
}
