// Lets people decide in the page and hands the decisions over as a file. Everything that comes from the data is set as
// text, never as markup; nothing is sent anywhere.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const places = data.rows.map((row) => ({ table: data.tables[row[0]], key: row[1], digest: row[2], verdict: row[3] }));
  const store = "unseed:" + data.snapshot_id;
  const decisions = new Map();
  let by = "";
  let current = -1;
  let shortcuts = true;
  let bar = null;

  const make = (tag, props, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(props || {})) {
      if (name === "on") for (const [event, run] of Object.entries(value)) element.addEventListener(event, run);
      else if (name in element && typeof value !== "string") element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  // Data that is shown by this script: isolated from the text around it.
  const bdi = (text) => make("bdi", {}, text);
  // What acts instead of showing, such as a change of direction, is shown by its number.
  const seen = (text) => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => "\u27e8U+" + c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "\u27e9");
  const cohortName = (index) => "cohort:" + data.cohorts[index].id;
  const rowName = (table, key) => "row:" + table + "\u0000" + key;
  const now = () => new Date().toISOString().replace(/\.\d+Z$/, "Z");

  const message = make("p", { class: "message", role: "status", "aria-live": "polite" });
  const say = (text) => { message.textContent = text; status.textContent = text; };
  const status = make("span", { "aria-hidden": "true" });

  const nameInput = make("input", { id: "by", type: "text", autocomplete: "name", maxlength: "80", on: { input: () => { by = nameInput.value.trim(); save(); } } });
  const named = () => {
    if (by) return true;
    say("Type your name first: decisions carry it.");
    nameInput.focus();
    return false;
  };

  // What a decision is, as the decisions file holds it; keys in its order.
  const line = (d) => {
    const out = { kind: d.kind };
    if (d.kind === "cohort") out.cohort_id = d.cohort_id;
    else { out.table = d.table; out.key = d.key; }
    for (const name of ["digest", "rows", "decision", "tables", "include_review", "reason", "by", "at"]) out[name] = d[name];
    return JSON.stringify(out);
  };
  const byCodePoint = (a, b) => {
    const x = Array.from(a), y = Array.from(b);
    for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i].codePointAt(0) - y[i].codePointAt(0);
    return x.length - y.length;
  };
  const file = () => {
    const head = JSON.stringify({ schema: 1, snapshot_id: data.snapshot_id, taken_at: data.taken_at, config_sha256: data.config_sha256 });
    const lines = [...decisions.values()].map(line).sort(byCodePoint);
    return [head, ...lines].join("\n") + "\n";
  };
  const save = () => {
    try { localStorage.setItem(store, JSON.stringify({ by, file: file() })); } catch { /* storage is off: the file is the way */ }
    paint();
  };

  // Reads a decisions file; says what it left out.
  const load = (text) => {
    const lines = text.split("\n").filter((l) => l.trim());
    const head = JSON.parse(lines.shift());
    if (head.schema !== 1) throw new Error("this file has another form than this page knows");
    if (head.snapshot_id !== data.snapshot_id) throw new Error("this file belongs to another snapshot");
    let taken = 0, stale = 0;
    for (const text of lines) {
      const d = JSON.parse(text);
      if (!["approve", "keep", "hold"].includes(d.decision)) throw new Error("a line holds no decision");
      const d2 = { kind: d.kind, digest: String(d.digest), rows: Number(d.rows), decision: d.decision, tables: [].concat(d.tables || []).map(String), include_review: !!d.include_review, reason: String(d.reason || ""), by: String(d.by), at: String(d.at) };
      if (d.kind === "cohort") {
        d2.cohort_id = String(d.cohort_id);
        const index = data.cohorts.findIndex((c) => c.id === d2.cohort_id);
        if (index < 0 || data.cohorts[index].digest !== d2.digest) { stale += 1; continue; }
        decisions.set(cohortName(index), d2);
      } else if (d.kind === "row") {
        d2.table = String(d.table); d2.key = String(d.key);
        const known = places.find((p) => p.table === d2.table && p.key === d2.key);
        if (known && d2.decision === "approve" && known.digest !== d2.digest) { stale += 1; continue; }
        decisions.set(rowName(d2.table, d2.key), d2);
      } else throw new Error("a line is neither of a cohort nor of a row");
      taken += 1;
    }
    return taken + " decisions read" + (stale ? ", " + stale + " left out: what they decided on has changed" : "");
  };

  const decideCohort = (index, choice) => {
    if (!named()) return;
    const cohort = data.cohorts[index];
    const box = document.querySelector('[data-decide="' + index + '"]');
    const tables = [...box.querySelectorAll("input[data-table]:checked")].map((i) => cohort.tables[Number(i.dataset.table)].name);
    const review = box.querySelector("input[data-review]");
    decisions.set(cohortName(index), {
      kind: "cohort", cohort_id: cohort.id, digest: cohort.digest, rows: cohort.rows, decision: choice,
      tables: choice === "approve" ? tables : [], include_review: choice === "approve" && !!review && review.checked,
      reason: box.querySelector("input[data-reason]").value.trim(), by, at: now(),
    });
    say("Cohort " + (index + 1) + ": " + choice + ". " + covers(index));
    save();
  };
  const decideRow = (table, key, digest, choice, reason) => {
    if (!named()) return;
    decisions.set(rowName(table, key), { kind: "row", table, key, digest, rows: 1, decision: choice, tables: [], include_review: false, reason, by, at: now() });
    say(seen(table + " " + key) + ": " + choice);
    save();
  };

  // What an approval would delete, and what it leaves out: said before it is exported.
  const covers = (index) => {
    const d = decisions.get(cohortName(index));
    if (!d) return "Undecided: nothing is deleted.";
    if (d.decision !== "approve") return d.decision === "keep" ? "Kept: no row of it can reach a script." : "On hold: nothing is deleted.";
    const said = [], left = [];
    for (const t of data.cohorts[index].tables) {
      if (t.guarded && !d.tables.includes(t.name)) { if (t.seeded + t.review) left.push(t.seeded + t.review + " of " + t.name + " (not named)"); continue; }
      const n = t.seeded + (d.include_review ? t.review : 0);
      if (n) said.push(n + " of " + t.name);
      if (t.review && !d.include_review) left.push(t.review + " of " + t.name + " in review");
    }
    return "Covers " + (said.join(", ") || "nothing") + "." + (left.length ? " Left out: " + left.join(", ") + "." : "");
  };

  const choices = (label, run, small) => ["approve", "keep", "hold"].map((choice) =>
    make("button", { type: "button", "data-choice": choice, "aria-pressed": "false", "aria-label": label + ": " + choice, on: { click: () => run(choice) } }, small ? choice[0].toUpperCase() + choice.slice(1) : choice[0].toUpperCase() + choice.slice(1)));

  const buildCohort = (index) => {
    const box = document.querySelector('[data-decide="' + index + '"]');
    if (!box) return;
    const cohort = data.cohorts[index];
    const title = "Cohort " + (index + 1);
    const boxes = [];
    cohort.tables.forEach((t, i) => {
      if (t.guarded && t.seeded + t.review) boxes.push(make("label", {}, make("input", { type: "checkbox", "data-table": String(i), on: { change: () => again(index) } }), make("span", {}, "also money and audit rows of ", bdi(t.name))));
    });
    const inReview = cohort.tables.reduce((n, t) => n + t.review, 0);
    if (inReview) boxes.push(make("label", {}, make("input", { type: "checkbox", "data-review": "", on: { change: () => again(index) } }), make("span", {}, "also " + inReview + " rows in review")));
    const reason = make("input", { type: "text", "data-reason": "", maxlength: "300", on: { change: () => again(index) } });
    box.append(
      make("div", { class: "controls" },
        make("div", { class: "bar-row", role: "group", "aria-label": "Decide on cohort " + (index + 1) }, ...choices(title, (c) => decideCohort(index, c))),
        ...(boxes.length ? [make("div", { class: "bar-row" }, ...boxes)] : []),
        make("div", { class: "bar-row" }, make("label", {}, make("span", {}, "Reason"), reason)),
        make("div", { class: "bar-row split", role: "group", "aria-label": "Split cohort " + (index + 1) },
          make("span", { class: "soft" }, "Split: decide on the rows ticked below"),
          ...["approve", "keep", "hold"].map((c) => make("button", { type: "button", "data-split": c, on: { click: () => split(index, c) } }, c[0].toUpperCase() + c.slice(1) + " ticked")))),
      make("p", { class: "covers", "data-covers": "" }));
  };
  // A changed box or reason changes the decision that stands.
  const again = (index) => { const d = decisions.get(cohortName(index)); if (d) decideCohort(index, d.decision); };

  const split = (index, choice) => {
    if (!named()) return;
    const card = document.getElementById("c" + (index + 1));
    const ticked = [...card.querySelectorAll("input[data-tick]:checked")].map((i) => places[Number(i.closest("tr").dataset.row)]);
    if (!ticked.length) { say("Tick rows in the sample tables first; other rows by their key, above."); return; }
    const reason = card.querySelector("input[data-reason]").value.trim();
    let left = 0;
    for (const place of ticked) {
      if (choice === "approve" && place.verdict !== "seeded" && place.verdict !== "review") { left += 1; continue; }
      decideRow(place.table, place.key, place.digest, choice, reason);
    }
    card.querySelectorAll("input[data-tick]:checked").forEach((i) => { i.checked = false; });
    say(ticked.length - left + " rows: " + choice + (left ? "; " + left + " protected rows cannot be approved" : ""));
  };

  const buildRows = () => {
    const done = new Set();
    document.querySelectorAll("tr[data-row]").forEach((tr) => {
      const place = places[Number(tr.dataset.row)];
      const table = tr.closest("table");
      if (!done.has(table)) {
        done.add(table);
        table.querySelector("thead tr").prepend(make("th", { scope: "col", class: "no-print" }, "Decide"));
      }
      const label = seen(place.table + " " + place.key);
      const buttons = choices(label, (c) => {
        decideRow(place.table, place.key, place.digest, c, rowReason.value.trim());
      }, true);
      if (place.verdict === "protected") { buttons[0].disabled = true; buttons[0].title = "a protected row cannot be approved"; }
      const card = tr.closest("[data-cohort]");
      const tick = card ? [make("input", { type: "checkbox", "data-tick": "", "aria-label": "Tick " + label })] : [];
      tr.prepend(make("td", { class: "no-print" }, make("div", { class: "row-decide" }, ...tick, ...buttons)));
    });
    // Rows whose key is masked have no buttons, but a cell.
    done.forEach((table) => table.querySelectorAll("tbody tr:not([data-row])").forEach((tr) => tr.prepend(make("td", { class: "no-print soft" }, "by command line"))));
  };

  const paint = () => {
    let decided = 0;
    data.cohorts.forEach((_, index) => {
      const d = decisions.get(cohortName(index));
      decided += d ? 1 : 0;
      const box = document.querySelector('[data-decide="' + index + '"]');
      if (!box) return;
      box.querySelectorAll("button[data-choice]").forEach((b) => b.setAttribute("aria-pressed", String(!!d && d.decision === b.dataset.choice)));
      box.querySelector("[data-covers]").textContent = covers(index);
    });
    document.querySelectorAll("tr[data-row]").forEach((tr) => {
      const place = places[Number(tr.dataset.row)];
      const d = decisions.get(rowName(place.table, place.key));
      tr.querySelectorAll("button[data-choice]").forEach((b) => b.setAttribute("aria-pressed", String(!!d && d.decision === b.dataset.choice)));
    });
    const rows = [...decisions.values()].filter((d) => d.kind === "row").length;
    bars.forEach((b) => { b.max = Math.max(1, data.cohorts.length); b.value = decided; });
    counts.forEach((c) => { c.textContent = decided + " of " + data.cohorts.length + " cohorts decided, " + rows + " rows by themselves"; });
    if (bar) bar.hidden = decisions.size === 0;
    exportButtons.forEach((b) => { b.disabled = decisions.size === 0; });
  };
  // Boxes and reasons follow decisions that were loaded.
  const fill = () => data.cohorts.forEach((cohort, index) => {
    const d = decisions.get(cohortName(index));
    const box = document.querySelector('[data-decide="' + index + '"]');
    if (!d || !box) return;
    box.querySelectorAll("input[data-table]").forEach((i) => { i.checked = d.tables.includes("all") || d.tables.includes(cohort.tables[Number(i.dataset.table)].name); });
    const review = box.querySelector("input[data-review]");
    if (review) review.checked = d.include_review;
    box.querySelector("input[data-reason]").value = d.reason;
  });

  const exportFile = () => {
    const url = URL.createObjectURL(new Blob([file()], { type: "application/jsonl" }));
    const link = make("a", { href: url, download: "decisions.jsonl" });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    say("decisions.jsonl is written. Next: unseed review CASE import decisions.jsonl");
  };
  const importFile = async (input) => {
    const chosen = input.files[0];
    if (!chosen) return;
    try { const said = load(await chosen.text()); fill(); save(); say(said); }
    catch (error) { say("The file was not read: " + error.message); }
    input.value = "";
  };

  const rowReason = make("input", { id: "row-reason", type: "text", maxlength: "300" });
  const counts = [make("span", { "data-progress": "" }), make("span", { "aria-hidden": "true" })];
  const bars = [make("progress", { "aria-label": "Cohorts decided" })];
  const exportButtons = [make("button", { type: "button", id: "export", on: { click: exportFile } }, "Export decisions"), make("button", { type: "button", on: { click: exportFile } }, "Export")];

  const anyRow = () => {
    const table = make("select", { id: "any-table" }, ...data.all_tables.map((t) => make("option", { value: t }, t)));
    const key = make("input", { id: "any-key", type: "text", maxlength: "200", size: "14" });
    const decide = (choice) => {
      const typed = key.value.trim();
      if (!typed) { say("Type the row's key first."); key.focus(); return; }
      let parts;
      try { parts = JSON.parse(typed); } catch { parts = typed; }
      const text = JSON.stringify(Array.isArray(parts) ? parts.map(String) : [typed]);
      const known = places.find((p) => p.table === table.value && p.key === text);
      if (choice === "approve" && !known) { say("Only rows that the page shows can be approved here; for others: unseed review CASE approve " + seen(table.value + " " + typed)); return; }
      if (choice === "approve" && known.verdict === "protected") { say("A protected row cannot be approved."); return; }
      decideRow(table.value, text, known ? known.digest : "", choice, rowReason.value.trim());
    };
    return make("details", {}, make("summary", {}, "Any other row, by its key"),
      make("div", { class: "bar-row" },
        make("label", { for: "any-table" }, "Table"), table, make("label", { for: "any-key" }, "Key"), key, ...choices("This row", decide)));
  };

  const go = (index) => {
    const cards = [...document.querySelectorAll("[data-cohort]")];
    if (!cards.length) return;
    current = Math.min(Math.max(index, 0), cards.length - 1);
    cards[current].focus();
    cards[current].scrollIntoView({ block: "start" });
  };
  const keys = { n: () => go(current + 1), p: () => go(current - 1), a: () => current >= 0 && decideCohort(current, "approve"), k: () => current >= 0 && decideCohort(current, "keep"), h: () => current >= 0 && decideCohort(current, "hold"), r: () => current >= 0 && document.querySelector('[data-decide="' + current + '"] input[data-reason]').focus(), e: exportFile };
  document.addEventListener("focusin", (event) => { const card = event.target.closest && event.target.closest("[data-cohort]"); if (card) current = Number(card.dataset.cohort); });
  document.addEventListener("keydown", (event) => {
    if (!shortcuts || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    const run = keys[event.key];
    if (run && (event.key !== "e" || decisions.size)) { event.preventDefault(); run(); }
  });

  const build = () => {
    const chooser = make("input", { id: "import", type: "file", accept: ".jsonl,.json", on: { change: () => importFile(chooser) } });
    const onOff = make("input", { type: "checkbox", id: "shortcuts", checked: true, on: { change: () => { shortcuts = onOff.checked; } } });
    if (!data.cohorts.length && !places.length) return;
    document.getElementById("review").append(
      make("h2", { class: "small" }, "Decide"),
      make("p", {}, "Approve what may be deleted, keep what is real, hold what nobody is sure of. Decisions stay in this browser until you export them; nothing is sent anywhere."),
      make("div", { class: "bar-row" }, make("label", { for: "by" }, "Your name"), nameInput, bars[0], counts[0]),
      make("div", { class: "bar-row" }, exportButtons[0], make("label", { for: "import" }, "Import a decisions file"), chooser),
      message,
      make("div", { class: "bar-row" }, make("label", { for: "row-reason" }, "Reason for single rows"), rowReason),
      make("p", { class: "soft" }, "Then: ", make("code", {}, "unseed review CASE import decisions.jsonl")),
      make("div", { class: "bar-row" }, make("label", { for: "shortcuts" }, onOff, make("span", {}, "Keys: ")),
        make("span", {}, make("kbd", {}, "n"), " next ", make("kbd", {}, "p"), " previous ", make("kbd", {}, "a"), " approve ", make("kbd", {}, "k"), " keep ", make("kbd", {}, "h"), " hold ", make("kbd", {}, "r"), " reason ", make("kbd", {}, "e"), " export")),
      anyRow());
    data.cohorts.forEach((_, index) => buildCohort(index));
    buildRows();
    document.body.append(bar = make("aside", { id: "progress-bar", hidden: true, "aria-label": "Review progress" }, make("div", {}, counts[1], status, exportButtons[1])));
    try {
      const kept = JSON.parse(localStorage.getItem(store) || "null");
      if (kept) { by = kept.by || ""; nameInput.value = by; load(kept.file); fill(); }
    } catch { /* nothing was kept, or it cannot be read */ }
    paint();
  };
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  build();
})();
