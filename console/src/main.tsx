import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./styles/tokens.css";
import "./styles/base.css";
import { takeCode } from "./api/session";
import { App, preloadShell } from "./shell/App";

// Before anything else: the code must not stay in the address.
const code = takeCode();
preloadShell(code);
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App code={code} />
    </StrictMode>,
  );
}
