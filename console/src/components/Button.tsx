import type { ComponentProps, ReactNode } from "react";
import { Link } from "wouter";
import styles from "./Button.module.css";
import { classes } from "./classes";
import { Icon, type IconName } from "./Icon";

interface Look {
  kind?: "normal" | "primary" | "danger" | "plain";
  size?: "normal" | "small";
  icon?: IconName;
}

type ButtonProps = Look & Omit<ComponentProps<"button">, "size"> & { isBusy?: boolean };

/** A button. A busy one ignores presses and keeps the focus, which a disabled one would lose. */
export function Button({
  kind,
  size,
  icon,
  isBusy,
  className,
  children,
  onClick,
  type = "button",
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      aria-disabled={isBusy || undefined}
      onClick={isBusy ? (event) => event.preventDefault() : onClick}
      className={classes(lookOf({ kind, size }), className)}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A button that shows only an icon; `label` is its name. */
export function IconButton({
  label,
  icon,
  size,
  className,
  ...rest
}: Omit<ButtonProps, "children"> & { label: string; icon: IconName }) {
  return (
    <Button
      kind="plain"
      size={size}
      {...rest}
      aria-label={label}
      title={label}
      className={classes(styles.icon, className)}
    >
      <Icon name={icon} size={size === "small" ? 15 : 18} />
    </Button>
  );
}

/** A link that looks like a button: it goes to a page. */
export function LinkButton({ to, kind, size, icon, children }: Look & { to: string; children: ReactNode }) {
  return (
    <Link href={to} className={lookOf({ kind, size })}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  );
}

function lookOf({ kind = "normal", size = "normal" }: Look): string {
  return classes(styles.button, kind !== "normal" && styles[kind], size === "small" && styles.small);
}
