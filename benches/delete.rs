//! What the guards cost on Postgres: 100,000 planned rows out of 1 million against a hand-written
//! `DELETE ... USING` of the same rows, and what a writer notices while the batches run.
//!
//! `cargo bench --bench delete`; starts a private server of its own from local binaries. Figures of this
//! machine, to be read as ratios.
#![expect(clippy::print_stdout, reason = "figures are its result")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use unseed::model::plan::{DeletePlan, OnDrift, PlanRelation, PlanRow, PlanTable};
use unseed::model::{
    Column, Engine, OnDelete, PlanId, QualifiedName, SnapshotFacts, SnapshotId, Source, TableClass, TableId, TakenAt, Value,
};
use unseed::rehearse::Server;

/// Rows of each of the two tables; planned ones are a tenth.
const ROWS: i64 = 500_000;
const PLANNED: i64 = ROWS / 10;

const SCHEMA: &str = "CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, name text, created_at timestamp with time zone, coins integer);
CREATE TABLE sessions (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE, note text);
INSERT INTO users SELECT i, 'user' || i || '@mail.example', 'Name ' || i, '2026-01-01Z'::timestamptz + i * interval '1 second', i % 100 FROM generate_series(1, 500000) AS i;
INSERT INTO sessions SELECT i, i, 'note ' || i FROM generate_series(1, 500000) AS i;
CREATE INDEX ON sessions (user_id);
VACUUM ANALYZE;
";

/// The same rows by hand: one in ten.
const BY_HAND: &str = "CREATE TEMP TABLE ids AS SELECT i * 10 AS id FROM generate_series(1, 50000) AS i;
ALTER TABLE ids ADD PRIMARY KEY (id); ANALYZE ids;
BEGIN;
DELETE FROM sessions USING ids WHERE sessions.user_id = ids.id;
DELETE FROM users USING ids WHERE users.id = ids.id;
COMMIT;
";

fn main() {
    // `cargo test --benches` only checks that it runs at all.
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    let server = Server::start(Engine::Postgres).expect("a private Postgres");
    server.run("postgres", "CREATE DATABASE base;\n").expect("a database");
    server.run("base", SCHEMA).expect("rows");
    let one = scripts(None);
    let mut by_hand = Vec::new();
    let mut guarded = Vec::new();
    for round in 0..3 {
        by_hand.push(timed(&server, &format!("hand{round}"), BY_HAND));
        guarded.push(timed(&server, &format!("unseed{round}"), &format!("SET unseed.apply = '{}';\n{one}", id())));
    }
    let (hand, ours) = (by_hand.iter().min().expect("rounds").as_secs_f64(), guarded.iter().min().expect("rounds").as_secs_f64());
    println!("{} of {} rows: by hand {hand:.2} s, guarded script {ours:.2} s, ratio {:.2} (at most 4)", 2 * PLANNED, 2 * ROWS, ours / hand);
    server.run("postgres", "CREATE DATABASE explain TEMPLATE base;\n").expect("a database");
    let explained =
        server.run("explain", &unseed::dialect::of(Engine::Postgres).expect("a dialect").explain(&plan(None))).expect("explained");
    println!("{}", explained.out.trim());
    let nested = explained.out.contains("Nested Loop")
        && explained.out.split("Nested Loop").skip(1).any(|p| p.contains("Seq Scan on users") || p.contains("Seq Scan on sessions"));
    println!("a sequential scan inside a nested loop: {nested}");
    writer(&server);
    assert!(ours / hand <= 4.0, "the guarded script takes {:.2} times as long", ours / hand);
    assert!(!nested, "a table is read whole for each planned row");
}

/// Runs statements on a fresh copy of the database.
fn timed(server: &Server, name: &str, sql: &str) -> Duration {
    server.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE base;\nCHECKPOINT;\n")).expect("a copy");
    let start = Instant::now();
    let printed = server.run(name, sql).expect("it runs");
    let took = start.elapsed();
    let left = server.run(name, "SELECT count(*) FROM users;\n").expect("counted").out;
    assert_eq!(left.trim(), (ROWS - PLANNED).to_string(), "{}{}", printed.out, printed.err);
    server.run("postgres", &format!("DROP DATABASE {name};\n")).expect("dropped");
    took
}

/// How long a writer's updates of other rows take, idle and while the batches run.
fn writer(server: &Server) {
    server.run("postgres", "CREATE DATABASE busy TEMPLATE base;\nCHECKPOINT;\n").expect("a copy");
    let mut session = Session::new(server);
    let mut idle = Vec::new();
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        idle.push(session.update());
    }
    let done = AtomicBool::new(false);
    let script = format!("SET unseed.apply = '{}';\n{}", id(), scripts(Some(2_000)));
    let mut busy = Vec::new();
    let outcome = std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let printed = server.run("busy", &script).expect("it runs");
            done.store(true, Ordering::SeqCst);
            printed.out.lines().last().unwrap_or_default().to_owned()
        });
        while !done.load(Ordering::SeqCst) {
            busy.push(session.update());
        }
        run.join().expect("it ends")
    });
    let p99 = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() * 99 / 100].as_secs_f64() * 1_000.0
    };
    let (idle_ms, busy_ms) = (p99(&mut idle), p99(&mut busy));
    println!(
        "{outcome} in batches of 2000 beside a writer of 100 updates a second: its p99 is {busy_ms:.1} ms, idle {idle_ms:.1} ms, ratio {:.2} (at most 5), {} updates",
        busy_ms / idle_ms,
        busy.len()
    );
}

/// A client that updates rows which are not planned, some 100 times a second.
struct Session {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    next: i64,
}

impl Session {
    fn new(server: &Server) -> Self {
        let mut command = Command::new("psql");
        command.args(["-X", "-q", "-A", "-t", "-U", "postgres", "-d", "busy", "-h"]).arg(server.socket());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("psql runs");
        let lines = BufReader::new(child.stdout.take().expect("output"));
        Self { child, lines, next: 1 }
    }

    fn update(&mut self) -> Duration {
        self.next = (self.next + 7_919) % ROWS;
        let id = if self.next % 10 == 0 { self.next + 1 } else { self.next };
        let start = Instant::now();
        let input = self.child.stdin.as_mut().expect("input");
        writeln!(input, "UPDATE users SET coins = coins + 1 WHERE id = {id};\n\\echo done").expect("sent");
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("answered");
        let took = start.elapsed();
        std::thread::sleep(Duration::from_millis(10).saturating_sub(took));
        took
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn id() -> String {
    "be7c4".repeat(6) + "00"
}

fn scripts(batch_rows: Option<u32>) -> String {
    let scripts = unseed::dialect::of(Engine::Postgres).expect("a dialect").render(&plan(batch_rows)).expect("scripts");
    scripts.into_iter().find(|s| s.name == "delete.sql").expect("delete.sql").text
}

/// The plan that reviewed decisions on these rows would give.
fn plan(batch_rows: Option<u32>) -> DeletePlan {
    let column =
        |name: &str, kind: &str, not_null| Column { name: name.to_owned(), type_text: kind.to_owned(), not_null, ..Column::default() };
    let row = |table: u32, at: i64, values: Vec<Value>| PlanRow {
        place: (TableId(table), at as u32),
        values,
        cluster: at as u32,
        level: 0,
        opens: 0,
        take: 1,
        of: 1,
    };
    let table = |id: u32, name: &str, columns: Vec<Column>, rows: Vec<PlanRow>| PlanTable {
        table: TableId(id),
        name: QualifiedName::new("public", name),
        class: TableClass::Other,
        key: vec![0],
        reviewed: (0..columns.len()).collect(),
        columns,
        activity: Vec::new(),
        hooks: Vec::new(),
        declared: true,
        partitions: Vec::new(),
        storage_engine: String::new(),
        opens: Vec::new(),
        snapshot_rows: ROWS as u64,
        rows,
    };
    let ids = || (1..=PLANNED).map(|i| i * 10);
    let time = |i: i64| {
        let at = chrono::DateTime::from_timestamp(1_767_225_600 + i, 0).expect("a time");
        Value::Text(at.format("%Y-%m-%d %H:%M:%S+00").to_string())
    };
    let users = ids()
        .map(|i| {
            row(
                0,
                i,
                vec![
                    Value::Integer(i),
                    Value::Text(format!("user{i}@mail.example")),
                    Value::Text(format!("Name {i}")),
                    time(i),
                    Value::Integer(i % 100),
                ],
            )
        })
        .collect();
    let sessions = ids().map(|i| row(1, i, vec![Value::Integer(i), Value::Integer(i), Value::Text(format!("note {i}"))])).collect();
    let now = chrono::Utc::now().timestamp_micros();
    DeletePlan {
        id: PlanId(id()),
        snapshot: SnapshotFacts {
            id: SnapshotId("bench".to_owned()),
            engine: Engine::Postgres,
            database: String::new(),
            taken_at: TakenAt::Unknown,
            truncated: false,
        },
        decisions_digest: "bench".to_owned(),
        schema_fingerprint: "bench".to_owned(),
        author: "bench".to_owned(),
        approvers: vec!["bench".to_owned()],
        made_at: now,
        expires_at: now + 86_400_000_000,
        tables: vec![
            table(
                1,
                "sessions",
                vec![column("id", "bigint", true), column("user_id", "bigint", true), column("note", "text", false)],
                sessions,
            ),
            table(
                0,
                "users",
                vec![
                    column("id", "bigint", true),
                    column("email", "text", true),
                    column("name", "text", false),
                    column("created_at", "timestamp with time zone", false),
                    column("coins", "integer", false),
                ],
                users,
            ),
        ],
        cycles: Vec::new(),
        circles: Vec::new(),
        touched: Vec::new(),
        relations: vec![PlanRelation {
            name: "sessions_user_id_fkey".to_owned(),
            child: QualifiedName::new("public", "sessions"),
            child_columns: vec!["user_id".to_owned()],
            parent: QualifiedName::new("public", "users"),
            parent_columns: vec!["id".to_owned()],
            on_delete: OnDelete::Cascade,
            source: Source::Declared,
            indexed: true,
            same_types: true,
            only: None,
        }],
        protected: Vec::new(),
        held: Vec::new(),
        counters: Vec::new(),
        warnings: Vec::new(),
        on_drift: OnDrift::Abort,
        batch_rows,
        part: (1, 1),
    }
}
