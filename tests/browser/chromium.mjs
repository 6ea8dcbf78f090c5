// Starts the system's Chromium, offline and with a profile of its own.
import { chromium } from "playwright-core";
import { existsSync } from "node:fs";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--font-render-hinting=none", "--disable-lcd-text", "--force-color-profile=srgb"];

export async function launch() {
  const executablePath = PLACES.find((p) => existsSync(p));
  if (!executablePath) throw new Error("there is no Chromium: tests/run.sh installs it");
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}
