//! Signals: what people, terminals, limits and schedulers send to a program that should end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

/// What comes sooner after the first signal is the same wish, told twice: a terminal tells everybody, and a sweep passes
/// on to its runs what they have heard already.
const SAME: Duration = Duration::from_secs(1);
/// How long a signal waits to be seen. Looking is what works on every system.
const LOOK: Duration = Duration::from_millis(50);

/// From now on a signal that would end this process calls `ask`, on a thread of its own, and the process should save
/// what it has and end. Ctrl+C (or Ctrl+\) for the second time ends it at once, with 128 and the signal's number as exit
/// code; other signals only repeat the wish, since limits and schedulers send several while one saves.
///
/// Such signals are, beside Ctrl+C: TERM, HUP, QUIT, the user's USR1 and USR2 (Slurm's `--signal`), XCPU (a limit on
/// processor time), alarms, power failure and the real-time signals. Faults and KILL are none. Signals that this process
/// was told to ignore stay ignored (`nohup`), but for those of the terminal: shells start jobs in the background with
/// them ignored, and a script that sends one to such a job means it.
///
/// # Errors
/// When the system refuses a handler or a thread.
pub fn on_request_to_end(ask: impl Fn() + Send + 'static) -> io::Result<()> {
    let newest = Arc::new(AtomicUsize::new(0));
    for signal in requests_to_end() {
        flag::register_usize(signal, Arc::clone(&newest), signal as usize)?;
    }
    let watch = move || {
        let mut asked: Option<Instant> = None;
        loop {
            std::thread::sleep(LOOK);
            let signal = newest.swap(0, Ordering::Relaxed) as i32;
            if signal == 0 {
                continue;
            }
            if is_of_terminal(signal) && asked.is_some_and(|first| first.elapsed() > SAME) {
                std::process::exit(128 + signal);
            }
            asked.get_or_insert_with(Instant::now);
            ask();
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(watch).map(drop)
}

/// Makes a file that grows beyond the limit (`ulimit -f`) an error of the write, not the end of the process.
///
/// # Errors
/// When the system refuses the handler.
pub fn survive_file_limit() -> io::Result<()> {
    // A handler and not "ignore": programs that this one starts are as they always are.
    #[cfg(unix)]
    flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
    Ok(())
}

#[cfg(unix)]
fn is_of_terminal(signal: i32) -> bool {
    [SIGINT, signal_hook::consts::SIGQUIT].contains(&signal)
}

#[cfg(not(unix))]
fn is_of_terminal(signal: i32) -> bool {
    signal == SIGINT
}

#[cfg(unix)]
fn requests_to_end() -> Vec<i32> {
    use signal_hook::consts::{
        SIGALRM, SIGHUP, SIGIO, SIGPROF, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU,
    };
    let mut signals = vec![
        SIGINT,
        signal_hook::consts::SIGQUIT,
        SIGTERM,
        SIGHUP,
        SIGUSR1,
        SIGUSR2,
        SIGXCPU,
        SIGALRM,
        SIGVTALRM,
        SIGPROF,
        SIGIO,
    ];
    #[cfg(target_os = "linux")]
    {
        signals.extend([libc::SIGPWR, libc::SIGSTKFLT]);
        signals.extend(libc::SIGRTMIN()..=libc::SIGRTMAX());
    }
    signals.retain(|&signal| is_of_terminal(signal) || would_end_us(signal));
    signals
}

#[cfg(not(unix))]
fn requests_to_end() -> Vec<i32> {
    vec![SIGINT, signal_hook::consts::SIGTERM]
}

/// Whether a signal does what it does by itself: nobody has chosen to ignore or to handle it (a profiler may have).
#[cfg(unix)]
fn would_end_us(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: with no new action this only writes the present one, which is read where that went well.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_DFL
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use signal_hook::consts::{SIGCHLD, SIGKILL, SIGPIPE, SIGSEGV, SIGTSTP, SIGUSR1, SIGWINCH, SIGXCPU};

    #[test]
    fn signals_that_end_a_process_are_requests_and_no_others() {
        let asked = requests_to_end();
        for signal in [SIGINT, SIGUSR1, SIGXCPU] {
            assert!(asked.contains(&signal), "{signal}");
        }
        for signal in [SIGKILL, SIGSEGV, SIGPIPE, SIGTSTP, SIGWINCH, SIGCHLD] {
            assert!(!asked.contains(&signal), "{signal}");
        }
        #[cfg(target_os = "linux")]
        assert!(asked.contains(&libc::SIGRTMIN()) && asked.contains(&libc::SIGRTMAX()));
        // Rust's runtime has chosen to ignore this one
        assert!(!would_end_us(SIGPIPE) && would_end_us(SIGUSR1));
    }
}
