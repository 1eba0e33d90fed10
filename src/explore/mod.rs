//! Latent state, ranges, traversals, grids, picture encoding, sensitivity: pure logic that the app, the command line and
//! training's sample grids share. Holds no tensors, only plain arrays and pictures.
