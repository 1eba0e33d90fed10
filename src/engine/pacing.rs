use std::time::Duration;

use super::Motion;

/// The longest a drag goes without a new picture, if the network is fast enough.
pub(super) const PATIENCE: Duration = Duration::from_millis(300);

/// Whether a newer request should stop the render in flight.
///
/// Once the person has let go, an older picture is worth nothing: stop. During a drag, stopping a render
/// only to start the next one would show nothing at all, so it goes on unless a picture came a short while
/// ago and this one would keep the newer request waiting for long.
///
/// `running` is the age of the render in flight, `expected` its usual duration, `since_picture` the time since
/// the last complete one.
pub(super) fn should_cancel(
    motion: Motion,
    running: Duration,
    expected: Duration,
    since_picture: Duration,
) -> bool {
    match motion {
        Motion::Settled => true,
        Motion::Moving => since_picture < PATIENCE && expected.saturating_sub(running) > PATIENCE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a drag of a request every 16 ms against a renderer that takes `render` and returns the longest
    /// time between two pictures, in milliseconds.
    fn longest_gap(render: u64) -> u64 {
        let (mut started, mut last, mut longest) = (0, 0, 0);
        for now in 1..10_000 {
            if now - started >= render {
                longest = longest.max(now - last);
                (started, last) = (now, now);
            } else if now % 16 == 0 {
                let ms = Duration::from_millis;
                if should_cancel(Motion::Moving, ms(now - started), ms(render), ms(now - last)) {
                    started = now;
                }
            }
        }
        longest
    }

    #[test]
    fn a_long_drag_shows_pictures_at_every_speed() {
        for render in [1, 20, 60, 200, 299] {
            assert_eq!(longest_gap(render), render, "fast renders are never stopped");
        }
        for render in [301, 450, 1000, 3000] {
            assert!(longest_gap(render) <= render + 300, "{render}: {}", longest_gap(render));
        }
    }

    #[test]
    fn letting_go_stops_whatever_is_older() {
        let zero = Duration::ZERO;
        assert!(should_cancel(Motion::Settled, zero, zero, Duration::MAX));
    }
}
