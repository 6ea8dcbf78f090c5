// Drives the report in a real Chromium: node report.mjs UNSEED SCRATCH
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import Ajv from "ajv/dist/2020.js";
import { launch } from "./chromium.mjs";
import { hostile, twoSeeds } from "./site.mjs";

const [, , unseed, scratch] = process.argv;
const here = dirname(fileURLToPath(import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const NOW = "2026-02-10T00:00:00Z";
const run = (...words) => {
  const ran = spawnSync(unseed, [...words, "--now", NOW, "--progress", "none"], { cwd: scratch, encoding: "utf8", env: { PATH: process.env.PATH, USER: "ana" } });
  assert.equal(ran.status, 0, `unseed ${words.join(" ")}\n${ran.stdout}\n${ran.stderr}`);
  return ran.stdout;
};
const page_of = (folder) => pathToFileURL(join(scratch, folder, "report.html")).href;
let passed = 0;
const ok = (what) => { passed += 1; console.log(`ok ${what}`); };

mkdirSync(scratch, { recursive: true });
writeFileSync(join(scratch, "site.sql"), twoSeeds());
writeFileSync(join(scratch, "hostile.sql"), hostile(join(here, "..", "hostile.json")));
run("scan", "site.sql", "-o", "site");
run("scan", "hostile.sql", "-o", "hostile", "--redact", "none");
run("scan", join(here, "../../fixtures/storefront/dump.sql"), "-o", "storefront");
run("scan", join(here, "../../fixtures/clean/dump.sql"), "-o", "clean");

const browser = await launch();
// Opens a report and notes all that must not happen.
async function open(folder, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  const seen = { requests: [], console: [], errors: [], dialogs: 0, csp: [] };
  page.on("request", (r) => { if (!r.url().startsWith("blob:")) seen.requests.push(r.url()); });
  page.on("console", (m) => seen.console.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => seen.errors.push(String(e)));
  page.on("dialog", (d) => { seen.dialogs += 1; d.dismiss(); });
  await page.addInitScript(() => { window.violations = []; document.addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`)); });
  await page.clock.setFixedTime(new Date(NOW));
  await page.goto(page_of(folder));
  const done = async () => {
    assert.deepEqual(seen.requests.filter((r) => r !== page_of(folder)), [], "no request");
    assert.deepEqual(await page.evaluate(() => window.violations), [], "no violation of the policy");
    assert.deepEqual([seen.console, seen.errors, seen.dialogs], [[], [], 0], "nothing on the console, no dialog");
    await context.close();
  };
  return { page, done, context };
}

// --- opens from a file, asks for nothing, breaks nothing
for (const folder of ["site", "storefront", "clean", "hostile"]) {
  const { page, done } = await open(folder);
  assert.match(await page.title(), /Cleanliness report/);
  const strange = await page.evaluate(() => [...document.querySelectorAll("img,iframe,object,embed,link,base,form,video,audio,frame,template,[style],[onload],[onerror],[onclick],[onmouseover],[onfocus],[srcdoc]")].map((e) => e.outerHTML.slice(0, 80)));
  assert.deepEqual(strange, []);
  assert.equal(await page.evaluate(() => [...document.querySelectorAll("meta[http-equiv]")].length), 1);
  await done();
  ok(`${folder}: opens from a file, no request, no violation, no console message`);
}

// --- the policy is a wall of its own: what would be injected does nothing
{
  const { page, context } = await open("site");
  const blocked = await page.evaluate(async () => {
    window.injected = 0;
    document.body.insertAdjacentHTML("beforeend", '<img src="//evil.example/x" onerror="window.injected=1"><b style="color:red" onclick="window.injected=1" id="x">x</b>');
    const script = document.createElement("script");
    script.textContent = "window.injected=1";
    document.body.append(script);
    document.getElementById("x").click();
    await new Promise((r) => setTimeout(r, 200));
    return [window.injected, window.violations.length];
  });
  assert.equal(blocked[0], 0);
  assert.ok(blocked[1] >= 3, `violations: ${blocked[1]}`);
  await context.close();
  ok("what is injected is blocked by the policy");
}

// --- decide in the page, import, plan: the same plan as on the command line
{
  const json = JSON.parse(readFileSync(join(scratch, "site/report.json"), "utf8"));
  const cohorts = json.cohorts.filter((c) => c.convicted);
  assert.ok(cohorts.length >= 2, `two cohorts are needed, ${cohorts.length} were found: ${json.cohorts.map((c) => c.title)}`);
  const { page, done, context } = await open("site");
  // Nothing is decided without a name.
  await page.locator('[data-decide="0"] button[data-choice="approve"]').click();
  assert.match(await page.locator("[role=status]").textContent(), /Type your name first/);
  assert.equal(await page.locator("#export").isDisabled(), true);
  await page.locator("#by").fill("Bea");
  // By mouse.
  for (const box of await page.locator('[data-decide="0"] input[type=checkbox]').all()) await box.check();
  await page.locator('[data-decide="0"] button[data-choice="approve"]').click();
  // By keyboard.
  await page.locator("#c2").focus();
  await page.keyboard.press("a");
  assert.equal(await page.locator('[data-decide="1"] button[data-choice="approve"]').getAttribute("aria-pressed"), "true");
  const row = page.locator("#c1 tr[data-row]").first();
  await row.locator('button[data-choice="keep"]').click();
  const shown = await page.evaluate(() => { const d = JSON.parse(document.getElementById("data").textContent); const r = d.rows[Number(document.querySelector("#c1 tr[data-row]").dataset.row)]; return { table: d.tables[r[0]], key: r[1] }; });
  assert.match(await page.locator("[data-progress]").textContent(), new RegExp(`2 of ${json.cohorts.length} cohorts decided, 1 rows`));
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#export").click()]);
  await download.saveAs(join(scratch, "decisions.jsonl"));
  const file = readFileSync(join(scratch, "decisions.jsonl"), "utf8");

  copyFileSync(join(scratch, "site/case.db"), join(scratch, "by-page.db"));
  copyFileSync(join(scratch, "site/case.db"), join(scratch, "by-cli.db"));
  assert.equal(run("review", "by-page.db", "import", "decisions.jsonl"), "decisions.jsonl: 3 decisions added, 0 known\n");
  const guarded = cohorts[0].tables.filter((t) => t.guarded).map((t) => t.name);
  const review = cohorts[0].tables.some((t) => t.review > 0);
  run("review", "by-cli.db", "approve", json.cohorts[0].id, ...(guarded.length ? ["--tables", guarded.join(",")] : []), ...(review ? ["--include-review"] : []), "--by", "Bea");
  run("review", "by-cli.db", "approve", json.cohorts[1].id, "--by", "Bea");
  run("review", "by-cli.db", "keep", shown.table, shown.key, "--by", "Bea");
  assert.equal(run("review", "by-cli.db", "export"), file, "the page writes the file that the command line writes");
  run("plan", "by-page.db", "-o", "plan-page", "--by", "ana");
  run("plan", "by-cli.db", "-o", "plan-cli", "--by", "ana");
  for (const name of ["delete.sql", "plan.json"]) assert.equal(readFileSync(join(scratch, "plan-page", name), "utf8"), readFileSync(join(scratch, "plan-cli", name), "utf8"), name);
  ok("two cohorts approved, a row kept, exported, imported: the same delete.sql and plan.json as by command line");

  // Autosave: the same page opened again knows it all.
  await page.reload();
  assert.equal(await page.locator('[data-decide="0"] button[data-choice="approve"]').getAttribute("aria-pressed"), "true");
  assert.equal(await page.locator("#by").inputValue(), "Bea");
  ok("decisions are kept over a reload");
  await done();

  // Import into a page that knows nothing, and go on.
  const fresh = await open("site");
  await fresh.page.locator("#import").setInputFiles(join(scratch, "decisions.jsonl"));
  await fresh.page.locator("[role=status]", { hasText: "3 decisions read" }).waitFor();
  const [again] = await Promise.all([fresh.page.waitForEvent("download"), fresh.page.locator("#export").click()]);
  await again.saveAs(join(scratch, "again.jsonl"));
  assert.equal(readFileSync(join(scratch, "again.jsonl"), "utf8"), file);
  // A file of another snapshot is refused.
  writeFileSync(join(scratch, "other.jsonl"), file.replace(/"snapshot_id":"./, '"snapshot_id":"x'));
  await fresh.page.locator("#import").setInputFiles(join(scratch, "other.jsonl"));
  await fresh.page.locator("[role=status]", { hasText: "another snapshot" }).waitFor();
  // Split: two rows of the first cohort are kept, any other row by its key, and one that is taken back.
  await fresh.page.locator("#by").fill("Carl");
  const ticks = fresh.page.locator("#c1 input[data-tick]");
  await ticks.nth(1).check();
  await ticks.nth(2).check();
  await fresh.page.locator('#c1 button[data-split="keep"]').click();
  await fresh.page.locator("#review details summary").click();
  await fresh.page.locator("#any-key").fill("17");
  await fresh.page.locator('#review details button[data-choice="keep"]').click();
  await fresh.page.locator("#any-key").fill("18");
  await fresh.page.locator('#review details button[data-choice="approve"]').click();
  assert.match(await fresh.page.locator("[role=status]").textContent(), /Only rows that the page shows can be approved/);
  await fresh.page.locator("#c2").focus();
  await fresh.page.keyboard.press("h");
  const [third] = await Promise.all([fresh.page.waitForEvent("download"), fresh.page.keyboard.press("e")]);
  await third.saveAs(join(scratch, "third.jsonl"));
  assert.equal(run("review", "by-page.db", "import", "third.jsonl"), "third.jsonl: 4 decisions added, 2 known\n");
  run("plan", "by-page.db", "-o", "plan-third", "--by", "ana");
  const plan = JSON.parse(readFileSync(join(scratch, "plan-third/plan.json"), "utf8"));
  const users = plan.tables.find((t) => t.name === "users");
  assert.ok(users && !users.keys.includes('["17"]') && !users.keys.includes(shown.key));
  await fresh.done();
  ok("import goes on where another left off; split, any row by key, taking back, another snapshot refused");
}

// --- nothing overflows or overlaps
const layout = () => {
  const problems = [];
  const width = document.documentElement.clientWidth;
  if (document.scrollingElement.scrollWidth > width) problems.push(`the page is ${document.scrollingElement.scrollWidth} wide on ${width}`);
  const visible = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const name = (e) => `${e.tagName.toLowerCase()}.${e.getAttribute("class") || ""} "${(e.textContent || "").trim().slice(0, 40)}"`;
  const floating = (e) => e.closest("#progress-bar, .skip, noscript, script, style");
  for (const e of document.body.querySelectorAll("*")) {
    if (floating(e) || !visible(e)) continue;
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    // Wide tables scroll inside their region; the region itself must fit.
    if (!e.closest(".wide") || e.classList.contains("wide")) {
      if ((box.right > width + 0.5 || box.left < -0.5) && getComputedStyle(e.closest("thead") || e).position !== "absolute") problems.push(`${name(e)} reaches from ${box.left} to ${box.right}`);
    }
    if (!e.closest("svg") && getComputedStyle(e).overflowX === "visible" && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).display !== "inline") problems.push(`${name(e)} holds ${e.scrollWidth} in ${e.clientWidth}`);
  }
  // Text must not lie on other text.
  const boxes = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    if (!node.data.trim() || floating(parent) || !visible(parent) || parent.closest("title, desc, option") || getComputedStyle(parent.closest("thead") || parent).position === "absolute") continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) if (r.width > 1 && r.height > 1) boxes.push({ l: r.left, r: r.right, t: r.top, b: r.bottom, e: parent });
  }
  for (const e of document.querySelectorAll("button, input, select")) {
    if (floating(e) || !visible(e)) continue;
    const r = e.getBoundingClientRect();
    boxes.push({ l: r.left, r: r.right, t: r.top, b: r.bottom, e, control: true });
  }
  boxes.sort((a, b) => a.t - b.t);
  for (let i = 0; i < boxes.length; i++) {
    for (let j = i + 1; j < boxes.length && boxes[j].t < boxes[i].b - 3; j++) {
      const [a, b] = [boxes[i], boxes[j]];
      if (a.e.contains(b.e) || b.e.contains(a.e)) continue;
      const [w, h] = [Math.min(a.r, b.r) - Math.max(a.l, b.l), Math.min(a.b, b.b) - Math.max(a.t, b.t)];
      if (w > 2 && h > 3) problems.push(`${name(a.e)} lies on ${name(b.e)} by ${w.toFixed(0)}x${h.toFixed(0)}`);
    }
  }
  return problems.slice(0, 12);
};
for (const folder of ["storefront", "site", "clean", "hostile"]) {
  for (const width of [360, 1440]) for (const colorScheme of ["light", "dark"]) {
    const { page, done } = await open(folder, { viewport: { width, height: 900 }, colorScheme });
    assert.deepEqual(await page.evaluate(layout), [], `${folder} at ${width} ${colorScheme}`);
    await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
    assert.deepEqual(await page.evaluate(layout), [], `${folder} at ${width} ${colorScheme}, all opened`);
    await done();
  }
  ok(`${folder}: nothing overflows or overlaps at 360 and 1440 px, light and dark, as opened and with everything open`);
}

// --- the check itself sees what is wrong
{
  const { page, context } = await open("clean");
  const sees = async (spoil) => { await page.reload(); await page.evaluate(spoil); return (await page.evaluate(layout)).length > 0; };
  assert.equal(await sees(() => {}), false);
  assert.ok(await sees(() => { document.querySelector("h1").style.marginBottom = "-40px"; }), "text on text");
  assert.ok(await sees(() => { document.querySelector("h1").style.width = "3000px"; }), "too wide");
  assert.ok(await sees(() => { const h = document.querySelector("h1"); h.style.width = "20px"; h.style.whiteSpace = "nowrap"; }), "text out of its box");
  await context.close();
  ok("the layout check sees overlap, width and overflow");
}

// --- accessibility
for (const folder of ["storefront", "site", "clean"]) for (const width of [360, 1440]) for (const colorScheme of ["light", "dark"]) {
  const { page, context } = await open(folder, { viewport: { width, height: 900 }, colorScheme });
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ["violations"] })).violations.map((v) => ({ id: v.id, impact: v.impact, nodes: v.nodes.slice(0, 3).map((n) => `${n.target}: ${n.any.map((a) => a.message).join("; ").slice(0, 200)}`), count: v.nodes.length })));
  const serious = found.filter((v) => ["serious", "critical"].includes(v.impact));
  assert.deepEqual(serious, [], `${folder} ${width} ${colorScheme}`);
  if (found.length) console.log(`   ${folder} ${width} ${colorScheme}: lesser findings: ${JSON.stringify(found.map((v) => [v.id, v.impact, v.count]))}`);
  await context.close();
}
ok("axe-core finds no serious violation, at 360 and 1440 px, light and dark");

// --- prints with nothing collapsed, and reads without scripts
{
  const pages = (pdf) => (pdf.toString("latin1").match(/\/Type\s*\/Page\b/g) || []).length;
  const { page, context } = await open("storefront", { javaScriptEnabled: false });
  const closed = await page.locator("details:not([open])").count();
  assert.ok(closed > 0);
  const text = await page.locator("body").innerText();
  for (const part of ["SEEDED", "Your real user base", "Cohorts", "user{n}", "What this cannot tell"]) assert.ok(text.includes(part), part);
  assert.equal(await page.locator("#review").innerText(), "");
  await page.emulateMedia({ media: "print" });
  const hidden = await page.evaluate(() => [...document.querySelectorAll("details > :not(summary)")].filter((e) => e.getBoundingClientRect().height === 0 && e.textContent.trim()).map((e) => e.parentElement.querySelector("summary").textContent));
  assert.deepEqual(hidden, []);
  const pdf = await page.pdf({ format: "A4" });
  writeFileSync(join(scratch, "storefront.pdf"), pdf);
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  const opened = await page.pdf({ format: "A4" });
  assert.equal(pages(pdf), pages(opened), "as many pages as with everything open");
  assert.ok(pages(pdf) > 1);
  if (existsSync("/usr/bin/pdftotext")) {
    const printed = execFileSync("/usr/bin/pdftotext", [join(scratch, "storefront.pdf"), "-"], { encoding: "utf8" });
    for (const part of ["Sign-ups per month", "2024-02"]) assert.ok(printed.includes(part), part);
  }
  await context.close();
  ok(`prints ${pages(pdf)} pages with nothing collapsed; reads without scripts`);
}

// --- report.json is what its schema says
{
  const ajv = new Ajv({ strict: false, formats: { uint64: true, uint32: true, uint: true, double: true, int64: true } });
  const validate = ajv.compile(JSON.parse(run("schema", "report")));
  for (const folder of ["site", "storefront", "clean", "hostile"]) assert.ok(validate(JSON.parse(readFileSync(join(scratch, folder, "report.json"), "utf8"))), JSON.stringify(validate.errors));
  ok("report.json of four sites is what the schema says");
}

await browser.close();
console.log(`${passed} browser checks passed`);
