//! Coverage-guided fuzzing of the target `wrappers`.
#![no_main]

#[path = "../../tests/fuzz/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    targets::run(folder.path(), "wrappers", bytes);
});
