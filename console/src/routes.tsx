/** The table of pages. A page is a folder in `pages/`, loaded when it is opened. */

import { type ComponentType, lazy } from "react";
import type { IconName } from "@/components/Icon";
import type { words } from "@/words";

export const GROUPS = ["start", "work", "build", "operate"] as const;

type PageName = Exclude<
  { [K in keyof typeof words.nav]: (typeof words.nav)[K] extends string ? K : never }[keyof typeof words.nav],
  "label" | "open" | "close" | "skip" | "signin"
>;

export interface Route {
  /** Where the navigation leads. */
  path: string;
  /** The patterns of the page, if there are more than its path. */
  paths?: string[];
  name: PageName;
  icon: IconName;
  /** The group in the navigation; a page without one is reached from others. */
  group?: (typeof GROUPS)[number];
  /** The key after `g` that goes there. */
  letter?: string;
  isAdmin?: boolean;
  page: ComponentType;
}

export const ROUTES: Route[] = [
  { path: "/", name: "start", icon: "start", group: "start", page: lazy(() => import("./pages/start")) },
  { path: "/play", name: "play", icon: "play", group: "work", letter: "p", page: lazy(() => import("./pages/play")) },
  {
    path: "/threads",
    paths: ["/threads", "/threads/:id"],
    name: "threads",
    icon: "threads",
    group: "work",
    letter: "t",
    page: lazy(() => import("./pages/threads")),
  },
  {
    path: "/runs",
    paths: ["/runs", "/runs/:id"],
    name: "runs",
    icon: "runs",
    group: "work",
    letter: "r",
    page: lazy(() => import("./pages/runs")),
  },
  {
    path: "/assistants",
    paths: ["/assistants", "/assistants/:id"],
    name: "assistants",
    icon: "assistants",
    group: "build",
    letter: "a",
    page: lazy(() => import("./pages/assistants")),
  },
  {
    path: "/files",
    name: "files",
    icon: "files",
    group: "build",
    letter: "f",
    page: lazy(() => import("./pages/files")),
  },
  {
    path: "/stores",
    paths: ["/stores", "/stores/:id"],
    name: "stores",
    icon: "stores",
    group: "build",
    letter: "s",
    page: lazy(() => import("./pages/stores")),
  },
  {
    path: "/terminal",
    paths: ["/terminal/:thread"],
    name: "terminal",
    icon: "terminal",
    page: lazy(() => import("./pages/terminal")),
  },
  {
    path: "/usage",
    name: "usage",
    icon: "usage",
    group: "operate",
    letter: "u",
    page: lazy(() => import("./pages/usage")),
  },
  {
    path: "/webhooks",
    name: "webhooks",
    icon: "webhooks",
    group: "operate",
    page: lazy(() => import("./pages/webhooks")),
  },
  { path: "/keys", name: "keys", icon: "keys", group: "operate", page: lazy(() => import("./pages/keys")) },
  {
    path: "/users",
    name: "users",
    icon: "users",
    group: "operate",
    isAdmin: true,
    page: lazy(() => import("./pages/users")),
  },
  {
    path: "/settings",
    name: "settings",
    icon: "settings",
    group: "operate",
    isAdmin: true,
    page: lazy(() => import("./pages/settings")),
  },
  { path: "/status", name: "status", icon: "status", group: "operate", page: lazy(() => import("./pages/status")) },
];

export const NotFound = lazy(() => import("./pages/not-found"));
