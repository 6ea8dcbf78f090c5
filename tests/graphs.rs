//! Random schemas and rows on every engine: an apply removes exactly the plan, leaves no reference to
//! nothing, changes no survivor beyond the listed ones, and undo restores every byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use unseed::model::Engine;

use crate::engines::{Maria, Server, Site, Sqlite, last, mark};
use crate::harness::{Desk, Postgres};

/// A sequence that is the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        // Source: xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
}

struct Reference {
    parent: usize,
    nullable: bool,
    action: Deed,
}

struct Table {
    composite: bool,
    references: Vec<Reference>,
    /// Per row: the parent's row by reference.
    rows: Vec<Vec<Option<usize>>>,
    payload: Vec<Option<String>>,
    seeded: BTreeSet<usize>,
}

struct Graph {
    tables: Vec<Table>,
}

const PAYLOADS: &[&str] = &[
    "plain",
    "it''s",
    "",
    "caf\u{e9}",
    "dog \u{1f436}",
    "back\\slash",
    "-- no comment",
    "*/",
    "$g$",
    ":var",
    "tab\there",
    "two\nlines",
    "cr\r\nlf",
    "\u{202e}rtl",
    "  blanks  ",
];

impl Graph {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            random.below(2);
        }
        let count = 2 + random.below(4) as usize;
        let mut tables: Vec<Table> = (0..count)
            .map(|_| Table {
                composite: random.chance(40),
                references: Vec::new(),
                rows: Vec::new(),
                payload: Vec::new(),
                seeded: BTreeSet::new(),
            })
            .collect();
        for (child, table) in tables.iter_mut().enumerate() {
            for _ in 0..=random.below(2) {
                // To any table, itself too; circles of tables come about.
                let parent = if random.chance(25) { child } else { random.below(count as u64) as usize };
                let nullable = random.chance(65);
                let action = match random.below(10) {
                    0..=2 => Deed::NoAction,
                    3 => Deed::Restrict,
                    4..=6 => Deed::Cascade,
                    _ if nullable => Deed::SetNull,
                    _ => Deed::Cascade,
                };
                table.references.push(Reference { parent, nullable, action });
            }
        }
        let sizes: Vec<usize> = (0..count).map(|_| 3 + random.below(10) as usize).collect();
        let seeded_share = 40 + random.below(55);
        for child in 0..count {
            for row in 0..sizes[child] {
                let seeded = random.chance(seeded_share);
                let cells = (0..tables[child].references.len())
                    .map(|r| {
                        let reference = &tables[child].references[r];
                        let empty = reference.nullable && random.chance(30);
                        let to = random.below(sizes[reference.parent] as u64) as usize;
                        (!empty).then_some(to)
                    })
                    .collect();
                tables[child].rows.push(cells);
                let payload = random.chance(85).then(|| PAYLOADS[random.below(PAYLOADS.len() as u64) as usize].replace("''", "'"));
                tables[child].payload.push(payload);
                if seeded {
                    tables[child].seeded.insert(row);
                }
            }
        }
        if tables.iter().all(|t| t.seeded.is_empty()) {
            tables[0].seeded.insert(0);
        }
        Self { tables }
    }

    fn key(&self, table: usize, row: usize) -> Vec<String> {
        if self.tables[table].composite { vec![(row % 3).to_string(), format!("K{row}")] } else { vec![(row + 1).to_string()] }
    }

    /// The statements that make the schema with its rows.
    fn sql(&self, engine: Engine) -> String {
        let mut out = String::new();
        let action = |a: Deed| match a {
            Deed::NoAction => "NO ACTION",
            Deed::Restrict => "RESTRICT",
            Deed::Cascade => "CASCADE",
            Deed::SetNull => "SET NULL",
        };
        let mut keys = String::new();
        if engine == Engine::Sqlite {
            out.push_str("PRAGMA foreign_keys = OFF;\n");
        }
        for (index, table) in self.tables.iter().enumerate() {
            let mut parts = if table.composite {
                vec!["a INTEGER NOT NULL".to_owned(), "b VARCHAR(20) NOT NULL".to_owned(), "PRIMARY KEY (a, b)".to_owned()]
            } else {
                vec!["id INTEGER PRIMARY KEY".to_owned()]
            };
            let mut last_parts = Vec::new();
            for (r, reference) in table.references.iter().enumerate() {
                let null = if reference.nullable { "" } else { " NOT NULL" };
                let (own, theirs) = if self.tables[reference.parent].composite {
                    parts.insert(0, format!("f{r}a INTEGER{null}"));
                    parts.insert(0, format!("f{r}b VARCHAR(20){null}"));
                    (format!("f{r}a, f{r}b"), "a, b")
                } else {
                    parts.insert(0, format!("f{r} INTEGER{null}"));
                    (format!("f{r}"), "id")
                };
                let key = format!("FOREIGN KEY ({own}) REFERENCES t{} ({theirs}) ON DELETE {}", reference.parent, action(reference.action));
                if engine == Engine::Sqlite {
                    last_parts.push(key);
                } else {
                    let _ = writeln!(keys, "ALTER TABLE t{index} ADD CONSTRAINT k{index}_{r} {key};");
                }
            }
            // The table's own parts end in its key; the payload stands before it.
            parts.insert(0, "v VARCHAR(40)".to_owned());
            let (columns, constraints): (Vec<String>, Vec<String>) = parts.into_iter().partition(|p| !p.starts_with("PRIMARY"));
            let all: Vec<String> = columns.into_iter().chain(constraints).chain(last_parts).collect();
            let _ = writeln!(out, "CREATE TABLE t{index} ({});", all.join(", "));
        }
        for (index, table) in self.tables.iter().enumerate() {
            for (row, cells) in table.rows.iter().enumerate() {
                let mut names: Vec<String> = Vec::new();
                let mut values: Vec<String> = Vec::new();
                if table.composite {
                    names.extend(["a".to_owned(), "b".to_owned()]);
                } else {
                    names.push("id".to_owned());
                }
                let quoted = |parts: Vec<String>| -> Vec<String> {
                    let two = parts.len() == 2;
                    parts.into_iter().enumerate().map(|(i, p)| if two && i == 1 { format!("'{p}'") } else { p }).collect()
                };
                values.extend(quoted(self.key(index, row)));
                for (r, to) in cells.iter().enumerate() {
                    let Some(to) = to else { continue };
                    let parent = table.references[r].parent;
                    names.extend(if self.tables[parent].composite {
                        vec![format!("f{r}a"), format!("f{r}b")]
                    } else {
                        vec![format!("f{r}")]
                    });
                    values.extend(quoted(self.key(parent, *to)));
                }
                if let Some(payload) = &table.payload[row] {
                    names.push("v".to_owned());
                    values.push(literal(engine, payload));
                }
                let _ = writeln!(out, "INSERT INTO t{index} ({}) VALUES ({});", names.join(", "), values.join(", "));
            }
        }
        out.push_str(&keys);
        out
    }

    /// The rows that can go, worked out anew: none stays that something which stays refers to.
    fn planned(&self) -> BTreeSet<(usize, usize)> {
        let mut planned: BTreeSet<(usize, usize)> =
            self.tables.iter().enumerate().flat_map(|(t, table)| table.seeded.iter().map(move |r| (t, *r))).collect();
        loop {
            let before = planned.len();
            for (child, table) in self.tables.iter().enumerate() {
                for (row, cells) in table.rows.iter().enumerate() {
                    for (reference, to) in table.references.iter().zip(cells) {
                        let Some(to) = to else { continue };
                        let sets_null = reference.action == Deed::SetNull && reference.nullable;
                        if !planned.contains(&(child, row)) && !sets_null && (child, row) != (reference.parent, *to) {
                            planned.remove(&(reference.parent, *to));
                        }
                    }
                }
            }
            if planned.len() == before {
                return planned;
            }
        }
    }

    /// Says whether planned rows refer to each other in a circle, longer than one or not.
    fn has_circle(&self, planned: &BTreeSet<(usize, usize)>) -> bool {
        // Peels off rows that no planned row refers to; what is left lies in or behind a circle.
        let mut left = planned.clone();
        loop {
            let mut referred: BTreeSet<(usize, usize)> = BTreeSet::new();
            for (child, row) in &left {
                let table = &self.tables[*child];
                referred.extend(table.references.iter().zip(&table.rows[*row]).filter_map(|(r, to)| to.map(|to| (r.parent, to))));
            }
            let before = left.len();
            left.retain(|p| referred.contains(p));
            if left.len() == before {
                return !left.is_empty();
            }
        }
    }

    fn touched(&self, planned: &BTreeSet<(usize, usize)>) -> BTreeSet<(usize, usize, usize)> {
        let mut touched = BTreeSet::new();
        for (child, table) in self.tables.iter().enumerate() {
            for (row, cells) in table.rows.iter().enumerate() {
                for (r, (reference, to)) in table.references.iter().zip(cells).enumerate() {
                    if to.is_some_and(|to| planned.contains(&(reference.parent, to))) && !planned.contains(&(child, row)) {
                        touched.insert((child, row, r));
                    }
                }
            }
        }
        touched
    }
}

fn literal(engine: Engine, text: &str) -> String {
    let plain = text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'\\');
    if plain {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let digits: String = text.bytes().map(|b| format!("{b:02x}")).collect();
    match engine {
        Engine::Postgres => format!("convert_from('\\x{digits}', 'UTF8')"),
        Engine::Sqlite => format!("CAST(X'{digits}' AS TEXT)"),
        _ => format!("CONVERT(X'{digits}' USING utf8mb4)"),
    }
}

/// What the graphs had.
#[derive(Default)]
struct Coverage {
    graphs: u32,
    applied: u32,
    refused: u32,
    nothing: u32,
    row_cycles: u32,
    composite_keys: u32,
    set_null_survivors: u32,
    blocked_parents: u32,
}

fn check(server: Box<dyn Server>, seed: u64, coverage: &mut Coverage) -> Box<dyn Server> {
    let graph = Graph::new(seed);
    let engine = server.engine();
    coverage.graphs += 1;
    server.sql(&graph.sql(engine));
    let desk = Desk::on_the_clock();
    server.case(&desk, "case.db");
    let seeded: Vec<(String, String)> = graph
        .tables
        .iter()
        .enumerate()
        .filter(|(_, t)| !t.seeded.is_empty())
        .map(|(i, t)| {
            let keys: Vec<String> =
                t.seeded.iter().map(|r| if t.composite { format!("b = 'K{r}'") } else { format!("id = {}", r + 1) }).collect();
            (format!("t{i}"), keys.join(" OR "))
        })
        .collect();
    let marked: Vec<(&str, &str)> = seeded.iter().map(|(t, c)| (t.as_str(), c.as_str())).collect();
    let cohort = mark(&desk.path("case.db"), &marked, &[]);
    desk.run(&["review", "case.db", "approve", &cohort, "--tables", "all", "--by", "bea"]).exits(0);
    let planned = graph.planned();
    let approved: usize = graph.tables.iter().map(|t| t.seeded.len()).sum();
    let mut words = vec!["plan", "case.db", "-o", "plan", "--by", "ana"];
    if seed.is_multiple_of(5) {
        words.extend(["--batch", "3"]);
    }
    let ran = desk.run(&words);
    if planned.is_empty() {
        coverage.nothing += 1;
        assert_eq!(ran.code, 3, "seed {seed}: nothing can go: {}", ran.err);
        return server;
    }
    let circle = graph.has_circle(&planned);
    if ran.code == 3 && matches!(engine, Engine::Mariadb | Engine::Mysql) {
        assert!(circle && ran.err.contains("in a circle"), "seed {seed}: {}", ran.err);
        assert!(!desk.path("plan").exists());
        coverage.refused += 1;
        coverage.row_cycles += 1;
        return server;
    }
    assert_eq!(ran.code, 0, "seed {seed}: {}", ran.err);
    let mut site = Site { desk, server, token: String::new() };
    let manifest = site.manifest("plan");
    site.token = manifest["plan_id"].as_str().expect("an id").to_owned();
    // The plan is what was worked out anew.
    let mut keys: BTreeSet<(String, String)> = BTreeSet::new();
    for table in manifest["tables"].as_array().expect("tables") {
        for key in table["keys"].as_array().expect("keys") {
            keys.insert((table["name"].as_str().expect("a name").to_owned(), key.as_str().expect("a key").to_owned()));
        }
    }
    let json = |table: usize, row: usize| (format!("t{table}"), serde_json::to_string(&graph.key(table, row)).expect("a key"));
    let wanted: BTreeSet<(String, String)> = planned.iter().map(|(t, r)| json(*t, *r)).collect();
    assert_eq!(keys, wanted, "seed {seed}");
    let touched = graph.touched(&planned);
    coverage.applied += 1;
    coverage.row_cycles += u32::from(circle);
    coverage.composite_keys += u32::from(planned.iter().any(|(t, _)| graph.tables[*t].composite));
    coverage.set_null_survivors += u32::from(!touched.is_empty());
    coverage.blocked_parents += u32::from(planned.len() < approved);
    let before = site.server.tables();
    assert_eq!(site.rehearse(), "UNSEED DRY-RUN-OK", "seed {seed}");
    assert_eq!(site.server.tables(), before, "seed {seed}: a rehearsal changes nothing");
    let ran = site.server.run(&site.file("delete.sql"), Some(&site.token));
    assert_eq!(last(&ran), format!("UNSEED APPLIED {}", planned.len()), "seed {seed}: {}\n{}", ran.out, ran.err);
    survivors(&site, &graph, &planned, &touched, seed);
    assert_eq!(site.state(), "applied", "seed {seed}");
    let ran = site.server.run(&site.file("undo.sql"), Some(&site.token));
    assert_eq!(last(&ran), format!("UNSEED UNDONE {}", planned.len()), "seed {seed}: {}\n{}", ran.out, ran.err);
    assert_eq!(site.server.tables(), before, "seed {seed}: undo restores every byte");
    assert_eq!(site.state(), "undone", "seed {seed}");
    site.server
}

/// Asserts that what is left is what was there, less the plan, with the listed references NULL.
fn survivors(site: &Site, graph: &Graph, planned: &BTreeSet<(usize, usize)>, touched: &BTreeSet<(usize, usize, usize)>, seed: u64) {
    for (index, table) in graph.tables.iter().enumerate() {
        let mut wanted: BTreeMap<String, String> = BTreeMap::new();
        for (row, cells) in table.rows.iter().enumerate().filter(|(r, _)| !planned.contains(&(index, *r))) {
            let mut line = String::new();
            for (r, to) in cells.iter().enumerate() {
                let to = to.filter(|_| !touched.contains(&(index, row, r)));
                let _ = write!(line, "|{}", to.map_or("-".to_owned(), |t| graph.key(table.references[r].parent, t).join("/")));
            }
            let payload: String = table.payload[row].as_deref().map_or("-".to_owned(), |p| p.bytes().map(|b| format!("{b:02X}")).collect());
            wanted.insert(graph.key(index, row).join("/"), format!("{line}|{payload}"));
        }
        let join = |parts: Vec<String>| match site.server.engine() {
            Engine::Mariadb => format!("CONCAT({})", parts.join(", '/', ")),
            _ => parts.iter().map(|p| format!("CAST({p} AS VARCHAR(100))")).collect::<Vec<_>>().join(" || '/' || "),
        };
        let key = if table.composite { join(vec!["a".to_owned(), "b".to_owned()]) } else { join(vec!["id".to_owned()]) };
        let mut cells = vec![key];
        for (r, reference) in table.references.iter().enumerate() {
            let own =
                if graph.tables[reference.parent].composite { vec![format!("f{r}a"), format!("f{r}b")] } else { vec![format!("f{r}")] };
            cells.push(format!("COALESCE({}, '-')", join(own)));
        }
        cells.push(match site.server.engine() {
            Engine::Postgres => "COALESCE(upper(encode(convert_to(v, 'UTF8'), 'hex')), '-')".to_owned(),
            Engine::Sqlite => "CASE WHEN v IS NULL THEN '-' ELSE hex(v) END".to_owned(),
            _ => "COALESCE(HEX(v), '-')".to_owned(),
        });
        let text = site.server.sql(&format!("SELECT {} FROM t{index}", cells.join(", ")));
        let found: BTreeMap<String, String> = text
            .lines()
            .map(|l| {
                let (key, rest) = l.split_once('\t').expect("cells");
                (key.to_owned(), format!("|{}", rest.replace('\t', "|")))
            })
            .collect();
        assert_eq!(found, wanted, "seed {seed}, table t{index}");
    }
    if site.server.engine() == Engine::Sqlite {
        assert_eq!(site.server.sql("PRAGMA foreign_key_check"), "", "seed {seed}");
    }
}

/// How many graphs: 50, or 500 with `UNSEED_FULL=1`.
fn graphs() -> u64 {
    if std::env::var("UNSEED_FULL").is_ok() { 500 } else { 50 }
}

fn run(name: &str, mut fresh: impl FnMut(Option<Box<dyn Server>>) -> Option<Box<dyn Server>>) {
    let mut coverage = Coverage::default();
    let mut server = None;
    for seed in 1..=graphs() {
        let Some(next) = fresh(server.take()) else { return };
        server = Some(check(next, seed, &mut coverage));
    }
    #[expect(clippy::print_stderr, reason = "the coverage is part of what the test shows")]
    {
        let Coverage { graphs, applied, refused, nothing, row_cycles, composite_keys, set_null_survivors, blocked_parents } = &coverage;
        eprintln!(
            "{name}: {graphs} graphs, {applied} applied, {refused} refused, {nothing} without a plan; with row cycles {row_cycles}, composite keys {composite_keys}, SET NULL survivors {set_null_survivors}, blocked parents {blocked_parents}"
        );
    }
    let least = if graphs() >= 500 { 100 } else { 5 };
    for (what, count) in [
        ("row cycles", coverage.row_cycles),
        ("composite keys", coverage.composite_keys),
        ("SET NULL survivors", coverage.set_null_survivors),
        ("blocked parents", coverage.blocked_parents),
    ] {
        assert!(count >= least, "{name}: only {count} graphs have {what}");
    }
}

#[test]
fn random_graphs_on_postgres() {
    run("postgres", |old| {
        let server = match old {
            Some(server) => server,
            None => Box::new(Postgres::new("graphs")?),
        };
        server.sql("DO $$ DECLARE s text; BEGIN FOR s IN SELECT nspname FROM pg_namespace WHERE nspname = 'public' OR nspname LIKE 'unseed%' LOOP EXECUTE format('DROP SCHEMA %I CASCADE', s); END LOOP; END $$; CREATE SCHEMA public");
        Some(server)
    });
}

#[test]
fn random_graphs_on_sqlite() {
    run("sqlite", |_| Some(Box::new(Sqlite::new("graphs")?)));
}

#[test]
fn random_graphs_on_mariadb() {
    run("mariadb", |old| {
        // The old one takes its database with it; the new one has the same name.
        drop(old);
        Some(Box::new(Maria::new("graphs")?))
    });
}
