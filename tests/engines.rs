//! The engines behind one face, so that a test reads the same on each; and cases whose rows are marked by
//! hand, where a test is about the script and not about the detectors.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rusqlite::Connection;
use unseed::model::{Bits, Cohort, CohortId, Engine, Reason, RowVerdict, TableId, Verdict};
use unseed::snapshot::Case;

use crate::harness::{Desk, Postgres, Ran};

/// A database that scripts run in.
pub trait Server {
    /// The engine.
    fn engine(&self) -> Engine;
    /// Runs statements, failing at the first error; rows as text, tabs between cells.
    fn sql(&self, text: &str) -> String;
    /// Runs a script as the worst client does: one that goes on after errors.
    fn run(&self, path: &Path, token: Option<&str>) -> Ran;
    /// Every object and row.
    fn contents(&self) -> String;
    /// The rows of the user's tables.
    fn tables(&self) -> String;
    /// Makes a case file of the database as it is.
    fn case(&self, desk: &Desk, name: &str);
    /// Holds, in another session, what a run of a script holds against a second one.
    fn hold(&self) -> Held;
    /// Runs a script as another user.
    fn run_as(&self, user: &str, path: &Path, token: Option<&str>) -> Ran;
}

/// Another session; what it holds is free when it is dropped.
pub enum Held {
    Client(Child),
    File(Connection),
}

impl Held {
    /// Sends statements to a client and waits until it has run them.
    fn client(mut command: Command, statements: &str) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a client runs");
        std::io::Write::write_all(child.stdin.as_mut().expect("input"), statements.as_bytes()).expect("statements are sent");
        let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("output")));
        assert!(lines.map_while(Result::ok).any(|l| l == "held"), "the lock was not taken");
        Self::Client(child)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        match self {
            Self::Client(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Self::File(file) => {
                let _ = file.execute_batch("ROLLBACK");
            }
        }
    }
}

impl Server for Postgres {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    fn sql(&self, text: &str) -> String {
        Self::sql(self, text)
    }

    fn run(&self, path: &Path, token: Option<&str>) -> Ran {
        self.script_ran(path, token)
    }

    fn contents(&self) -> String {
        Self::contents(self)
    }

    fn tables(&self) -> String {
        Self::tables(self)
    }

    fn case(&self, desk: &Desk, name: &str) {
        let dump = desk.path(&format!("{name}.sql"));
        self.dump(&dump);
        desk.run(&["ingest", &dump.display().to_string(), "-o", name]).exits(0);
    }

    fn hold(&self) -> Held {
        let mut command = self.client();
        command.args(["-q", "-A", "-t"]);
        Held::client(command, "SELECT pg_advisory_lock(1970172772, 0);\n\\echo held\n")
    }

    fn run_as(&self, user: &str, path: &Path, token: Option<&str>) -> Ran {
        let mut command = self.client();
        command.args(["-U", user]);
        if let Some(token) = token {
            command.args(["-c", &format!("SET unseed.apply = '{token}'")]);
        }
        Ran::from(command.arg("-f").arg(path).output().expect("psql runs"))
    }
}

/// A SQLite file, through the `sqlite3` shell.
pub struct Sqlite {
    folder: tempfile::TempDir,
}

impl Sqlite {
    pub fn new(name: &str) -> Option<Self> {
        if Command::new("sqlite3").arg("--version").stdout(Stdio::null()).status().is_err() {
            skipped(name, "the sqlite3 shell");
            return None;
        }
        Some(Self { folder: tempfile::tempdir().expect("a folder") })
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("site.db")
    }

    fn shell(&self) -> Command {
        let mut command = Command::new("sqlite3");
        command.arg("-batch").arg(self.path());
        command
    }
}

impl Server for Sqlite {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    fn sql(&self, text: &str) -> String {
        let mut command = self.shell();
        command.args(["-bail", "-separator", "\t", "-cmd", "PRAGMA foreign_keys=ON"]).arg(text);
        Ran::from(command.output().expect("sqlite3 runs")).exits(0).out
    }

    fn run(&self, path: &Path, token: Option<&str>) -> Ran {
        let mut command = self.shell();
        if let Some(token) = token {
            command.args(["-cmd", &format!("CREATE TEMP TABLE unseed_apply AS SELECT '{token}' AS plan_id")]);
        }
        command.stdin(std::fs::File::open(path).expect("a script"));
        Ran::from(command.output().expect("sqlite3 runs"))
    }

    fn contents(&self) -> String {
        let ran = Ran::from(self.shell().arg(".dump").output().expect("sqlite3 runs")).exits(0);
        let mut lines: Vec<&str> = ran.out.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    }

    fn tables(&self) -> String {
        let all = self.contents();
        all.lines().filter(|l| l.starts_with("INSERT INTO") && !l.contains("unseed_")).collect::<Vec<_>>().join("\n")
    }

    fn case(&self, desk: &Desk, name: &str) {
        desk.run(&["ingest", &self.path().display().to_string(), "-o", name]).exits(0);
    }

    fn hold(&self) -> Held {
        let file = Connection::open(self.path()).expect("a connection");
        file.execute_batch("BEGIN IMMEDIATE").expect("a lock");
        Held::File(file)
    }

    fn run_as(&self, _: &str, path: &Path, token: Option<&str>) -> Ran {
        // A file has no users.
        self.run(path, token)
    }
}

/// Says what was skipped and why: plain `cargo test` runs without servers.
pub fn skipped(name: &str, what: &str) {
    #[expect(clippy::print_stderr, reason = "what was skipped must show")]
    {
        eprintln!("SKIPPED {name}: needs {what}; tests/run.sh has it");
    }
}

/// Rows to mark: table and condition.
pub type Marked<'a> = &'a [(&'a str, &'a str)];

/// Replaces a case's opinions: these rows are seeded, in one cohort, those are protected.
pub fn mark(path: &Path, seeded: Marked<'_>, protected: Marked<'_>) -> String {
    let raw = Connection::open(path).expect("a case");
    raw.execute_batch("DELETE FROM unseed_cohorts; DELETE FROM unseed_verdicts; DELETE FROM unseed_verdict_rows;").expect("cleared");
    let mut case = Case::open(path).expect("a case");
    let rows = |table: &str, condition: &str| -> (TableId, Vec<u32>) {
        let id = case.find_table(table).unwrap_or_else(|| panic!("there is no table {table}"));
        let physical = case.table(id).physical.replace('"', "\"\"");
        let mut statement =
            raw.prepare(&format!("SELECT rowid - 1 FROM \"{physical}\" WHERE {condition} ORDER BY 1")).expect("a condition");
        let found = statement.query_map([], |row| row.get(0)).expect("rows").map(|r| r.expect("a row")).collect();
        (id, found)
    };
    let members: Vec<(TableId, Vec<u32>)> = seeded.iter().map(|(t, c)| rows(t, c)).collect();
    let kept: Vec<(TableId, Vec<u32>)> = protected.iter().map(|(t, c)| rows(t, c)).collect();
    let id = CohortId("c0ffee00".to_owned());
    let reason = |family: &str, detail: &str| Reason {
        detector: "by-hand".into(),
        family: family.to_owned().into(),
        bits: Bits::new(30.0),
        detail: detail.into(),
    };
    let mut tables: Vec<unseed::model::CohortTable> = Vec::new();
    for (table, rows) in &members {
        match tables.iter_mut().find(|t| t.table == *table) {
            Some(known) => known.rows.extend(rows),
            None => tables.push(unseed::model::CohortTable { table: *table, rows: rows.clone() }),
        }
    }
    tables.sort_by_key(|t| t.table);
    let cohort = Cohort {
        id: id.clone(),
        title: "marked by hand".to_owned(),
        tables,
        families: Vec::new(),
        bits: Bits::new(30.0),
        convicted: true,
        declared: false,
        first_at: None,
        last_at: None,
        findings: Vec::new(),
    };
    let verdict = |table: TableId, row: u32, verdict: Verdict, reason: Reason| RowVerdict {
        table,
        row,
        verdict,
        bits: Bits::new(30.0),
        cohort: (verdict == Verdict::Seeded).then(|| id.clone()),
        reasons: vec![reason],
    };
    drop(raw);
    case.transaction(|case| -> Result<(), unseed::snapshot::SnapshotError> {
        case.put_cohort(&cohort, "digest")?;
        for table in &cohort.tables {
            for row in &table.rows {
                case.put_verdict(&verdict(table.table, *row, Verdict::Seeded, reason("identifier", "marked")), "digest")?;
            }
        }
        for (table, rows) in &kept {
            for row in rows {
                let why = reason("protect", "a privileged account: marked");
                case.put_verdict(&verdict(*table, *row, Verdict::Protected, why), "digest")?;
            }
        }
        Ok(())
    })
    .expect("marked");
    id.0
}

/// A database with its case, marked and approved.
pub struct Site {
    pub desk: Desk,
    pub server: Box<dyn Server>,
    pub token: String,
}

impl Site {
    /// Makes tables, takes the snapshot, marks rows, approves all and plans with these options.
    pub fn new(server: Box<dyn Server>, ddl: &str, config: &str, seeded: Marked<'_>, protected: Marked<'_>, options: &[&str]) -> Self {
        let mut site = Self::reviewed(server, ddl, config, seeded, protected);
        site.token = site.plan("plan", options);
        site
    }

    /// The same up to the approval.
    pub fn reviewed(server: Box<dyn Server>, ddl: &str, config: &str, seeded: Marked<'_>, protected: Marked<'_>) -> Self {
        server.sql(ddl);
        let desk = Desk::on_the_clock();
        if !config.is_empty() {
            desk.write("unseed.toml", config);
        }
        server.case(&desk, "case.db");
        desk.run(&["analyze", "case.db"]).exits(0);
        let cohort = mark(&desk.path("case.db"), seeded, protected);
        desk.run(&["review", "case.db", "approve", &cohort, "--tables", "all", "--include-review", "--by", "bea"]).exits(0);
        Self { desk, server, token: String::new() }
    }

    /// Plans into a folder; returns the token.
    pub fn plan(&self, folder: &str, options: &[&str]) -> String {
        let mut words = vec!["plan", "case.db", "-o", folder, "--by", "ana"];
        words.extend(options);
        self.desk.run(&words).exits(0);
        self.manifest(folder)["plan_id"].as_str().expect("an id").to_owned()
    }

    pub fn manifest(&self, folder: &str) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.desk.path(&format!("{folder}/plan.json"))).expect("a plan")).expect("JSON")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.desk.path(&format!("plan/{name}"))
    }

    pub fn script(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).expect("a script")
    }

    /// Runs a script of the plan; the last line.
    pub fn run(&self, name: &str, token: bool) -> String {
        last(&self.server.run(&self.file(name), token.then_some(self.token.as_str())))
    }

    pub fn rehearse(&self) -> String {
        self.run("delete.sql", false)
    }

    pub fn apply(&self) -> String {
        self.run("delete.sql", true)
    }

    pub fn undo(&self) -> String {
        self.run("undo.sql", true)
    }

    pub fn state(&self) -> String {
        self.run("verify.sql", false)
    }

    /// Asserts the outcome of an apply, with all that was printed.
    #[track_caller]
    pub fn applies(&self, wanted: &str) {
        let ran = self.server.run(&self.file("delete.sql"), Some(&self.token));
        assert_eq!(last(&ran), wanted, "{}\n{}", ran.out, ran.err);
    }

    /// Asserts that the script refuses with a code, which a client that stops at errors sees too, and
    /// changes nothing; and that without the guard it does not: the guard is what refuses.
    #[track_caller]
    pub fn refuses(&self, code: &str) {
        let before = self.server.contents();
        let ran = self.server.run(&self.file("delete.sql"), Some(&self.token));
        assert_eq!(last(&ran), format!("UNSEED REFUSED {code}"), "{}\n{}", ran.out, ran.err);
        assert!(ran.err.contains(code), "a client that stops at the first error finds the code: {}", ran.err);
        assert_eq!(self.server.contents(), before, "a refusal changes nothing");
        let mutant = self.desk.write("mutant.sql", without_guard(&self.script("delete.sql"), code));
        let ran = self.server.run(&mutant, Some(&self.token));
        assert_ne!(last(&ran), format!("UNSEED REFUSED {code}"), "without its guard nothing says {code}: {}\n{}", ran.out, ran.err);
    }
}

/// Returns the last line that was printed.
pub fn last(ran: &Ran) -> String {
    ran.out.lines().last().unwrap_or_default().to_owned()
}

/// Takes a guard out of a script: all its occurrences. Where guards write into a gate, the condition is
/// taken to hold.
pub fn without_guard(script: &str, code: &str) -> String {
    let (begin, end) = (format!("-- [{code}]"), format!("-- [/{code}]"));
    let mut out = String::new();
    let mut found = 0;
    let mut inside: Option<String> = None;
    for line in script.split_inclusive('\n') {
        let plain = line.trim_start();
        match &mut inside {
            None if plain.starts_with(&begin) => {
                inside = Some(String::new());
                found += 1;
            }
            Some(body) if plain.starts_with(&end) => {
                let mut body = std::mem::take(body);
                let mut kept = String::new();
                while let (Some(from), Some(to)) = (body.find("/*[*/"), body.find("/*]*/")) {
                    kept.push_str(&body[..from]);
                    kept.push_str("(1 = 1)");
                    body = body[to + 5..].to_owned();
                }
                if !kept.is_empty() {
                    kept.push_str(&body);
                }
                out.push_str(&kept);
                inside = None;
            }
            Some(body) => body.push_str(line),
            None => out.push_str(line),
        }
    }
    assert!(found > 0, "the script has no guard {code}");
    out
}

/// Makes a test of one body on every engine.
macro_rules! on_engines {
    ($(#[$doc:meta])* $name:ident: $($engine:ident)+ => $body:expr) => {
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports, reason = "not every body uses all")]
            use super::*;
            $(on_engines!(@one $engine $name $body);)+
        }
    };
    (@one postgres $name:ident $body:expr) => {
        #[test]
        fn postgres() {
            let Some(server) = crate::harness::Postgres::new(concat!("a_", stringify!($name))) else { return };
            let body: fn(Box<dyn crate::engines::Server>) = $body;
            body(Box::new(server));
        }
    };
    (@one sqlite $name:ident $body:expr) => {
        #[test]
        fn sqlite() {
            let Some(server) = crate::engines::Sqlite::new(stringify!($name)) else { return };
            let body: fn(Box<dyn crate::engines::Server>) = $body;
            body(Box::new(server));
        }
    };
    (@one mariadb $name:ident $body:expr) => {
        #[test]
        fn mariadb() {
            let Some(server) = crate::engines::Maria::new(concat!("a_", stringify!($name))) else { return };
            let body: fn(Box<dyn crate::engines::Server>) = $body;
            body(Box::new(server));
        }
    };
}
pub(crate) use on_engines;

/// A database of the private MariaDB, gone at the end of the test.
pub struct Maria {
    socket: String,
    name: String,
    owned: bool,
}

impl Maria {
    pub fn new(name: &str) -> Option<Self> {
        let Ok(socket) = std::env::var("UNSEED_TEST_MARIA") else {
            skipped(name, "a MariaDB server");
            return None;
        };
        let short: String = name.chars().take(50).collect();
        let server = Self { socket, name: format!("unseed_{short}"), owned: true };
        let make = format!("DROP DATABASE IF EXISTS `{0}`; CREATE DATABASE `{0}` CHARACTER SET utf8mb4", server.name);
        Ran::from(server.client("mysql").args(["-e", &make]).output().expect("mariadb runs")).exits(0);
        Some(server)
    }

    /// Another client of the database that a test has made, which it leaves alone at the end.
    pub fn same(name: &str) -> Option<Self> {
        let socket = std::env::var("UNSEED_TEST_MARIA").ok()?;
        Some(Self { socket, name: format!("unseed_{name}"), owned: false })
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.name
    }

    /// A database of a server of the test's own.
    pub fn at(socket: &Path, name: &str) -> Self {
        let server = Self { socket: socket.display().to_string(), name: name.to_owned(), owned: false };
        Ran::from(
            server.client("mysql").args(["-e", &format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4")]).output().expect("mariadb runs"),
        )
        .exits(0);
        server
    }

    pub fn client(&self, database: &str) -> Command {
        self.client_as("root", database)
    }

    fn client_as(&self, user: &str, database: &str) -> Command {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "-S", &self.socket, "-u", user, "--default-character-set=utf8mb4", "--binary-mode", database]);
        command
    }
}

impl Server for Maria {
    fn engine(&self) -> Engine {
        Engine::Mariadb
    }

    fn sql(&self, text: &str) -> String {
        Ran::from(self.client(&self.name).args(["-N", "-B", "-r", "-e", text]).output().expect("mariadb runs")).exits(0).out
    }

    fn run(&self, path: &Path, token: Option<&str>) -> Ran {
        self.run_as("root", path, token)
    }

    fn hold(&self) -> Held {
        let mut command = self.client(&self.name);
        command.args(["-N", "-B", "-n"]);
        Held::client(command, "SELECT GET_LOCK(CONCAT('unseed.', MD5(DATABASE())), 5); SELECT 'held';\n")
    }

    fn run_as(&self, user: &str, path: &Path, token: Option<&str>) -> Ran {
        let mut input = token.map(|t| format!("SET @unseed_apply = '{t}';\n")).unwrap_or_default().into_bytes();
        input.extend(std::fs::read(path).expect("a script"));
        let mut command = self.client_as(user, &self.name);
        command.args(["--force", "-N", "-B"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("mariadb runs");
        let mut pipe = child.stdin.take().expect("input");
        let feed = std::thread::spawn(move || std::io::Write::write_all(&mut pipe, &input));
        let ran = Ran::from(child.wait_with_output().expect("mariadb ends"));
        let _ = feed.join();
        ran
    }

    fn contents(&self) -> String {
        let mut command = Command::new("mariadb-dump");
        command.args([
            "--no-defaults",
            "-S",
            &self.socket,
            "-u",
            "root",
            "--skip-comments",
            "--skip-extended-insert",
            "--hex-blob",
            &self.name,
        ]);
        let out = Ran::from(command.output().expect("mariadb-dump runs")).exits(0).out;
        // Where a counter stands is not part of the content.
        out.lines().map(|l| l.split(" AUTO_INCREMENT=").next().unwrap_or(l)).collect::<Vec<_>>().join("\n")
    }

    fn tables(&self) -> String {
        let all = self.contents();
        let mut lines: Vec<&str> = all.lines().filter(|l| l.starts_with("INSERT INTO") && !l.contains("unseed_")).collect();
        lines.sort_unstable();
        lines.join("\n")
    }

    fn case(&self, desk: &Desk, name: &str) {
        let mut command = Command::new("mariadb-dump");
        command.args(["--no-defaults", "-S", &self.socket, "-u", "root", &self.name]);
        let output = command.output().expect("mariadb-dump runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let dump = desk.write(&format!("{name}.sql"), output.stdout);
        desk.run(&["ingest", &dump.display().to_string(), "-o", name]).exits(0);
    }
}

impl Drop for Maria {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        let _ = self.client("mysql").args(["-e", &format!("DROP DATABASE IF EXISTS `{}`", self.name)]).output();
    }
}
