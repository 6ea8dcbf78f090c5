//! The vocabularies in the repository are what the public packages give, as far as these are at hand (`tests/pools.sh`
//! installs them).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::harness::{Desk, root, skipped};

const DATA: &str = "src/detect/data";

/// Where `tests/pools.sh` puts the packages of npm and Python.
fn generators() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    cache.unwrap_or_else(home).join("unseed/generators")
}

fn check(generators: &Path, data: &Path) -> Output {
    Command::new(root().join(DATA).join("rebuild/check.sh")).arg(generators).env("DATA", data).output().expect("a shell")
}

/// Says what was not checked; returns whether anything was.
fn told(ran: &Output) -> bool {
    let out = String::from_utf8_lossy(&ran.stdout);
    out.lines().filter_map(|l| l.strip_prefix("SKIPPED ")).for_each(|why| skipped("vocabularies", why));
    out.lines().any(|l| l.starts_with("the vocabularies"))
}

#[test]
fn vocabularies_are_what_the_packages_give() {
    let ran = check(&generators(), &root().join(DATA));
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    if !told(&ran) {
        return;
    }
    // The check sees one name that is missing, with all packages and with some.
    let desk = Desk::new();
    for name in ["names", "words"] {
        let file = format!("{name}.txt.zst");
        let packed = std::fs::read(root().join(DATA).join(&file)).expect("a vocabulary");
        let text = String::from_utf8(zstd::decode_all(packed.as_slice()).expect("zstd")).expect("text");
        let less = text.replacen("\tschamberger\t", "\t", 1);
        assert_eq!(name == "names", less.len() < text.len(), "{name}");
        desk.write(&file, zstd::encode_all(less.as_bytes(), 1).expect("zstd"));
    }
    // Without npm's and Python's packages those of Debian are left.
    for folder in [generators(), desk.path("nowhere")] {
        let ran = check(&folder, &desk.path(""));
        assert!(!ran.status.success() || !told(&ran), "{}", String::from_utf8_lossy(&ran.stdout));
    }
}
