//! Loads one table of 450 MB with SQLite's shell, with Postgres and with unseed, from every form, in one run:
//! whole processes, indexes built and file checked. Prints commands, times, ratios and peak memory.
//!
//! Postgres runs with the settings that it is installed with, and is at rest before each restore.
//!
//!     cargo bench --bench ingest                   the comparison, three rounds
//!     cargo bench --bench ingest -- --rounds 5     more rounds
//!     cargo bench --bench ingest -- --large        peak memory of a 4 GB input against a 0.4 GB one, without
//!                                                  keys and with a primary key and a unique index
//!     cargo bench --bench ingest -- --generate DIR only the inputs, to look at a run with a profiler

#![expect(clippy::print_stdout, reason = "a program for people")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Rows of the table; with 227 bytes each, 450 MB.
const ROWS: u64 = 2_000_000;

/// Columns of the table, as the DDL of both engines has them.
const COLUMNS: [(&str, &str); 9] = [
    ("id", "bigint NOT NULL"),
    ("email", "varchar(80) NOT NULL"),
    ("full_name", "varchar(80)"),
    ("password", "char(60)"),
    ("country", "char(2)"),
    ("balance", "decimal(12,2)"),
    ("created_at", "varchar(30) NOT NULL"),
    ("last_login", "varchar(30)"),
    ("note", "text"),
];

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let words: Vec<String> = std::env::args().skip(1).filter(|w| w != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["inflate", kind, file] => return inflate(kind, Path::new(file)),
        ["--large"] => return large(),
        ["--generate", folder] => return generate(Path::new(folder), ROWS, &FORMS),
        [] | ["--rounds", _] => {}
        _ => return Err("usage: cargo bench --bench ingest [-- --rounds N | --large | --generate DIR]".into()),
    }
    let rounds: usize = words.get(1).map_or(Ok(3), |n| n.parse())?;
    let Ok(socket) = std::env::var("UNSEED_TEST_PG") else {
        // The script starts the private servers, and comes back here.
        let status = Command::new("tests/run.sh").arg("--with").arg(std::env::current_exe()?).args(&words).status()?;
        return if status.success() { Ok(()) } else { Err("tests/run.sh failed".into()) };
    };
    compare(&socket, rounds)
}

fn folder() -> Result<PathBuf, Error> {
    let folder =
        std::env::var_os("UNSEED_BENCH_DIR").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-ingest"), PathBuf::from);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A generator of numbers that is the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// One row: its values, `None` for NULL.
fn row(id: u64, numbers: &mut Numbers) -> [Option<String>; 9] {
    const FIRST: [&str; 8] = ["Maria", "Wei", "Fatima", "John", "Olga", "Ravi", "Chloé", "Ana"];
    const LAST: [&str; 8] = ["Novak", "Schmidt", "Okafor", "Li", "Garcia", "O'Neill", "Larsen", "Kim"];
    const COUNTRY: [&str; 6] = ["US", "DE", "IN", "BR", "FR", "NG"];
    const HASH: &[u8] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let n = numbers.next();
    let (first, last) = (FIRST[n as usize % 8], LAST[(n >> 3) as usize % 8]);
    let mut hash = String::with_capacity(60);
    hash.push_str("$2b$12$");
    let mut bits = 0_u64;
    for place in 0..53 {
        if place % 10 == 0 {
            bits = numbers.next();
        }
        hash.push(char::from(HASH[(bits & 63) as usize]));
        bits >>= 6;
    }
    let time = |t: u64| {
        let (day, second) = (t / 86_400 % 365, t % 86_400);
        format!(
            "2024-{:02}-{:02} {:02}:{:02}:{:02}.{:06}+00",
            day / 31 + 1,
            day % 28 + 1,
            second / 3600,
            second / 60 % 60,
            second % 60,
            t % 1_000_000
        )
    };
    let m = numbers.next();
    // A tenth of the names holds a comma, so that CSV quotes them.
    let name = if n.is_multiple_of(10) { format!("{last}, {first}") } else { format!("{first} {last}") };
    [
        Some(id.to_string()),
        Some(format!("{}.{}{id}@example-mail.com", first.to_lowercase().replace('é', "e"), last.to_lowercase().replace('\'', ""))),
        Some(name),
        Some(hash),
        Some(COUNTRY[(n >> 8) as usize % 6].to_owned()),
        Some(format!("{}.{:02}", m % 100_000, (m >> 20) % 100)),
        Some(time(m >> 8)),
        (!m.is_multiple_of(5)).then(|| time(m >> 16)),
        (!m.is_multiple_of(3)).then(|| format!("signed up by campaign {} of season {}", (m >> 30) % 1000, (m >> 40) % 100)),
    ]
}

/// The forms of the table that need no server.
const FORMS: [&str; 4] = ["users.csv", "users.copy.sql", "keyed.copy.sql", "users.mysql.sql"];

/// Writes the table in some forms.
fn generate(folder: &Path, rows: u64, forms: &[&str]) -> Result<(), Error> {
    let open = |form: usize| -> Result<BufWriter<Box<dyn std::io::Write>>, Error> {
        let name = FORMS[form];
        let file: Box<dyn std::io::Write> =
            if forms.contains(&name) { Box::new(File::create(folder.join(name))?) } else { Box::new(std::io::sink()) };
        Ok(BufWriter::with_capacity(1 << 20, file))
    };
    let names: Vec<&str> = COLUMNS.iter().map(|c| c.0).collect();
    let (mut csv, mut copy, mut keyed, mut mysql) = (open(0)?, open(1)?, open(2)?, open(3)?);
    writeln!(csv, "{}", names.join(","))?;
    let list: Vec<String> = COLUMNS.iter().map(|c| format!("    {} {}", c.0, c.1)).collect();
    let begin = format!(
        "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n\n\
         CREATE TABLE public.users (\n{}\n);\n\nCOPY public.users ({}) FROM stdin;\n",
        list.join(",\n"),
        names.join(", ")
    );
    let mysql_list: Vec<String> = COLUMNS.iter().map(|c| format!("  `{}` {}", c.0, c.1)).collect();
    copy.write_all(begin.as_bytes())?;
    keyed.write_all(begin.as_bytes())?;
    write!(
        mysql,
        "-- MySQL dump 10.13\n/*!40101 SET NAMES utf8mb4 */;\nCREATE TABLE `users` (\n{}\n) ENGINE=InnoDB;\n",
        mysql_list.join(",\n")
    )?;
    let mut numbers = Numbers(42);
    let (mut line, mut statement) = (String::new(), String::new());
    for id in 1..=rows {
        let row = row(id, &mut numbers);
        line.clear();
        for (place, cell) in row.iter().enumerate() {
            let separator = if place > 0 { "," } else { "" };
            match cell {
                Some(cell) if cell.contains(',') => write!(line, "{separator}\"{cell}\"")?,
                Some(cell) => write!(line, "{separator}{cell}")?,
                None => line.push_str(separator),
            }
        }
        line.push('\n');
        csv.write_all(line.as_bytes())?;
        line.clear();
        for (place, cell) in row.iter().enumerate() {
            write!(line, "{}{}", if place > 0 { "\t" } else { "" }, cell.as_deref().unwrap_or("\\N"))?;
        }
        line.push('\n');
        copy.write_all(line.as_bytes())?;
        keyed.write_all(line.as_bytes())?;
        // Statements of about a megabyte, as mysqldump writes them.
        statement.push_str(if statement.is_empty() { "INSERT INTO `users` VALUES (" } else { ",(" });
        for (place, cell) in row.iter().enumerate() {
            let separator = if place > 0 { "," } else { "" };
            match cell {
                Some(cell) if matches!(place, 0 | 5) => write!(statement, "{separator}{cell}")?,
                Some(cell) => write!(statement, "{separator}'{}'", cell.replace('\'', "\\'"))?,
                None => write!(statement, "{separator}NULL")?,
            }
        }
        statement.push(')');
        if statement.len() > 1_000_000 || id == rows {
            statement.push_str(";\n");
            mysql.write_all(statement.as_bytes())?;
            statement.clear();
        }
    }
    let end = "\\.\n\n--\n-- PostgreSQL database dump complete\n--\n\n";
    copy.write_all(end.as_bytes())?;
    write!(
        keyed,
        "\\.\n\nALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);\n\
         ALTER TABLE ONLY public.users ADD CONSTRAINT users_email_key UNIQUE (email);\n{}",
        &end[3..]
    )?;
    writeln!(mysql, "-- Dump completed")?;
    for mut file in [csv, copy, keyed, mysql] {
        file.flush()?;
    }
    Ok(())
}

/// What one process took.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    wall: Duration,
    cpu: Duration,
    peak_kib: u64,
}

/// Runs a process to its end; watches its peak memory and its processor time while it lives.
fn run(command: &mut Command) -> Result<Taken, Error> {
    let shown = format!("{command:?}");
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut taken = Taken::default();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).and_then(|l| l.trim().strip_suffix(" kB")?.trim().parse().ok());
        taken.peak_kib = taken.peak_kib.max(peak.unwrap_or(0));
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
        let ticks =
            stat.rsplit_once(')').map(|s| s.1.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum::<u64>());
        // Linux counts processor time in hundredths of a second for this file.
        taken.cpu = taken.cpu.max(Duration::from_millis(ticks.unwrap_or(0) * 10));
        std::thread::sleep(Duration::from_millis(5));
    };
    taken.wall = begun.elapsed();
    if status.success() {
        return Ok(taken);
    }
    let mut said = String::new();
    child.stderr.take().map(|mut e| e.read_to_string(&mut said)).transpose()?;
    Err(format!("{shown}: {status}: {said}").into())
}

/// Unpacks a file to nowhere, with the decompressor that unseed uses.
fn inflate(kind: &str, file: &Path) -> Result<(), Error> {
    let file = BufReader::with_capacity(256 << 10, File::open(file)?);
    let mut reader: Box<dyn std::io::Read> = match kind {
        "gzip" => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        "zlib" => Box::new(flate2::bufread::ZlibDecoder::new(file)),
        other => return Err(format!("no such kind: {other}").into()),
    };
    let mut block = vec![0; 256 << 10];
    while reader.read(&mut block)? > 0 {}
    Ok(())
}

/// A thing that is timed.
struct Task {
    name: &'static str,
    shown: String,
    make: Box<dyn Fn() -> Command>,
    /// What is done before, untimed.
    before: String,
    taken: Vec<Taken>,
}

fn shell(script: String) -> Box<dyn Fn() -> Command> {
    Box::new(move || {
        let mut command = Command::new("sh");
        // The shell becomes the process, so that what is measured is its own.
        command.args(["-c", &format!("exec {script}")]);
        command
    })
}

fn task(name: &'static str, script: String) -> Task {
    Task { name, shown: script.clone(), make: shell(script), before: String::new(), taken: Vec::new() }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn compare(socket: &str, rounds: usize) -> Result<(), Error> {
    let folder = folder()?;
    println!("{} rows in {}", ROWS, folder.display());
    generate(&folder, ROWS, &FORMS)?;
    let at = |name: &str| folder.join(name).display().to_string();
    let psql = format!("psql -X -q -h {socket} -U postgres -v ON_ERROR_STOP=1");
    let must = |script: String| -> Result<Taken, Error> { run(&mut shell(script)()) };
    must(format!("{psql} -d postgres -c 'DROP DATABASE IF EXISTS unseed_bench' -c 'CREATE DATABASE unseed_bench'"))?;
    // The tests' server is told not to sync; one that is measured keeps its defaults.
    must(format!(
        "{psql} -d postgres -c 'ALTER SYSTEM SET fsync = on' -c 'ALTER SYSTEM SET autovacuum = on' -c 'SELECT pg_reload_conf()'"
    ))?;
    let settings = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('fsync', 'wal_level', \
         'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size', 'autovacuum')";
    let asked = Command::new("sh").args(["-c", &format!("{psql} -d postgres -A -t -c \"{settings}\"")]).output()?;
    println!("Postgres: {}", String::from_utf8_lossy(&asked.stdout).trim());
    must(format!("{psql} -d unseed_bench -f {}", at("users.copy.sql")))?;
    must(format!("pg_dump -h {socket} -U postgres -Fc -f {} unseed_bench", at("users.dump")))?;
    must(format!("gzip -kf {}", at("users.csv")))?;
    // The data of a custom archive: its COPY text as one zlib stream.
    let mut zlib = flate2::write::ZlibEncoder::new(BufWriter::new(File::create(at("users.zlib"))?), flate2::Compression::default());
    std::io::copy(&mut File::open(at("users.copy.sql"))?, &mut zlib)?;
    zlib.finish()?.flush()?;
    let bytes = fs::metadata(at("users.csv"))?.len() as f64 / 1e6;
    let own = std::env::current_exe()?.display().to_string();
    let unseed = |input: &str| format!("{} ingest {} -o {} --progress none", env!("CARGO_BIN_EXE_unseed"), at(input), at("case.db"));
    let fast = "-cmd 'PRAGMA journal_mode=OFF' -cmd 'PRAGMA synchronous=OFF' -cmd 'PRAGMA cache_size=-65536'";
    let import =
        |rest: &str| format!("sqlite3 {fast} -cmd '.mode csv' -cmd '.import {} users' {} \"{rest}\"", at("users.csv"), at("import.db"));
    let names: Vec<&str> = COLUMNS.iter().map(|c| c.0).collect();
    let raw_copy = |pragmas: &str, then: &str| {
        let copied = format!("CREATE TABLE users ({}); INSERT INTO users SELECT * FROM s.users{then}", names.join(", "));
        format!("sqlite3 {pragmas} {} \"ATTACH '{}' AS s; {copied}\"", at("copy.db"), at("plain.db"))
    };
    let mut tasks = vec![
        task("import", import("SELECT 1")),
        task("import, checked", import("PRAGMA quick_check")),
        task("import, keyed", import("CREATE UNIQUE INDEX a ON users(id); CREATE UNIQUE INDEX b ON users(email)")),
        Task {
            before: format!("{psql} -d unseed_bench -c 'DROP TABLE IF EXISTS users' -c CHECKPOINT"),
            ..task("psql restore", format!("{psql} -d unseed_bench -f {}", at("users.copy.sql")))
        },
        Task {
            before: format!("{psql} -d unseed_bench -c 'TRUNCATE users' -c CHECKPOINT"),
            ..task("psql copy csv", format!("{psql} -d unseed_bench -c \"\\copy users from {} csv header\"", at("users.csv")))
        },
        task("raw copy", raw_copy(fast, "")),
        // What an ingest does too: SQLite checks the file, and it is on the disk when the process ends.
        task("raw copy, whole", raw_copy(&fast.replace("synchronous=OFF", "synchronous=FULL"), "; PRAGMA quick_check")),
        task("inflate gzip", format!("{own} inflate gzip {}", at("users.csv.gz"))),
        task("inflate zlib", format!("{own} inflate zlib {}", at("users.zlib"))),
        task("unseed csv", unseed("users.csv")),
        task("unseed copy", unseed("users.copy.sql")),
        task("unseed keyed", unseed("keyed.copy.sql")),
        task("unseed mysql", unseed("users.mysql.sql")),
        task("unseed gzip", unseed("users.csv.gz")),
        task("unseed -Fc", unseed("users.dump")),
    ];
    must(unseed("users.csv").replace("case.db", "plain.db"))?;
    for round in 0..rounds {
        for task in &mut tasks {
            for gone in ["import.db", "copy.db", "case.db"] {
                let _ = fs::remove_file(at(gone));
            }
            if !task.before.is_empty() {
                must(task.before.clone())?;
            }
            // What others left to be written is not this one's.
            let _ = Command::new("sync").status();
            task.taken.push(run(&mut (task.make)())?);
        }
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        println!("round {} of {rounds} done, load average {}", round + 1, load.split(' ').next().unwrap_or_default());
    }
    println!("\ncommands:");
    for task in &tasks {
        println!("  {:16} {}", task.name, task.shown);
    }
    println!("\n{:16} {:>8} {:>8} {:>8} {:>9}", "", "wall s", "cpu s", "MB/s", "peak MiB");
    for task in &tasks {
        let wall = median(task.taken.iter().map(|t| t.wall.as_secs_f64()).collect());
        let cpu = median(task.taken.iter().map(|t| t.cpu.as_secs_f64()).collect());
        let peak = task.taken.iter().map(|t| t.peak_kib).max().unwrap_or(0) / 1024;
        println!("{:16} {wall:8.2} {cpu:8.2} {:8.0} {peak:9}", task.name, bytes / wall);
    }
    let taken = |name: &str| tasks.iter().find(|t| t.name == name).map(|t| t.taken.as_slice()).unwrap_or_default();
    let ratio = |slow: &str, fast: &str, of: fn(&Taken) -> Duration| {
        median(taken(slow).iter().zip(taken(fast)).map(|(s, f)| of(s).as_secs_f64() / of(f).as_secs_f64()).collect())
    };
    println!("\n{:52} {:>6} {:>6} {:>10}", "median ratio", "wall", "cpu", "wanted");
    for (slow, fast, wanted) in [
        ("import", "unseed csv", ">= 4"),
        ("import, checked", "unseed csv", ""),
        ("psql restore", "unseed csv", ">= 5"),
        ("psql restore", "unseed copy", ""),
        ("psql copy csv", "unseed csv", ""),
        ("import, keyed", "unseed keyed", ">= 2.5"),
        ("import", "unseed mysql", ">= 3"),
        ("import", "unseed copy", ""),
        ("unseed gzip", "inflate gzip", "<= 1.4"),
        ("unseed -Fc", "inflate zlib", "<= 1.4"),
        ("unseed csv", "raw copy", ""),
        ("unseed csv", "raw copy, whole", ""),
        ("unseed gzip", "unseed csv", ""),
        ("unseed -Fc", "unseed copy", ""),
    ] {
        println!(
            "{:52} {:6.2} {:6.2} {wanted:>10}",
            format!("{slow} : {fast}"),
            ratio(slow, fast, |t| t.wall),
            ratio(slow, fast, |t| t.cpu)
        );
    }
    // Where the plain form's write is the limit, both count.
    for (packed, plain, nowhere) in [("unseed gzip", "unseed csv", "inflate gzip"), ("unseed -Fc", "unseed copy", "inflate zlib")] {
        let sums = taken(packed).iter().zip(taken(plain)).zip(taken(nowhere));
        let ratios = sums.map(|((k, p), n)| k.wall.as_secs_f64() / (p.wall + n.wall).as_secs_f64()).collect();
        println!("{:52} {:6.2} {:6} {:>10}", format!("{packed} : {nowhere} + {plain}"), median(ratios), "", "<= 1.4");
    }
    must(format!("{psql} -d postgres -c 'DROP DATABASE unseed_bench'"))?;
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Peak memory must not depend on the input's size; the larger file also passes the lock byte at 1 GiB.
fn large() -> Result<(), Error> {
    let folder = folder()?;
    for (form, rows) in [("users.csv", ROWS), ("users.csv", 10 * ROWS), ("keyed.copy.sql", ROWS), ("keyed.copy.sql", 10 * ROWS)] {
        generate(&folder, rows, &[form])?;
        let file = folder.join(form);
        let mut command = Command::new(env!("CARGO_BIN_EXE_unseed"));
        command.arg("ingest").arg(&file).arg("-o").arg(folder.join("case.db")).args(["--progress", "none"]);
        let taken = run(&mut command)?;
        let mb = fs::metadata(&file)?.len() as f64 / 1e6;
        let case = fs::metadata(folder.join("case.db"))?.len() / (1 << 20);
        let wall = taken.wall.as_secs_f64();
        println!("{mb:.0} MB, {form}: {wall:.1} s, {:.0} MB/s, peak {} MiB, case file {case} MiB", mb / wall, taken.peak_kib / 1024);
        fs::remove_file(&file)?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}
