// Compares reports/sample with what is made now, or rewrites it: node sample.mjs UNSEED SCRATCH [--bless]
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { PNG } from "pngjs";
import { launch } from "./chromium.mjs";

const [, , unseed, scratch, bless] = process.argv;
const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const sample = join(root, "reports/sample");
// Fonts and versions of Chromium differ a little from machine to machine.
const MOST_PIXELS = 0.04;
const MOST_HEIGHT = 0.04;
// How much of the page a picture shows, in pixels: what a reader sees first, down to the first cohort's evidence.
const HEIGHTS = { 360: 3200, 1440: 2900 };

mkdirSync(scratch, { recursive: true });
const ran = spawnSync(unseed, ["scan", "fixtures/storefront/dump.sql", "-o", join(scratch, "sample"), "--now", "2026-02-10T00:00:00Z", "--progress", "none"], { cwd: root, encoding: "utf8", env: { PATH: process.env.PATH, USER: "ana" } });
if (ran.status !== 0) throw new Error(ran.stderr);
const made = (name) => join(scratch, "sample", name);
// The folder that the test happens to write to is no part of the sample.
for (const name of ["report.html", "report.json"]) writeFileSync(made(name), readFileSync(made(name), "utf8").replace(/-o \S+ --now \S+ --progress none/, "-o out"));

const browser = await launch();
const pictures = [];
for (const width of [360, 1440]) for (const colorScheme of ["light", "dark"]) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  await page.goto(pathToFileURL(made("report.html")).href);
  const height = Math.min(HEIGHTS[width], await page.evaluate(() => document.scrollingElement.scrollHeight));
  const name = `report-${width}-${colorScheme}.png`;
  await page.screenshot({ path: made(name), fullPage: true, clip: { x: 0, y: 0, width, height } });
  pictures.push(name);
  await context.close();
}
await browser.close();

const differing = (a, b) => {
  const [x, y] = [PNG.sync.read(readFileSync(a)), PNG.sync.read(readFileSync(b))];
  if (x.width !== y.width || Math.abs(x.height - y.height) > MOST_HEIGHT * x.height) return 1;
  const height = Math.min(x.height, y.height);
  let count = 0;
  for (let i = 0; i < x.width * height * 4; i += 4) if (Math.abs(x.data[i] - y.data[i]) + Math.abs(x.data[i + 1] - y.data[i + 1]) + Math.abs(x.data[i + 2] - y.data[i + 2]) > 96) count += 1;
  return count / (x.width * height);
};

let wrong = 0;
for (const name of ["report.html", "report.json", ...pictures]) {
  const committed = join(sample, name);
  if (bless === "--bless") {
    mkdirSync(sample, { recursive: true });
    copyFileSync(made(name), committed);
    continue;
  }
  const share = !existsSync(committed) ? 1 : name.endsWith(".png") ? differing(committed, made(name)) : readFileSync(committed).equals(readFileSync(made(name))) ? 0 : 1;
  if (share > (name.endsWith(".png") ? MOST_PIXELS : 0)) {
    wrong += 1;
    console.error(`reports/sample/${name} differs${name.endsWith(".png") ? ` in ${(share * 100).toFixed(1)} % of its pixels` : ""}: tests/run.sh --bless`);
  } else console.log(`ok reports/sample/${name}${name.endsWith(".png") ? ` (${(share * 100).toFixed(2)} % of the pixels differ)` : ""}`);
}
if (bless === "--bless") console.log("reports/sample is rewritten");
process.exitCode = wrong ? 1 : 0;
