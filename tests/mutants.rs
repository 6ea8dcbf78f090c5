//! Every guard of every script has a mutant: with the guard the script refuses what the guard is for, without
//! it it does not say so. One table; a guard that a dialect emits and the table does not prove fails the test,
//! so that none can be forgotten.

use std::collections::BTreeSet;

use unseed::dialect::CODES;
use unseed::model::Engine;

use crate::acceptance::{ADMINS, ROWS, SEEDED, SHOP, SHOP_CONFIG};
use crate::engines::{Held, Maria, Server, Site, Sqlite, last, without_guard};
use crate::harness::{Postgres, Ran};
use crate::servers::Own;

const SCRIPTS: [&str; 3] = ["delete.sql", "undo.sql", "undo-offline.sql"];

const ALL: &[Engine] = &[Engine::Postgres, Engine::Sqlite, Engine::Mariadb];
const SERVERS: &[Engine] = &[Engine::Postgres, Engine::Mariadb];
const MARIADB: &[Engine] = &[Engine::Mariadb];

/// Codes that a dialect has no guard for, and why.
fn absent(engine: Engine) -> &'static [&'static str] {
    match engine {
        // SQLite has no replicas.
        Engine::Sqlite => &["DS011"],
        _ => &[],
    }
}

/// A state of production that one guard of one script stops.
struct Scene {
    code: &'static str,
    script: &'static str,
    engines: &'static [Engine],
    /// What the refusal tells: a second net may give the same code in other words.
    tells: &'static str,
    options: &'static [&'static str],
    /// Runs as this user.
    user: &'static str,
    change: fn(&Site) -> Option<Held>,
}

/// A scene of `delete.sql`.
const fn delete(code: &'static str, change: fn(&Site) -> Option<Held>) -> Scene {
    Scene { code, script: "delete.sql", engines: ALL, tells: "", options: &[], user: "root", change }
}

/// A scene of `undo.sql`, which follows an apply.
const fn undo(code: &'static str, tells: &'static str, change: fn(&Site) -> Option<Held>) -> Scene {
    Scene { script: "undo.sql", tells, ..delete(code, change) }
}

/// A scene of `undo-offline.sql`, which follows the loss of the archive.
const fn offline(code: &'static str, tells: &'static str, change: fn(&Site) -> Option<Held>) -> Scene {
    Scene { script: "undo-offline.sql", tells, ..delete(code, change) }
}

const SCENES: &[Scene] = &[
    delete("DS010", |s| Some(s.server.hold())),
    Scene { options: &["--database", "other_shop"], ..delete("DS012", |_| None) },
    Scene { options: &["--now", "2026-02-10T00:00:00Z", "--expires", "1"], ..delete("DS013", |_| None) },
    delete("DS020", |s| sql(s, "UPDATE users SET coins = 99 WHERE id = 12")),
    delete("DS021", |s| sql(s, "DELETE FROM sessions WHERE id = 21")),
    delete("DS022", |s| {
        sql(s, "UPDATE users SET email = 'new@mail.example', role = 'partner', last_login_at = '2026-11-01', coins = 77 WHERE id = 13")
    }),
    delete("DS030", |s| {
        sql(
            s,
            "CREATE TABLE badges (id INTEGER PRIMARY KEY, user_id INTEGER, FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)",
        )
    }),
    delete("DS031", |s| match s.server.engine() {
        Engine::Postgres => sql(
            s,
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'; CREATE TRIGGER t BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION f()",
        ),
        Engine::Sqlite => sql(s, "CREATE TRIGGER t BEFORE DELETE ON users BEGIN SELECT 1; END"),
        _ => sql(s, "CREATE TRIGGER t BEFORE DELETE ON users FOR EACH ROW SET @x = 1"),
    }),
    delete("DS032", |s| sql(s, "ALTER TABLE users ADD COLUMN vip INTEGER")),
    delete("DS033", |s| match s.server.engine() {
        Engine::Mariadb => sql(s, "ALTER TABLE notes ENGINE = MyISAM"),
        _ => sql(s, "ALTER TABLE notes RENAME TO notes_real; CREATE VIEW notes AS SELECT * FROM notes_real"),
    }),
    delete("DS040", |s| sql(s, "INSERT INTO sessions VALUES (30, 11, 'today')")),
    delete("DS041", |s| sql(s, "UPDATE users SET last_login_at = '2026-11-20T10:00:00Z' WHERE id = 13")),
    delete("DS050", |s| sql(s, "UPDATE users SET role = 'Admin' WHERE id = 12")),
    delete("DS051", |s| sql(s, "UPDATE users SET role = 'member' WHERE id = 1")),
    delete("DS060", |s| sql(s, "INSERT INTO notes VALUES ('seed', 'same')")),
    delete("DS061", |s| {
        s.applies(&format!("UNSEED APPLIED {ROWS}"));
        sql(s, "INSERT INTO users VALUES (12, 'demo2@example.com', 'member', NULL, 2)")
    }),
    undo("DS010", "", |s| {
        applied(s);
        Some(s.server.hold())
    }),
    Scene { options: &["--database", "other_shop"], ..undo("DS012", "", |_| None) },
    Scene {
        engines: SERVERS,
        user: "unseed_low_undo",
        ..undo("DS031", "GRANT", |s| {
            applied(s);
            low_user(s, "unseed_low_undo")
        })
    },
    undo("DS060", "references", |s| {
        applied(s);
        sql(s, "UPDATE referrals SET referred_by = 2 WHERE id = 1")
    }),
    undo("DS061", "archive", |s| {
        applied(s);
        sql(s, &format!("DELETE FROM {} WHERE id = 13", archive(s, "users")))
    }),
    undo("DS070", "taken by other rows", |s| {
        applied(s);
        sql(s, "INSERT INTO users VALUES (12, 'new@mail.example', 'member', NULL, 0)")
    }),
    offline("DS010", "", |s| {
        lost(s);
        Some(s.server.hold())
    }),
    Scene { options: &["--database", "other_shop"], ..offline("DS012", "", |_| None) },
    Scene {
        engines: SERVERS,
        user: "unseed_low_offline",
        ..offline("DS031", "GRANT", |s| {
            lost(s);
            low_user(s, "unseed_low_offline")
        })
    },
    Scene {
        engines: MARIADB,
        ..offline("DS032", "staged", |s| {
            lost(s);
            sql(s, "ALTER TABLE users DROP COLUMN email, ADD COLUMN email INT")
        })
    },
    offline("DS060", "references", |s| {
        lost(s);
        sql(s, "UPDATE referrals SET referred_by = 2 WHERE id = 1")
    }),
    offline("DS061", "undo.sql", |s| {
        applied(s);
        None
    }),
    offline("DS070", "keys are taken", |s| {
        lost(s);
        sql(s, "INSERT INTO users VALUES (12, 'new@mail.example', 'member', NULL, 0)")
    }),
];

/// Changes that `--on-drift skip` leaves out with their cluster, by the code that is listed.
const SKIPPED: &[(&str, &str)] = &[
    ("DS020", "UPDATE users SET coins = 99 WHERE id = 12"),
    ("DS021", "DELETE FROM sessions WHERE id = 21"),
    ("DS022", "UPDATE users SET email = 'new@mail.example', role = 'partner', last_login_at = '2026-11-01', coins = 77 WHERE id = 13"),
    ("DS040", "INSERT INTO sessions VALUES (30, 11, 'today')"),
    ("DS041", "UPDATE users SET last_login_at = '2026-11-20T10:00:00Z' WHERE id = 13"),
    ("DS050", "UPDATE users SET role = 'Admin' WHERE id = 12"),
];

fn sql(site: &Site, change: &str) -> Option<Held> {
    site.server.sql(change);
    None
}

fn applied(site: &Site) {
    site.applies(&format!("UNSEED APPLIED {ROWS}"));
}

/// Applies, and loses ledger and archive.
fn lost(site: &Site) {
    applied(site);
    let drop = site.server.sql(match site.server.engine() {
        Engine::Postgres => "SELECT 'DROP SCHEMA \"' || nspname || '\" CASCADE;' FROM pg_namespace WHERE nspname LIKE 'unseed%'",
        Engine::Sqlite => "SELECT 'DROP TABLE \"' || name || '\";' FROM sqlite_schema WHERE name LIKE 'unseed%'",
        _ => "SELECT CONCAT('DROP TABLE `', table_name, '`;') FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'unseed%'",
    });
    site.server.sql(&drop);
}

fn archive(site: &Site, table: &str) -> String {
    let left = format!("unseed_{}", &site.token[..8]);
    if site.server.engine() == Engine::Postgres { format!("{left}.{table}") } else { format!("{left}_{table}") }
}

/// Makes a user who may read and stage, and change nothing.
fn low_user(site: &Site, user: &str) -> Option<Held> {
    if site.server.engine() == Engine::Postgres {
        site.server.sql(&format!("CREATE ROLE {user} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}"));
        let left = format!("unseed_{}", &site.token[..8]);
        if site.server.sql(&format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{left}'")).trim() == "1" {
            site.server.sql(&format!("GRANT USAGE ON SCHEMA {left} TO {user}; GRANT ALL ON ALL TABLES IN SCHEMA {left} TO {user}"));
        }
        return None;
    }
    let database = site.server.sql("SELECT DATABASE()");
    site.server.sql(&format!(
        "CREATE OR REPLACE USER {user}@localhost; GRANT SELECT, CREATE TEMPORARY TABLES ON `{}`.* TO {user}@localhost",
        database.trim()
    ));
    None
}

fn forget_user(site: &Site, user: &str) {
    match site.server.engine() {
        _ if user == "root" => {}
        Engine::Postgres => drop(site.server.sql(&format!("DROP OWNED BY {user} CASCADE; DROP ROLE {user}"))),
        _ => drop(site.server.sql(&format!("DROP USER {user}@localhost"))),
    }
}

fn site(server: Box<dyn Server>, options: &[&str]) -> Site {
    let config = format!("{SHOP_CONFIG}[snapshot]\ntaken_at = \"2026-11-01T00:00:00Z\"\n");
    Site::new(server, SHOP, &config, SEEDED, ADMINS, options)
}

/// Notes which guards the scripts of a plan have.
fn emitted(site: &Site, into: &mut BTreeSet<(&'static str, &'static str)>) {
    for script in SCRIPTS {
        let text = site.script(script);
        into.extend(CODES.iter().filter(|c| text.contains(&format!("-- [{}]", c.id))).map(|c| (script, c.id)));
    }
}

fn run(site: &Site, text: &str, user: &str) -> Ran {
    let path = site.desk.write("scene.sql", text);
    if user == "root" { site.server.run(&path, Some(&site.token)) } else { site.server.run_as(user, &path, Some(&site.token)) }
}

fn refuses(ran: &Ran, code: &str, tells: &str) -> bool {
    last(ran) == format!("UNSEED REFUSED {code}") && format!("{}{}", ran.out, ran.err).contains(tells)
}

/// Asserts that a script refuses with a code and changes nothing, and that without its guard it does not.
#[track_caller]
fn proves(site: &Site, scene: &Scene, user: &str) {
    let (code, script) = (scene.code, scene.script);
    let before = site.server.contents();
    let whole = site.script(script);
    let ran = run(site, &whole, user);
    assert!(refuses(&ran, code, scene.tells), "{script} {code}: {}\n{}", ran.out, ran.err);
    assert!(ran.err.contains(code), "{script} {code}: a client that stops at the first error finds the code: {}", ran.err);
    assert_eq!(site.server.contents(), before, "{script} {code}: a refusal changes nothing");
    let ran = run(site, &without_guard(&whole, code), user);
    assert!(!refuses(&ran, code, scene.tells), "{script}: without its guard something else says {code}: {}\n{}", ran.out, ran.err);
}

/// The scenes that need a replica.
fn replicas(engine: Engine, proven: &mut BTreeSet<(&'static str, &'static str)>) {
    let Some(mut own) = Own::new(engine) else { return };
    let server: Box<dyn Server> = if engine == Engine::Postgres { Box::new(own.postgres("shop")) } else { Box::new(own.maria("shop")) };
    let site = site(server, &[]);
    applied(&site);
    let scene = |script| Scene { script, ..delete("DS011", |_| None) };
    if engine == Engine::Postgres {
        own.become_standby();
    } else {
        site.server.sql("SET GLOBAL read_only = 1");
    }
    assert_eq!(site.state(), "applied", "verify.sql runs on a replica too");
    // The mutant of undo.sql comes last: a superuser writes where read_only forbids it to others.
    for script in ["delete.sql", "undo-offline.sql", "undo.sql"] {
        proves(&site, &scene(script), "root");
        proven.insert((script, "DS011"));
    }
    if engine == Engine::Mariadb {
        // One that follows another server and takes writes nevertheless.
        site.server
            .sql("SET GLOBAL read_only = 0; CHANGE MASTER TO master_host = '127.0.0.1', master_port = 1, master_user = 'x'; START SLAVE");
        proves(&site, &scene("delete.sql"), "root");
    }
}

fn every_guard(engine: Engine, fresh: impl Fn(&str) -> Option<Box<dyn Server>>) {
    let mut guards = BTreeSet::new();
    let mut proven = BTreeSet::new();
    for (number, scene) in SCENES.iter().filter(|s| s.engines.contains(&engine)).enumerate() {
        let Some(server) = fresh(&format!("guard{number}")) else { return };
        let site = site(server, scene.options);
        emitted(&site, &mut guards);
        let held = (scene.change)(&site);
        proves(&site, scene, scene.user);
        drop(held);
        forget_user(&site, scene.user);
        proven.insert((scene.script, scene.code));
    }
    if !absent(engine).contains(&"DS011") {
        replicas(engine, &mut proven);
    }
    let missing: Vec<_> = guards.difference(&proven).collect();
    assert!(missing.is_empty(), "{engine}: guards without a mutant: {missing:?}");
    for code in CODES {
        let is_proven = proven.iter().any(|(_, c)| *c == code.id);
        assert_ne!(is_proven, absent(engine).contains(&code.id), "{engine}: {}", code.id);
    }
}

#[test]
fn every_guard_of_postgres_has_a_mutant() {
    every_guard(Engine::Postgres, |name| Some(Box::new(Postgres::new(&format!("mutant_{name}"))?)));
}

#[test]
fn every_guard_of_sqlite_has_a_mutant() {
    every_guard(Engine::Sqlite, |name| Some(Box::new(Sqlite::new(name)?)));
}

#[test]
fn every_guard_of_mariadb_has_a_mutant() {
    every_guard(Engine::Mariadb, |name| Some(Box::new(Maria::new(&format!("mutant_{name}"))?)));
}

/// What is skipped is skipped by its guard: without it the cluster is not listed.
fn every_skip(fresh: impl Fn(&str) -> Option<Box<dyn Server>>) {
    for (code, change) in SKIPPED {
        let Some(server) = fresh(&format!("skip_{}", code.to_lowercase())) else { return };
        let site = site(server, &["--on-drift", "skip"]);
        site.server.sql(change);
        let before = site.server.contents();
        let whole = site.script("delete.sql");
        let rehearsed = |text: &str| site.server.run(&site.desk.write("scene.sql", text), None);
        let ran = rehearsed(&whole);
        assert!(last(&ran) == "UNSEED DRY-RUN-OK" && ran.out.contains(code), "{code}: {}\n{}", ran.out, ran.err);
        let mutant = rehearsed(&without_guard(&whole, code));
        assert!(last(&mutant) != "UNSEED DRY-RUN-OK" || !mutant.out.contains(code), "{code}: {}\n{}", mutant.out, mutant.err);
        assert_eq!(site.server.contents(), before);
    }
}

#[test]
fn every_skip_of_postgres_has_a_mutant() {
    every_skip(|name| Some(Box::new(Postgres::new(&format!("mutant_{name}"))?)));
}

#[test]
fn every_skip_of_sqlite_has_a_mutant() {
    every_skip(|name| Some(Box::new(Sqlite::new(name)?)));
}

#[test]
fn every_skip_of_mariadb_has_a_mutant() {
    every_skip(|name| Some(Box::new(Maria::new(&format!("mutant_{name}"))?)));
}
