//! The thin binary: see the library for everything.

use std::process::ExitCode;

fn main() -> ExitCode {
    iolab::cli::main()
}
