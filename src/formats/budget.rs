/// How much memory and work the values of one file may still take.
///
/// A hostile file can name the same bytes a million times over, so what is asked for is counted before it is
/// allocated. Half of the project's limit (4 times the file or 1 GiB, whichever is larger) goes to values; the
/// other half covers the parsed structure and the buffers in between.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    memory: u64,
    work: u64,
}

/// The smallest limit on memory that any file gets, in bytes.
const LEAST: u64 = 1 << 30;

impl Budget {
    /// The budget of a file of `len` bytes.
    pub(crate) fn for_file(len: u64) -> Self {
        let memory = len.saturating_mul(4).max(LEAST) / 2;
        Self { memory, work: memory.saturating_mul(4) }
    }

    /// Takes `bytes` of memory for good.
    pub(crate) fn take(&mut self, bytes: u64) -> Result<(), String> {
        self.memory = self.memory.checked_sub(bytes).ok_or(
            "its tensors would unpack to many times the size of the file, which a trained model never does; \
             do not trust it",
        )?;
        Ok(())
    }

    /// Gives back memory that was only borrowed.
    pub(crate) fn give_back(&mut self, bytes: u64) {
        self.memory = self.memory.saturating_add(bytes);
    }

    /// Counts `bytes` that have to be read or unpacked.
    pub(crate) fn work(&mut self, bytes: u64) -> Result<(), String> {
        self.work = self.work.checked_sub(bytes).ok_or(
            "it would have to be read over and over again to be understood, which a trained model never \
             needs; do not trust it",
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_gets_half_a_gibibyte_and_a_large_one_twice_its_size() {
        let mut small = Budget::for_file(100);
        assert!(small.take(LEAST / 2).is_ok());
        assert!(small.take(1).is_err());
        let mut large = Budget::for_file(LEAST);
        assert!(large.take(2 * LEAST).is_ok());
        assert!(large.take(1).is_err());
        large.give_back(1);
        assert!(large.take(1).is_ok());
    }
}
