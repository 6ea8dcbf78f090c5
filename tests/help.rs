//! The help of every verb, as committed in `tests/help/`; `TRYCMD=overwrite cargo test --release help` rewrites it.

use crate::harness::{Desk, fixture, root};

#[test]
fn every_help_is_as_committed() {
    trycmd::TestCases::new().register_bin("unseed", std::path::Path::new(env!("CARGO_BIN_EXE_unseed"))).case("tests/help/*.trycmd");
}

/// No verb without a committed help: the list comes from the program itself.
#[test]
fn no_verb_is_left_out() {
    let desk = Desk::new();
    let verbs = |words: &str| -> Vec<String> {
        let help = desk.unseed(&format!("{words} --help")).exits(0).out;
        let list = help.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| l.starts_with("  "));
        list.filter_map(|l| l.split_whitespace().next()).filter(|v| *v != "help").map(str::to_owned).collect()
    };
    let all = verbs("");
    assert!(all.contains(&"scan".to_owned()), "{all:?}");
    for verb in all {
        let page = |name: &str| assert!(root().join(format!("tests/help/{name}.trycmd")).is_file(), "tests/help/{name}.trycmd is missing");
        page(&verb);
        for inner in verbs(&verb) {
            page(&format!("{verb}-{inner}"));
        }
    }
}

#[test]
fn help_leads_with_examples() {
    let desk = Desk::new();
    for verb in ["", "scan", "ingest", "analyze", "report", "review", "plan", "verify", "detectors", "completions", "man", "schema"] {
        let help = desk.unseed(&format!("{verb} --help")).exits(0).out;
        let examples = help.find("Examples:").unwrap_or_else(|| panic!("{verb}: {help}"));
        assert!(help.find("Options:").is_some_and(|options| examples < options), "{verb}: {help}");
    }
}

#[test]
fn completions_and_man_pages_know_every_verb() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = desk.unseed(&format!("completions {shell}")).exits(0).out;
        assert!(text.contains("rehearse") || text.contains("verify"), "{shell}");
    }
    assert!(desk.unseed("man").exits(0).out.contains(".TH"));
    desk.unseed("man -o man").exits(0);
    for page in ["unseed.1", "unseed-scan.1", "unseed-review.1"] {
        assert!(desk.path(&format!("man/{page}")).is_file(), "{page}");
    }
}

#[test]
fn every_verb_says_what_comes_next() {
    let desk = Desk::new();
    desk.run(&["ingest", &fixture("storefront/dump.sql"), "-o", "case.db"]).exits(0);
    desk.unseed("analyze case.db").exits(0).says(&["next: unseed report case.db"]);
    desk.unseed("report case.db -o out").exits(0).says(&["next: decide in report.html", "unseed review case.db"]);
    let listed = desk.unseed("review case.db list").exits(0).says(&["next: unseed review case.db show"]);
    let cohort = listed.out.split_whitespace().next().expect("an id").to_owned();
    desk.run(&["review", "case.db", "approve", &cohort]).exits(0).says(&["next: unseed plan case.db"]);
    desk.unseed("report case.db -o out").exits(0).says(&["next: unseed plan case.db"]);
}

#[test]
fn unknown_keys_of_the_configuration_get_a_suggestion() {
    let desk = Desk::new();
    desk.write("unseed.toml", "[report]\nredakt = \"full\"\n");
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out"]).exits(2).says(&["unseed.toml:2:1", "did you mean `redact`?"]);
    desk.run(&["scan", &fixture("storefront/dump.sql"), "-o", "out", "-c", "/dev/null"]).exits(0);
    desk.unseed("report out/case.db -c /dev/null -o new --format json,htlm").exits(2).says(&["did you mean html?"]);
    assert!(!desk.path("new").exists(), "nothing is written");
}
