//! Every test of the package, in one binary: each further one would cost a link.
#![expect(unreachable_pub, reason = "modules of one binary")]

#[path = "../fixtures/generator/mod.rs"]
#[allow(dead_code, reason = "the programs that write fixtures use the rest")]
mod generator;

mod bad_input;
mod case_file;
mod determinism;
mod fixtures;
mod harness;
mod help;
mod hostile;
mod postgres;
mod report;
mod review_file;
mod review_log;
mod scan;
