//! One subcommand per file, thin.
