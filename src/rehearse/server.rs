//! A throwaway server from local binaries, on a private socket in a temporary folder: nothing listens on a
//! network, nothing is left when it ends.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::RehearseError;
use crate::model::Engine;

/// How often a starting server is asked whether it is there, and how long it is waited for in between.
const TRIES: u32 = 300;
const BETWEEN: Duration = Duration::from_millis(100);

/// A running server.
pub struct Server {
    engine: Engine,
    folder: tempfile::TempDir,
    child: Child,
}

/// What a client printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Printed {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Server {
    /// Starts a server.
    ///
    /// # Errors
    /// Returns that its binaries are not here, or what they said.
    pub fn start(engine: Engine) -> Result<Self, RehearseError> {
        let folder = tempfile::Builder::new().prefix("unseed-rehearse.").tempdir()?;
        let child = match engine {
            Engine::Postgres => postgres(folder.path())?,
            _ => mariadb(folder.path())?,
        };
        let mut server = Self { engine, folder, child };
        let base = if engine == Engine::Postgres { "postgres" } else { "mysql" };
        for _ in 0..TRIES {
            if server.run(base, "SELECT 1;\n").is_ok_and(|p| p.out.contains('1')) {
                return Ok(server);
            }
            if let Ok(Some(status)) = server.child.try_wait() {
                let log = std::fs::read_to_string(server.folder.path().join("log")).unwrap_or_default();
                return Err(RehearseError::Server(format!("the server ended with {status}: {}", log.lines().last().unwrap_or_default())));
            }
            std::thread::sleep(BETWEEN);
        }
        Err(RehearseError::Server("the server did not start in time".to_owned()))
    }

    /// Returns its engine.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// Returns the folder of its socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// Runs statements through the engine's own client, which goes on after errors.
    ///
    /// # Errors
    /// Returns that the client cannot be run.
    pub fn run(&self, database: &str, text: &str) -> Result<Printed, RehearseError> {
        let mut command = match self.engine {
            Engine::Postgres => {
                let mut command = Command::new("psql");
                command.args(["-X", "-q", "-A", "-t", "-F", "\t", "-U", "postgres", "-d", database, "-h"]).arg(self.folder.path());
                for name in ["PGOPTIONS", "PGHOST", "PGUSER", "PGDATABASE", "PGSERVICE", "PGPORT"] {
                    command.env_remove(name);
                }
                command
            }
            _ => {
                let mut command = Command::new("mariadb");
                command.args([
                    "--no-defaults",
                    "--force",
                    "--binary-mode",
                    "-N",
                    "-B",
                    "-u",
                    "root",
                    "--default-character-set=utf8mb4",
                    "-S",
                ]);
                command.arg(self.folder.path().join("sock")).arg(database);
                command
            }
        };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| RehearseError::Server(format!("the client {} cannot be run: {e}", command.get_program().to_string_lossy())))?;
        let mut input = child.stdin.take();
        let text = text.to_owned();
        let feed = std::thread::spawn(move || input.as_mut().map(|i| i.write_all(text.as_bytes())));
        let output = child.wait_with_output()?;
        let _ = feed.join();
        Ok(Printed { out: String::from_utf8_lossy(&output.stdout).into_owned(), err: String::from_utf8_lossy(&output.stderr).into_owned() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Politely first, by its own number, so that it can end its children.
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).stderr(Stdio::null()).status();
        let signal = if self.engine == Engine::Postgres { "-INT" } else { "-TERM" };
        let _ = Command::new("kill").args([signal, &self.child.id().to_string()]).stderr(Stdio::null()).status();
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(BETWEEN);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Finds a binary: on the path, else where packages put servers.
fn binary(name: &str) -> Result<PathBuf, RehearseError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    for root in ["/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt"] {
        let mut versions: Vec<PathBuf> = std::fs::read_dir(root).into_iter().flatten().flatten().map(|e| e.path().join("bin")).collect();
        versions.sort();
        versions.reverse();
        folders.extend(versions);
    }
    folders.into_iter().map(|f| f.join(name)).find(|p| p.is_file()).ok_or_else(|| {
        RehearseError::Server(format!("{name} is not on this machine; install the server, or rehearse on SQLite without --server"))
    })
}

/// Postgres refuses to run as root: the number of its own user then.
fn postgres_user() -> Option<(u32, u32)> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = users.lines().find(|l| l.starts_with("postgres:"))?;
    let parts: Vec<&str> = line.split(':').collect();
    is_root.then_some((parts.get(2)?.parse().ok()?, parts.get(3)?.parse().ok()?))
}

fn postgres(folder: &Path) -> Result<Child, RehearseError> {
    let user = postgres_user();
    let as_user = |command: &mut Command| {
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
    };
    if let Some((uid, gid)) = user {
        std::os::unix::fs::chown(folder, Some(uid), Some(gid))?;
    }
    let data = folder.join("data");
    let mut init = Command::new(binary("initdb")?);
    init.current_dir(folder).arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
    as_user(&mut init);
    let done = init.output()?;
    if !done.status.success() {
        return Err(RehearseError::Server(format!("initdb: {}", String::from_utf8_lossy(&done.stderr).trim())));
    }
    let log = std::fs::File::create(folder.join("log"))?;
    let mut server = Command::new(binary("postgres")?);
    server.current_dir(folder).arg("-D").arg(&data).arg("-k").arg(folder).args(["-c", "listen_addresses=", "-c", "fsync=off"]);
    as_user(&mut server);
    Ok(server.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?)
}

fn mariadb(folder: &Path) -> Result<Child, RehearseError> {
    let data = folder.join("data");
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(folder)?);
    let user = std::fs::read_to_string("/etc/passwd")?
        .lines()
        .find(|l| l.split(':').nth(2) == Some(&owner.to_string()))
        .and_then(|l| l.split(':').next().map(str::to_owned))
        .unwrap_or_else(|| "root".to_owned());
    let mut init = Command::new(binary("mariadb-install-db")?);
    init.arg("--no-defaults").arg(format!("--datadir={}", data.display())).arg(format!("--tmpdir={}", data.display()));
    init.args(["--auth-root-authentication-method=normal", "--skip-test-db", &format!("--user={user}")]);
    let done = init.output()?;
    if !done.status.success() {
        return Err(RehearseError::Server(format!("mariadb-install-db: {}", String::from_utf8_lossy(&done.stderr).trim())));
    }
    let log = std::fs::File::create(folder.join("log"))?;
    let mut server = Command::new(binary("mariadbd")?);
    server
        .arg("--no-defaults")
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--tmpdir={}", data.display()))
        .arg(format!("--socket={}", folder.join("sock").display()));
    server.args(["--skip-networking", &format!("--user={user}"), "--innodb-flush-log-at-trx-commit=0"]);
    Ok(server.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?)
}
