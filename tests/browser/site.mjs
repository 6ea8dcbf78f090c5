// Makes small sites as pg_dump text: people, and one or two runs of a seed among them. Everything is made up.
import { readFileSync } from "node:fs";

const copy = (cell) => cell === null ? "\\N" : String(cell).replace(/\\/g, "\\\\").replace(/\t/g, "\\t").replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/[\b]/g, "\\b");
const stamp = (ms) => new Date(ms).toISOString().replace("T", " ").replace("Z", "");

function dump(tables) {
  let out = "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.4\n\n";
  for (const t of tables) out += `CREATE TABLE public.${t.name} (\n${t.columns.map(([n, type]) => `    ${n} ${type}`).join(",\n")}\n);\n\n`;
  for (const t of tables) out += `COPY public.${t.name} (${t.columns.map((c) => c[0]).join(", ")}) FROM stdin;\n${t.rows.map((r) => r.map(copy).join("\t") + "\n").join("")}\\.\n\n`;
  for (const t of tables) out += `ALTER TABLE ONLY public.${t.name} ADD CONSTRAINT ${t.name}_pkey PRIMARY KEY (id);\n`;
  for (const t of tables) for (const [column, parent] of t.references || []) out += `ALTER TABLE ONLY public.${t.name} ADD CONSTRAINT ${t.name}_${column}_fkey FOREIGN KEY (${column}) REFERENCES public.${parent}(id);\n`;
  return out + "\n-- PostgreSQL database dump complete\n";
}

// A small generator of its own, so that every run makes the same site.
function random(seed) {
  let state = seed;
  return (n) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return state % n; };
}

const GIVEN = ["mara", "jon", "ida", "sven", "lou", "kim", "pat", "nils", "vera", "otto", "ruth", "emil", "lena", "carl", "dora", "hugo"];
const FAMILY = ["hale", "brook", "stone", "marsh", "field", "wood", "lake", "hill", "ford", "grove", "vance", "thorn", "pike", "lowe", "crane"];

// Real people and two seeds of different days and templates, with payments.
export function twoSeeds() {
  const roll = random(7);
  const users = [], payments = [];
  let time = Date.parse("2024-03-01T09:00:00Z");
  const add = (email, name, password, at) => users.push([users.length + 1, email, name, password, at === null ? null : stamp(at)]);
  const people = (n) => {
    for (let i = 0; i < n; i++) {
      time += 1000 * (1800 + roll(40000)) + roll(1000);
      const given = GIVEN[roll(16)], family = FAMILY[roll(15)];
      add(`${given}.${family}${roll(2) ? roll(99) : ""}.${roll(9000)}@mail${roll(60)}.example.net`, `${given} ${family}`, `$2b$10$${String(roll(1e9)).padStart(11, "k")}${String(roll(1e9)).padStart(20, "Q")}`, time);
      if (roll(3) === 0) payments.push([payments.length + 1, users.length, `${roll(900)}.${String(roll(100)).padStart(2, "0")}`, roll(2) ? "EUR" : "USD", stamp(time + 1000 * roll(900000))]);
    }
  };
  people(500);
  time += 3600e3;
  for (let i = 1; i <= 60; i++) { time += 90 + roll(9); add(`user${i}@test.com`, `Test User ${i}`, "hashed_password_123", time); }
  for (let i = 1; i <= 20; i++) payments.push([payments.length + 1, users.length - 60 + i, "49.99", "USD", stamp(time + i * 90)]);
  people(500);
  time += 7200e3;
  for (let i = 1; i <= 40; i++) { time += 180 + roll(9); add(`demo+${i}@example.com`, `Demo Account ${i}`, "$2a$10$demodemodemodemodemodeOq1uVf8m3H5r0uQyq7Zc3m1wS9n8b2K", time); }
  people(200);
  return dump([
    { name: "users", columns: [["id", "integer NOT NULL"], ["email", "character varying(255)"], ["full_name", "text"], ["password_hash", "text"], ["created_at", "timestamp(3) without time zone"]], rows: users },
    { name: "payments", columns: [["id", "integer NOT NULL"], ["user_id", "integer"], ["amount", "numeric(10,2)"], ["currency", "character varying(3)"], ["created_at", "timestamp(3) without time zone"]], rows: payments, references: [["user_id", "users"]] },
  ]);
}

// The same with forty hostile values in every text column of the seed's rows.
export function hostile(values) {
  const texts = JSON.parse(readFileSync(values, "utf8")).map((v) => v === "LONG" ? "<b>long</b>".repeat(95326) : v.replaceAll("\0", "\u0001"));
  const roll = random(9);
  const rows = [];
  let time = Date.parse("2025-01-05T09:00:00Z");
  for (let i = 0; i < 400; i++) {
    time += 1000 * (1800 + roll(60000)) + roll(1000);
    rows.push([i + 1, `${GIVEN[roll(16)]}${roll(90000)}@mail${roll(60)}.example.net`, `$2b$10$${String(roll(1e9)).padStart(31, "k")}`, ...[0, 1, 2, 3].map(() => FAMILY[roll(15)]), stamp(time)]);
  }
  for (let i = 0; i < 100; i++) { time += 95; rows.push([401 + i, `user${i + 1}@test.com`, "hashed_password_123", ...[0, 7, 14, 21].map((c) => texts[(i + c) % 40]), stamp(time)]); }
  return dump([{ name: "users", columns: [["id", "integer NOT NULL"], ["email", "text"], ["password", "text"], ["full_name", "text"], ["bio", "text"], ["city", "text"], ["note", "text"], ["created_at", "timestamp(3) without time zone"]], rows }]);
}
