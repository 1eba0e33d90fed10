//! Differentiable tensor operations that candle lacks or does slowly; CPU kernels live under `cpu`.
