//! Optimisers, moving average, the two training loops, run folders, resume.
