//! The `idgan` binary: everything is in the library's `cli` room.

fn main() -> std::process::ExitCode {
    idgan::cli::main()
}
