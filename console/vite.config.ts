import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.PROJECTDAVID_URL ?? "http://127.0.0.1:9000";
/** Files that several pages load, one for each step: few requests, and little before the sign-in. */
const NAMES = {
  react: "react|react-dom|scheduler|openapi-fetch",
  queries: "@tanstack/(query-core|react-query)|wouter|regexparam",
  components: "Button|classes|CodeBlock|CopyButton|Dialog|ErrorBox|Form|Icon|ids|Notices|notices|Page",
  lists: "List|Table|Pill|IdLink|TimeAgo",
  signIn: "App|Mark|PageBoundary|SignIn|theme",
};
const BASE = [
  "rolldown.runtime|preload-helper",
  `node_modules/(${NAMES.react})/`,
  "src/(api/(client|errors|session)|format|storage|words(\\.en)?)\\.ts$",
  `src/components/(${NAMES.components})\\.tsx?$`,
  `src/shell/(${NAMES.signIn})\\.tsx?$`,
  "src/(styles|shell|components|pages/start)/[^/]+\\.css$",
];
const SHELL = [
  `node_modules/(${NAMES.queries})/`,
  `src/(shell/|routes|api/queries|pages/start/|components/(${NAMES.lists})\\.)`,
];
const GROUPS = [
  { name: "base", test: new RegExp(BASE.join("|")) },
  { name: "shell", test: new RegExp(SHELL.join("|")) },
];
const toServer = Object.fromEntries(["/v1", "/health", "/ws"].map((path) => [path, { target: server, ws: true }]));

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  // The server replaces the placeholder with the nonce of each response.
  html: { cspNonce: "__CSP_NONCE__" },
  server: { proxy: toServer },
  build: {
    outDir: "../src/projectdavid/api/console/dist",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { output: { codeSplitting: { groups: GROUPS } } },
  },
  test: { include: ["test/**/*.test.{ts,tsx}"] },
});
