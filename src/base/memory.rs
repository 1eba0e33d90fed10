//! How the process's allocator treats large blocks.

/// Bytes: blocks up to this size come from the heap, and this much free memory at its end is kept.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 1 << 30;

/// Lets the allocator keep what is freed, for the life of the process.
///
/// A training step asks for the same large blocks again and again. By default glibc gets each of them from the
/// kernel and gives it back, and every page is zeroed and mapped anew: a quarter of a residual GAN's step. Other C
/// libraries are left as they are.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt only sets numbers of the allocator; one that it does not know is ignored.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        // Blocks freed by one thread serve the others too.
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}
