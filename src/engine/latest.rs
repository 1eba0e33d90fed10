use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A place for one value of which only the newest matters.
///
/// Clones share the place. Putting never blocks and never queues: an unread value is replaced.
#[derive(Debug)]
pub struct Latest<T>(Arc<Mutex<Option<T>>>);

impl<T> Latest<T> {
    /// An empty place.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    /// Puts `value` in place and returns the unread value it replaces.
    pub fn put(&self, value: T) -> Option<T> {
        lock(&self.0).replace(value)
    }

    /// Takes the value away.
    pub fn take(&self) -> Option<T> {
        lock(&self.0).take()
    }
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Latest<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Locks `mutex` whatever became of its last holder: the values behind the engine's locks are replaced as
/// a whole, so a panic elsewhere cannot leave them half written.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_value_is_kept() {
        let place = Latest::new();
        let other = place.clone();
        assert_eq!(place.put(1), None);
        assert_eq!(place.put(2), Some(1));
        assert_eq!(other.take(), Some(2));
        assert_eq!(place.take(), None);
    }
}
