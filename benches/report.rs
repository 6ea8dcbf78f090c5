//! `cargo bench --bench report`: the report of a million rows with a hundred cohorts is written in under a tenth of
//! the time of the scan, and holds at most 2 MB. `UNSEED_BENCH_ROWS` makes it smaller. Fails where a bound is missed.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use unseed::config::{Loaded, Redact};
use unseed::progress::Silent;
use unseed::snapshot::Case;
use unseed::{ingest, pipeline, report};

const COHORTS: u64 = 100;
const MOST_BYTES: usize = 2_000_000;
const MOST_SHARE: f64 = 0.1;

/// Deterministic numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn time(ms: u64) -> String {
    let text = unseed::model::stamp::Rfc3339(ms as i64 * 1000).to_string();
    text.replace('T', " ").trim_end_matches('Z').to_owned()
}

/// A site of `rows` rows: six tenths people, three tenths sessions, one tenth payments, and the runs of a hundred seeds.
fn dump(rows: u64) -> String {
    const GIVEN: [&str; 16] =
        ["mara", "jon", "ida", "sven", "lou", "kim", "pat", "nils", "vera", "otto", "ruth", "emil", "lena", "carl", "dora", "hugo"];
    const FAMILY: [&str; 12] = ["hale", "brook", "stone", "marsh", "field", "wood", "lake", "hill", "ford", "grove", "vance", "thorn"];
    // Every run has an address, a domain and a password of its own, so that each is a cohort of its own.
    let word = |run: u64| -> String {
        [run / 10 % 10, run % 10, run * 7 % 10]
            .iter()
            .map(|n| ["ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu"][*n as usize])
            .collect()
    };
    let mut random = Random(7);
    let (people, sessions, payments) = (rows * 6 / 10, rows * 3 / 10, rows / 10);
    let mut out = String::with_capacity(rows as usize * 110);
    out.push_str("--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.users (id integer NOT NULL, email character varying(255), full_name text, password_hash text, created_at timestamp(3) without time zone);\nCREATE TABLE public.sessions (id integer NOT NULL, user_id integer, created_at timestamp(3) without time zone);\nCREATE TABLE public.payments (id integer NOT NULL, user_id integer, amount numeric(10,2), currency character varying(3), created_at timestamp(3) without time zone);\n\nCOPY public.users (id, email, full_name, password_hash, created_at) FROM stdin;\n");
    let mut at = 1_672_560_000_000_u64;
    let step = 94_608_000_000 / people;
    let every = people / COHORTS;
    let mut seeded = Vec::new();
    let mut id = 0;
    while id < people {
        if id % every == every / 2 && seeded.len() < COHORTS as usize * 100 {
            let run = id / every;
            let word = word(run);
            for n in 1..=100_u64.min(every / 2) {
                id += 1;
                at += 90 + random.below(9);
                seeded.push(id);
                let (given, family) = (GIVEN[random.below(16) as usize], FAMILY[random.below(12) as usize]);
                let hash: String = word.chars().cycle().take(31).collect();
                let _ = writeln!(out, "{id}\t{word}{n}@{word}mail.io\t{given} {family}\t$2b$10${hash}\t{}", time(at));
            }
            continue;
        }
        id += 1;
        at += random.below(2 * step) + 1;
        let (given, family) = (GIVEN[random.below(16) as usize], FAMILY[random.below(12) as usize]);
        let _ = writeln!(
            out,
            "{id}\t{given}.{family}.{}@mail{}.example.net\t{given} {family}\t$2b$10${:022}{:09}\t{}",
            random.below(1 << 30),
            random.below(400),
            random.below(1 << 40),
            random.below(1 << 29),
            time(at)
        );
    }
    out.push_str("\\.\n\nCOPY public.sessions (id, user_id, created_at) FROM stdin;\n");
    for n in 1..=sessions {
        let _ = writeln!(out, "{n}\t{}\t{}", random.below(people) + 1, time(1_767_168_000_000 + n * 7_000 + random.below(6_000)));
    }
    out.push_str("\\.\n\nCOPY public.payments (id, user_id, amount, currency, created_at) FROM stdin;\n");
    for n in 1..=payments {
        let owner = if n % 20 == 0 { seeded[random.below(seeded.len() as u64) as usize] } else { random.below(people) + 1 };
        let _ = writeln!(
            out,
            "{n}\t{owner}\t{}.{:02}\t{}\t{}",
            random.below(900),
            random.below(100),
            if n % 3 == 0 { "EUR" } else { "USD" },
            time(1_767_168_000_000 + n * 20_000 + random.below(6_000))
        );
    }
    out.push_str("\\.\n\nALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);\nALTER TABLE ONLY public.sessions ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);\nALTER TABLE ONLY public.payments ADD CONSTRAINT payments_pkey PRIMARY KEY (id);\nALTER TABLE ONLY public.sessions ADD CONSTRAINT sessions_user FOREIGN KEY (user_id) REFERENCES public.users(id);\nALTER TABLE ONLY public.payments ADD CONSTRAINT payments_user FOREIGN KEY (user_id) REFERENCES public.users(id);\n\n-- PostgreSQL database dump complete\n");
    out
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn bench(folder: &Path) -> Result<bool, Box<dyn std::error::Error>> {
    let rows: u64 = std::env::var("UNSEED_BENCH_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let input = folder.join("dump.sql");
    std::fs::write(&input, dump(rows))?;
    let target = folder.join("case.db");
    let now = unseed::model::Stamp::parse(b"2026-06-01T00:00:00Z").map_or(0, |s| s.micros);
    let config = Loaded::default();
    let began = Instant::now();
    ingest::ingest(&[input], &target, &ingest::Options::default(), &Silent)?;
    let ingested = began.elapsed().as_secs_f64();
    let mut case = Case::open(&target)?;
    pipeline::analyze(&mut case, &config, now, &Silent)?;
    let scanned = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let gathered = report::gather(&case, &config, Redact::Partial, now, "unseed scan dump.sql -o out")?;
    let model = began.elapsed().as_secs_f64();
    let mut html = 0;
    for id in ["html", "json"] {
        let renderer = report::of(id).ok_or("no such renderer")?;
        let bytes = renderer.render(&gathered);
        if id == "html" {
            html = bytes.len();
        }
        std::fs::write(folder.join(renderer.file_name()), bytes)?;
    }
    let reported = began.elapsed().as_secs_f64();
    let share = reported / scanned;
    let total: u64 = gathered.tables.iter().map(|t| t.rows).sum();
    println!(
        "{total} rows, {} cohorts, {} seeded rows, {} in review",
        gathered.cohorts.len(),
        gathered.total(|t| t.seeded),
        gathered.review_total
    );
    println!(
        "scan {scanned:.2} s (ingest {ingested:.2} s), report {reported:.2} s (gathering {model:.2} s): {:.1} % of the scan, at most {:.0} %",
        share * 100.0,
        MOST_SHARE * 100.0
    );
    println!("report.html {html} bytes, at most {MOST_BYTES}");
    Ok(share < MOST_SHARE && html <= MOST_BYTES && (rows < 1_000_000 || gathered.cohorts.len() as u64 >= COHORTS))
}

fn main() -> ExitCode {
    let Ok(folder) = tempfile::tempdir() else { return ExitCode::from(2) };
    match bench(folder.path()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            #[expect(clippy::print_stderr, reason = "a benchmark says what it missed")]
            {
                eprintln!("a bound was missed");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a benchmark says what went wrong")]
            {
                eprintln!("{error}");
            }
            ExitCode::from(2)
        }
    }
}
