//! Runs the binary, reads case files, talks to the private Postgres that `tests/run.sh` starts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rusqlite::Connection;
use tempfile::TempDir;

/// The time that tests pretend it is, shortly after the fixtures' snapshot.
pub const NOW: &str = "2026-02-10T00:00:00Z";

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Asserts that standard error holds all of these.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in stderr:\n{}", self.err);
        }
        self
    }
}

/// A folder of a test's own.
pub struct Desk {
    folder: TempDir,
    now: Option<&'static str>,
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), now: Some(NOW) }
    }

    /// A folder whose commands go by the machine's clock, as servers do.
    pub fn on_the_clock() -> Self {
        Self { now: None, ..Self::new() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// Runs the binary in this folder; words are split at blanks.
    pub fn unseed(&self, words: &str) -> Ran {
        self.run(&words.split_whitespace().collect::<Vec<_>>())
    }

    pub fn run(&self, words: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unseed"));
        command.current_dir(self.folder.path()).args(words).args(["--progress", "none"]);
        if let Some(now) = self.now {
            command.args(["--now", now]);
        }
        command.env_clear().env("PATH", std::env::var("PATH").unwrap_or_default()).env("USER", "ana");
        Ran::from(command.output().expect("the binary runs"))
    }

    /// Runs the binary on a terminal of its own, which types `answers`.
    pub fn on_a_terminal(&self, words: &str, answers: &str) -> Ran {
        let line = format!("{} {words} --progress none --now {NOW}", env!("CARGO_BIN_EXE_unseed"));
        let mut command = Command::new("script");
        command.current_dir(self.folder.path()).args(["-qec", &line, "/dev/null"]).env("USER", "ana").env("TERM", "dumb");
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().expect("script(1) runs");
        std::io::Write::write_all(&mut child.stdin.take().expect("input"), answers.as_bytes()).expect("answers are typed");
        Ran::from(child.wait_with_output().expect("it ends"))
    }

    /// Opens a case file of this folder.
    pub fn case(&self, name: &str) -> Connection {
        Connection::open(self.path(name)).expect("a case file")
    }

    /// Returns the files of this folder, at any depth, sorted.
    pub fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut work = vec![self.folder.path().to_owned()];
        while let Some(folder) = work.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    work.push(path.clone());
                }
                found.push(path.strip_prefix(self.folder.path()).expect("inside").display().to_string());
            }
        }
        found.sort();
        found
    }
}

/// The repository's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A committed fixture's file.
pub fn fixture(name: &str) -> String {
    root().join("fixtures").join(name).display().to_string()
}

/// Reads `labels.csv`: (table, key as JSON array) to label.
pub fn labels(path: &str) -> BTreeMap<(String, String), String> {
    let mut reader = csv::Reader::from_path(path).expect("labels");
    reader
        .records()
        .map(|record| {
            let record = record.expect("a label");
            ((record[0].to_owned(), format!("[\"{}\"]", &record[1])), record[2].to_owned())
        })
        .collect()
}

/// Reads `unseed_verdicts`: (table, key) to verdict.
pub fn verdicts(case: &Connection) -> BTreeMap<(String, String), String> {
    let mut statement = case.prepare("SELECT table_name, row_key, verdict FROM unseed_verdicts").expect("verdicts");
    let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?))).expect("verdicts");
    rows.map(|r| r.expect("a verdict")).collect()
}

/// Returns the only convicted cohort's id.
pub fn cohort(case: &Connection) -> String {
    case.query_row("SELECT cohort_id FROM unseed_cohorts WHERE convicted ORDER BY rows DESC", [], |row| row.get(0)).expect("a cohort")
}

/// A database of the private Postgres, gone at the end of the test.
pub struct Postgres {
    socket: String,
    name: String,
    owned: bool,
}

impl Postgres {
    /// Makes a database, or says that there is no server: plain `cargo test` runs without one.
    pub fn new(name: &str) -> Option<Self> {
        let Ok(socket) = std::env::var("UNSEED_TEST_PG") else {
            skipped(name, "needs a server; tests/run.sh starts one");
            return None;
        };
        let database = Self { socket, name: format!("unseed_{name}"), owned: true };
        let make = format!("DROP DATABASE IF EXISTS {0}; CREATE DATABASE {0};", database.name);
        let mut command = database.command("postgres");
        for part in make.split_inclusive(';') {
            command.args(["-c", part]);
        }
        Ran::from(command.output().expect("psql runs")).exits(0);
        Some(database)
    }

    /// Another client of the database that a test has made, which it leaves alone at the end.
    pub fn same(name: &str) -> Option<Self> {
        let socket = std::env::var("UNSEED_TEST_PG").ok()?;
        Some(Self { socket, name: format!("unseed_{name}"), owned: false })
    }

    /// A database of a server of the test's own.
    pub fn at(socket: &Path, name: &str) -> Self {
        let database = Self { socket: socket.display().to_string(), name: name.to_owned(), owned: false };
        let mut command = database.command("postgres");
        Ran::from(command.args(["-c", &format!("CREATE DATABASE {name}")]).output().expect("psql runs")).exits(0);
        database
    }

    /// A client of this database.
    pub fn client(&self) -> Command {
        self.command(&self.name)
    }

    fn command(&self, database: &str) -> Command {
        let mut command = Command::new("psql");
        command.args(["-X", "-h", &self.socket, "-U", "postgres", "-d", database]);
        command.env_remove("PGOPTIONS").env_remove("PGHOST").env_remove("PGUSER").env_remove("PGDATABASE");
        command
    }

    /// Runs statements, stopping at the first error; returns rows as text, tabs between the cells.
    #[track_caller]
    pub fn sql(&self, text: &str) -> String {
        let mut command = self.command(&self.name);
        command.args(["-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", text]);
        Ran::from(command.output().expect("psql runs")).exits(0).out
    }

    /// As [`Self::sql`], output as it is.
    #[track_caller]
    pub fn sql_bytes(&self, text: &str) -> Vec<u8> {
        let mut command = self.command(&self.name);
        command.args(["-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text]);
        let output = command.output().expect("psql runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Runs one of Postgres' tools on the database: its name comes last.
    #[track_caller]
    pub fn tool(&self, name: &str, words: &[&str]) {
        let mut command = Command::new(name);
        command.args(["-h", &self.socket, "-U", "postgres"]).args(words).arg(&self.name);
        Ran::from(command.output().expect("the tool runs")).exits(0);
    }

    /// Restores an archive with `pg_restore`, owners and privileges left out.
    #[track_caller]
    pub fn restore_archive(&self, path: &str) {
        let mut command = Command::new("pg_restore");
        command.args(["-h", &self.socket, "-U", "postgres", "--no-owner", "--no-privileges", "-d", &self.name, path]);
        Ran::from(command.output().expect("pg_restore runs")).exits(0);
    }

    /// Restores a dump.
    #[track_caller]
    pub fn restore(&self, path: &str) {
        let mut command = self.command(&self.name);
        command.args(["-q", "-v", "ON_ERROR_STOP=1", "-f", path]);
        Ran::from(command.output().expect("psql runs")).exits(0);
    }

    /// Runs a script as the worst client does: psql without `ON_ERROR_STOP`. Returns its last line.
    pub fn script(&self, path: &Path, token: Option<&str>) -> String {
        let ran = self.script_ran(path, token);
        ran.out.lines().last().unwrap_or_default().to_owned()
    }

    pub fn script_ran(&self, path: &Path, token: Option<&str>) -> Ran {
        let mut command = self.command(&self.name);
        if let Some(token) = token {
            command.args(["-c", &format!("SET unseed.apply = '{token}'")]);
        }
        command.arg("-f").arg(path);
        Ran::from(command.output().expect("psql runs"))
    }

    /// Starts a session that holds what it took.
    #[expect(clippy::zombie_processes, reason = "the caller ends it")]
    pub fn holding(&self, text: &str) -> std::process::Child {
        let mut command = self.command(&self.name);
        let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().expect("psql runs");
        std::io::Write::write_all(child.stdin.as_mut().expect("input"), text.as_bytes()).expect("statements are sent");
        // The lock is there once another session can see it.
        for _ in 0..200 {
            if self.sql("SELECT count(*) FROM pg_stat_activity WHERE left(query, 15) = 'SELECT pg_sleep' AND state = 'active'").trim()
                == "1"
            {
                return child;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the lock was not taken");
    }

    /// Every table of every schema of the user's, rows in key order, and the list of all objects.
    pub fn contents(&self) -> String {
        let mut text = self.sql(
            "SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1, 2",
        );
        text.push_str(&self.tables());
        text
    }

    /// Rows of the tables in schema public, in key order.
    pub fn tables(&self) -> String {
        let names = self.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1");
        let mut text = String::new();
        for name in names.lines() {
            text.push_str(name);
            text.push('\n');
            let name = name.replace('"', "\"\"");
            text.push_str(&self.sql(&format!("COPY (SELECT * FROM public.\"{name}\" AS whole_row ORDER BY whole_row::text) TO STDOUT")));
        }
        text
    }

    /// Dumps the database with `pg_dump`.
    pub fn dump(&self, path: &Path) {
        let mut command = Command::new("pg_dump");
        command.args(["-h", &self.socket, "-U", "postgres", "-f"]).arg(path).arg(&self.name);
        Ran::from(command.output().expect("pg_dump runs")).exits(0);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        let _ = self.command("postgres").args(["-q", "-c", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)]).output();
    }
}

/// A database of the private MariaDB, gone at the end of the test.
pub struct Mariadb {
    socket: String,
    name: String,
}

impl Mariadb {
    /// Makes a database, or says that there is no server: plain `cargo test` runs without one.
    pub fn new(name: &str) -> Option<Self> {
        let Ok(socket) = std::env::var("UNSEED_TEST_MARIADB") else {
            skipped(name, "needs a server; tests/run.sh starts one");
            return None;
        };
        let database = Self { socket, name: format!("unseed_{name}") };
        let make = format!("DROP DATABASE IF EXISTS {0}; CREATE DATABASE {0} CHARACTER SET utf8mb4", database.name);
        Ran::from(database.client().args(["-e", &make]).output().expect("mariadb runs")).exits(0);
        Some(database)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    fn client(&self) -> Command {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "-S", &self.socket, "-u", "root", "--default-character-set=utf8mb4"]);
        command
    }

    /// Runs statements; returns rows as text, tabs between the cells.
    #[track_caller]
    pub fn sql(&self, text: &str) -> String {
        let output = self.client().args(["-N", "-B", "-r", &self.name, "-e", text]).output().expect("mariadb runs");
        Ran::from(output).exits(0).out
    }

    /// Runs a script.
    #[track_caller]
    pub fn run(&self, script: &[u8]) {
        use std::io::Write as _;
        let mut child = self
            .client()
            .args(["--binary-mode", &self.name])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("mariadb runs");
        let mut input = child.stdin.take().expect("input");
        let script = script.to_vec();
        let writing = std::thread::spawn(move || {
            // A client that stops at an error tells it below.
            let _ = input.write_all(&script);
        });
        Ran::from(child.wait_with_output().expect("mariadb runs")).exits(0);
        writing.join().expect("the script is sent");
    }

    /// Dumps a table with `mariadb-dump`; returns what it printed.
    #[track_caller]
    pub fn dump_table(&self, words: &[&str], table: &str) -> Vec<u8> {
        let mut command = Command::new("mariadb-dump");
        command.args(["--no-defaults", "-S", &self.socket, "-u", "root"]).args(words).args([self.name.as_str(), table]);
        let output = command.output().expect("mariadb-dump runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Dumps the database with `mariadb-dump`; returns what it printed.
    #[track_caller]
    pub fn dump(&self, words: &[&str]) -> Vec<u8> {
        let mut command = Command::new("mariadb-dump");
        command.args(["--no-defaults", "-S", &self.socket, "-u", "root"]).args(words).arg(&self.name);
        let output = command.output().expect("mariadb-dump runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

impl Drop for Mariadb {
    fn drop(&mut self) {
        let _ = self.client().args(["-e", &format!("DROP DATABASE IF EXISTS {}", self.name)]).output();
    }
}

/// Says what was not tested, and why: it must show.
#[expect(clippy::print_stderr, reason = "what was skipped must show")]
pub fn skipped(what: &str, why: &str) {
    eprintln!("SKIPPED {what}: {why}");
}

/// Returns the folder of the public dumps that `UNSEED_DUMPS` names, from the root of the disk, or says what was
/// not tested without it.
pub fn public_dumps(test: &str, what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("UNSEED_DUMPS").and_then(|f| PathBuf::from(f).canonicalize().ok()).filter(|f| f.is_dir());
    if folder.is_none() {
        skipped(test, &format!("{what}, UNSEED_DUMPS names no folder"));
    }
    folder
}
