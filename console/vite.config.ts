import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.PROJECTDAVID_URL ?? "http://127.0.0.1:9000";
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
  },
  test: { include: ["test/**/*.test.{ts,tsx}"] },
});
