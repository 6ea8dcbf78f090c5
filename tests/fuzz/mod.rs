//! Fuzzing of every parser, for a time: no panic, no hang, no byte unaccounted, no memory beyond the cap.
//!
//! `UNSEED_FUZZ_SECONDS` is the time for each parser, one second by default. Each runs in a process of its
//! own, so that its peak memory can be told; what it was reading when it failed is kept.

pub mod seeds;
pub mod targets;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Peak memory of a fuzzing process, in KiB: what an ingest may take, and the test program itself.
const MAX_PEAK_KIB: u64 = (256 + 64) << 10;

/// Longest time that one small input may take, on a busy machine.
const MAX_ONE: Duration = Duration::from_secs(20);

fn seconds() -> u64 {
    std::env::var("UNSEED_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(1)
}

macro_rules! targets {
    ($($test:ident $name:literal)*) => {
        $(#[test]
        fn $test() {
            parent($name);
        })*
    };
}

targets! {
    postgres_text "pg-plain"
    postgres_archives "pg-archive"
    mysql_text "mysql"
    sqlite_text "sqlite-text"
    sqlite_files "sqlite"
    csv "csv"
    json_lines "json-lines"
    parquet_files "parquet"
    wrappers "wrappers"
    archives "archives"
    folders "folders"
}

/// Runs a target in a process of its own.
fn parent(target: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "fuzz::child", "--nocapture", "--test-threads", "1"])
        .env("UNSEED_FUZZ_TARGET", target)
        .env("UNSEED_FUZZ_FOLDER", folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let until = Instant::now() + Duration::from_secs(seconds()) + 3 * MAX_ONE;
    while child.try_wait().expect("it can be asked").is_none() {
        if Instant::now() > until {
            child.kill().expect("it is killed");
            panic!("{target}: a hang; the input is {}", keep(target, folder.path()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().expect("it ended");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{target}: {out}\n{err}\nthe input is {}", keep(target, folder.path()));
    let said = out.lines().find_map(|l| l.split_once("fuzzed ").map(|s| s.1)).unwrap_or_default().to_owned();
    let peak: u64 = said.rsplit(' ').next().and_then(|p| p.parse().ok()).expect("the peak memory");
    assert!(peak <= MAX_PEAK_KIB, "{target}: peak memory {peak} KiB");
    #[expect(clippy::print_stderr, reason = "how much was tried must show")]
    {
        eprintln!("fuzzed {said} KiB");
    }
}

/// Keeps the input that failed, and tells where.
fn keep(target: &str, folder: &Path) -> String {
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{target}"));
    let _ = std::fs::copy(folder.join("input"), &kept);
    kept.display().to_string()
}

#[test]
fn child() {
    let (Ok(target), Some(folder)) = (std::env::var("UNSEED_FUZZ_TARGET"), std::env::var_os("UNSEED_FUZZ_FOLDER")) else { return };
    let folder = PathBuf::from(folder);
    let seeds = seeds::of(&target);
    let mut numbers = Numbers(0x5eed);
    let begun = Instant::now();
    let (mut runs, mut whole) = (0_u64, 0_u64);
    while begun.elapsed().as_secs() < seconds() || runs < seeds.len() as u64 {
        // Each seed is tried as it is, before it is changed.
        let seed = &seeds[if runs < seeds.len() as u64 { runs as usize } else { numbers.below(seeds.len()) }];
        let input = if runs < seeds.len() as u64 { seed.clone() } else { mutated(seed, &seeds, &mut numbers) };
        let started = Instant::now();
        let done = targets::run(&folder, &target, &input);
        assert!(runs >= seeds.len() as u64 || done, "{target}: seed {runs} is not read");
        assert!(started.elapsed() < MAX_ONE, "one input took {:?}", started.elapsed());
        whole += u64::from(done);
        runs += 1;
    }
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).map(|l| l.trim().trim_end_matches(" kB").to_owned()).expect("a peak");
    // The parent reads this.
    println!("\nfuzzed {target}: {runs} inputs, {whole} of them read to the end, peak {peak}");
}

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }
}

/// Bytes that parsers look for.
const TOKENS: &[&[u8]] = &[
    b"'",
    b"\"",
    b"\\",
    b"\\N",
    b"\\.\n",
    b"\n",
    b"\r\n",
    b"\t",
    b",",
    b";",
    b"(",
    b")",
    b"/*",
    b"*/",
    b"/*!50000 ",
    b"--",
    b"$$",
    b"$a$",
    b"E'",
    b"X'0",
    b"0x",
    b"NULL",
    b"DEFAULT",
    b"VALUES",
    b"INSERT INTO t VALUES (",
    b"COPY t FROM stdin;\n",
    b"CREATE TABLE t (a int);",
    b"DROP TABLE t;",
    b"DELIMITER ;;",
    b"_binary '",
    b"{",
    b"}",
    b"[",
    b":",
    b"\\u0000",
    b"\\ud800",
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80",
    b"\xef\xbb\xbf",
    b"unistr(",
    b"replace(",
    b"1e999",
    b"\x00\x01\x00\x00\x00",
];

fn mutated(seed: &[u8], seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(5) {
        let at = numbers.below(bytes.len() + 1);
        match numbers.below(9) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            2 if at < bytes.len() => bytes[at] = numbers.below(256) as u8,
            3 | 4 => {
                let token = TOKENS[numbers.below(TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
            5 => {
                let end = (at + numbers.below(40)).min(bytes.len());
                bytes.drain(at..end);
            }
            6 => {
                let end = (at + numbers.below(200)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let times = if numbers.below(50) == 0 { 300 } else { 2 };
                for _ in 0..times {
                    bytes.splice(at..at, piece.iter().copied());
                }
            }
            7 => {
                let other = &seeds[numbers.below(seeds.len())];
                let from = numbers.below(other.len() + 1);
                let end = (from + numbers.below(500)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
            _ => {
                let token = TOKENS[numbers.below(TOKENS.len())];
                let end = (at + token.len()).min(bytes.len());
                bytes.splice(at..end, token.iter().copied());
            }
        }
        bytes.truncate(1 << 20);
    }
    bytes
}
