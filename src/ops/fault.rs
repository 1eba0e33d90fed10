//! What to say when a device fails.

/// What begins CUDA's names for "no memory left", each library its own.
const NO_MEMORY: [&str; 4] = [
    "CUDA_ERROR_OUT_OF_MEMORY",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CURAND_STATUS_ALLOCATION_FAILED",
];

/// After these a program's work on a card is over, whatever it asks for next.
const OVER: [&str; 10] = [
    "CUDA_ERROR_ILLEGAL_ADDRESS",
    "CUDA_ERROR_MISALIGNED_ADDRESS",
    "CUDA_ERROR_LAUNCH_FAILED",
    "CUDA_ERROR_LAUNCH_TIMEOUT",
    "CUDA_ERROR_ECC_UNCORRECTABLE",
    "CUDA_ERROR_HARDWARE_STACK_ERROR",
    "CUDA_ERROR_CONTEXT_IS_DESTROYED",
    "CUDA_ERROR_DEVICE_UNAVAILABLE",
    "CUDA_ERROR_NOT_PERMITTED",
    "CUDA_ERROR_UNKNOWN",
];

/// Candle's error in one sentence that says what to do, where the device is at fault; else its own words in one line.
pub fn fault(error: &candle_core::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    if NO_MEMORY.iter().any(|name| line.contains(name)) {
        return "the card has not enough free memory; use a smaller batch or smaller pictures, close other programs that use the \
                card, or use --device cpu"
            .to_owned();
    }
    match OVER.iter().find(|name| line.contains(*name)) {
        Some(name) => format!(
            "the card has stopped computing for this program ({name}); start it again, and check the card with idgan doctor \
             --device cuda"
        ),
        None => format!("the device failed: {line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_card_says_becomes_a_sentence_that_helps() {
        let said = |text: &str| fault(&candle_core::Error::Msg(text.to_owned()).bt());
        assert!(
            said("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")").contains("use a smaller batch")
        );
        assert!(said("CublasError(CUBLAS_STATUS_ALLOC_FAILED)").contains("close other programs"));
        let over =
            said("DriverError(CUDA_ERROR_ILLEGAL_ADDRESS, \"an illegal memory access was encountered\")");
        assert!(over.contains("(CUDA_ERROR_ILLEGAL_ADDRESS); start it again"), "{over}");
        assert_eq!(said("shape mismatch\nand a trace"), "the device failed: shape mismatch");
    }
}
