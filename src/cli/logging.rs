use std::io::Write;
use std::panic::PanicHookInfo;

use env_logger::fmt::Formatter;
use log::{Level, Record};

use super::tell;
use crate::base::visible;

/// Starts the log on stderr: warnings and errors of this program, errors of its libraries, more with `RUST_LOG`.
pub(super) fn start() {
    // What goes wrong with the window is told as the command's error.
    let filter = env_logger::Env::default()
        .default_filter_or("error,arboard=off,eframe=off,smithay_clipboard=off,idgan=warn");
    env_logger::Builder::from_env(filter).format(write).init();
    std::panic::set_hook(Box::new(tell_panic));
}

/// One record, without what a terminal would obey: names and contents of files are in it.
fn write(out: &mut Formatter, record: &Record<'_>) -> std::io::Result<()> {
    let text = record.args().to_string();
    let is_ours = record.target().split("::").next() == Some("idgan");
    let line = match record.level() {
        Level::Warn if is_ours => format!("warning: {text}"),
        Level::Error if is_ours => format!("error: {text}"),
        level => format!("[{} {level} {}] {text}", out.timestamp_seconds(), record.target()),
    };
    writeln!(out, "{}", visible(&line))
}

/// A bug: what it said, where, and with RUST_BACKTRACE the way there. Whoever catches the panic goes on.
fn tell_panic(info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    tell(format!("thread '{}' {info}", thread.name().unwrap_or("without a name")));
    let backtrace = std::backtrace::Backtrace::capture();
    if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
        tell(backtrace);
    }
}
