//! Finds the seed data that leaked into a production database, from an export, offline, and writes
//! a delete script worth signing.
//!
//! Data flows one way: `dump -> ingest -> snapshot -> profile -> detect -> weigh -> cohort ->
//! review -> plan -> dialect`; `report` reads everything and changes nothing. A layer uses only
//! layers to its left, plus `model`.

mod chance;
pub mod cli;
pub mod cohort;
pub mod config;
pub mod detect;
pub mod dialect;
pub mod dump;
pub mod ingest;
pub mod known;
pub mod labelled;
pub mod model;
mod parallel;
pub mod pipeline;
pub mod plan;
pub mod profile;
pub mod progress;
pub mod rehearse;
pub mod report;
pub mod review;
mod segments;
pub mod snapshot;
mod timing;
pub mod weigh;
