//! Every test of the package, in one binary: each further one would cost a link.
#![expect(unreachable_pub, reason = "modules of one binary")]

#[path = "../fixtures/generator/mod.rs"]
#[allow(dead_code, reason = "the programs that write fixtures use the rest")]
mod generator;

mod acceptance;
mod bad_input;
mod baselines;
mod case_file;
mod cohorts;
mod contents;
mod copies;
mod detectors;
mod determinism;
mod dumps;
mod engines;
mod failures;
mod fixtures;
mod formats;
mod fuzz;
mod given;
mod graphs;
mod hard_cases;
mod harness;
mod help;
mod hostile;
mod killed;
mod labelled;
mod mutants;
mod page_writer;
mod parquet_files;
mod postgres;
mod refusals;
mod report;
mod review_file;
mod review_log;
mod roles;
mod round_trips;
mod scan;
mod servers;
mod verify;
mod vocabulary;
mod worlds;
