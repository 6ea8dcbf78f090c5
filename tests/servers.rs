//! Servers that a test has for itself: to kill, to stop, to make a replica of.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use unseed::model::Engine;

use crate::engines::{Maria, skipped};
use crate::harness::{Postgres, Ran};

/// A server on a socket in a folder of its own, gone at the end of the test.
pub struct Own {
    engine: Engine,
    folder: tempfile::TempDir,
    /// The user that it runs as, where that is not this one.
    user: Option<(u32, u32)>,
    child: Child,
}

impl Own {
    /// Starts one, or says that there are no servers: plain `cargo test` runs without.
    pub fn new(engine: Engine) -> Option<Self> {
        let wanted = if engine == Engine::Postgres { "UNSEED_TEST_PG" } else { "UNSEED_TEST_MARIA" };
        if std::env::var(wanted).is_err() {
            skipped("a server of its own", "a server's binaries");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let is_root = std::fs::metadata("/proc/self").expect("a process").uid() == 0;
        // Postgres refuses to run as root.
        let user = (is_root && engine == Engine::Postgres).then(|| (number("-u"), number("-g")));
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).expect("a folder of the server's");
        }
        let data = folder.path().join("data");
        let mut init = if engine == Engine::Postgres {
            let mut init = Command::new(program("initdb"));
            init.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
            init
        } else {
            let mut init = Command::new(program("mariadb-install-db"));
            init.arg("--no-defaults").arg(format!("--datadir={}", data.display())).arg(format!("--tmpdir={}", data.display()));
            init.args(["--auth-root-authentication-method=normal", "--skip-test-db", "--user=root"]);
            init
        };
        let mut own = Self { engine, folder, user, child: Command::new("true").spawn().expect("a process") };
        own.child.wait().expect("a process");
        own.as_user(&mut init);
        Ran::from(init.current_dir(own.folder.path()).output().expect("a cluster is made")).exits(0);
        own.start();
        Some(own)
    }

    fn as_user(&self, command: &mut Command) {
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
    }

    /// Returns the data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn socket(&self) -> PathBuf {
        if self.engine == Engine::Postgres { self.folder.path().to_owned() } else { self.folder.path().join("sock") }
    }

    /// Makes a database.
    pub fn postgres(&self, name: &str) -> Postgres {
        Postgres::at(&self.socket(), name)
    }

    /// Makes a database.
    pub fn maria(&self, name: &str) -> Maria {
        Maria::at(&self.socket(), name)
    }

    /// Starts it on its data and waits until it answers.
    pub fn start(&mut self) {
        for _ in 0..20 {
            self.child = self.spawn();
            for _ in 0..150 {
                if self.answers() {
                    return;
                }
                // What a killed server left behind may be in the way for a moment.
                if self.child.try_wait().expect("a process").is_some() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        panic!("the server does not start: {}", std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
    }

    fn spawn(&self) -> Child {
        let (folder, data) = (self.folder.path(), self.data());
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        let mut command = if self.engine == Engine::Postgres {
            let mut command = Command::new(program("postgres"));
            command.arg("-D").arg(&data).arg("-k").arg(folder).args(["-c", "listen_addresses=", "-c", "fsync=off"]);
            command
        } else {
            let mut command = Command::new(program("mariadbd"));
            command
                .arg("--no-defaults")
                .arg(format!("--datadir={}", data.display()))
                .arg(format!("--tmpdir={}", data.display()))
                .arg(format!("--socket={}", self.socket().display()));
            command.args(["--skip-networking", "--user=root", "--server-id=2"]);
            command
        };
        self.as_user(&mut command);
        command.current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log).spawn().expect("a server")
    }

    fn answers(&self) -> bool {
        let mut command;
        if self.engine == Engine::Postgres {
            command = Command::new("psql");
            command.args(["-X", "-U", "postgres", "-d", "postgres", "-c", "SELECT 1", "-h"]).arg(self.socket());
        } else {
            command = Command::new("mariadb");
            command.args(["--no-defaults", "-u", "root", "-e", "SELECT 1", "-S"]).arg(self.socket());
        }
        command.output().is_ok_and(|o| o.status.success())
    }

    /// Ends it at once, as a power cut does.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it ends");
    }

    /// Ends it in order.
    pub fn stop(&mut self) {
        let signal = if self.engine == Engine::Postgres { "-INT" } else { "-TERM" };
        let _ = Command::new("kill").args([signal, &self.child.id().to_string()]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }

    /// Makes a Postgres come up as a hot standby that waits for its primary.
    pub fn become_standby(&mut self) {
        self.stop();
        std::fs::write(self.data().join("standby.signal"), "").expect("a signal");
        self.start();
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

/// The number of the user, or group, that Postgres runs as.
fn number(which: &str) -> u32 {
    Ran::from(Command::new("id").args([which, "postgres"]).output().expect("id runs")).exits(0).out.trim().parse().expect("a number")
}

/// Finds a server's program: on the path, else where packages put them.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    folders.extend(std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path().join("bin")));
    folders.into_iter().map(|f| f.join(name)).find(|p| p.is_file()).unwrap_or_else(|| panic!("{name} is not here"))
}
