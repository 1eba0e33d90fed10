//! The `idgan` binary: everything is in the library's `cli` room.

use std::process::ExitCode;

use idgan::cli::CommandLine;

fn main() -> ExitCode {
    let line = match CommandLine::read() {
        Ok(line) => line,
        Err(code) => return code,
    };
    for (name, value) in line.environment() {
        // SAFETY: the process has one thread, so nobody reads the environment meanwhile.
        unsafe {
            match value {
                Some(value) => std::env::set_var(name, value),
                None => std::env::remove_var(name),
            }
        }
    }
    line.run()
}
