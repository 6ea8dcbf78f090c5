//! The committed fixtures are what the generator makes, and hold what they promise.

use crate::generator;
use crate::harness::{fixture, labels, root};

#[test]
fn committed_fixtures_are_what_the_generator_makes() {
    for (folder, files) in generator::committed() {
        for (name, text) in files {
            let path = root().join("fixtures").join(&folder).join(name);
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(committed == text, "{} differs: cargo run --release --example fixtures", path.display());
            assert!(text.len() <= 5_000_000, "{} is larger than 5 MB", path.display());
        }
    }
}

#[test]
fn the_incident_has_its_numbers() {
    let labels = labels(&fixture("storefront/labels.csv"));
    let count = |table: &str, label: &str| labels.iter().filter(|(k, l)| k.0 == table && *l == label).count();
    assert_eq!(["users", "sessions", "payments", "reports"].map(|t| count(t, "seeded")), [100, 48, 40, 25]);
    assert_eq!(count("users", "protected"), 1);
    assert!(count("users", "real") >= 4_900);
}

/// What makes the fixtures shares no code with what judges them.
#[test]
fn the_generator_imports_nothing_of_the_tool() {
    for entry in std::fs::read_dir(root().join("fixtures/generator")).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).expect("a file");
            assert!(!text.contains("unseed::") && !text.contains("src/"), "{}", path.display());
        }
    }
}
