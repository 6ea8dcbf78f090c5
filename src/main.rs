//! The `unseed` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    unseed::cli::main()
}
