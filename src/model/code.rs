use serde::{Deserialize, Serialize};

/// One block of codes: a row of sliders, a resample button, or a picker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodeBlock {
    /// Short symbol: `c`, `s`, `z`, `r`.
    pub name: String,
    /// Number of dimensions.
    pub dims: usize,
    /// How the block is distributed, which decides how it is drawn and shown.
    #[serde(rename = "distribution", alias = "kind")]
    pub kind: CodeKind,
    /// Slider range, lowest and highest value.
    pub range: [f32; 2],
    /// The value of every dimension in the neutral picture.
    pub neutral: f32,
    /// Names a person gave to the dimensions, either none or one a dimension (empty string: unnamed).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The values that the model opens with, `(dims,)`; none: the neutral ones, or a draw where the block is noise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opening: Vec<f32>,
}

/// The distribution of a code block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeKind {
    /// N(0, I); one slider a dimension.
    Gaussian,
    /// Uniform over `range`; one slider a dimension.
    Uniform,
    /// Exactly one dimension is 1, the others 0; a picker.
    OneHot,
    /// N(0, I) without meaning of its own dimensions; resampled as a whole.
    Noise,
}

/// Most dimensions of a code block.
const MOST_DIMS: usize = 1 << 16;

impl CodeBlock {
    /// The disentangled code of ID-GAN: `dims` Gaussian dimensions called `c`, shown from -3 to 3.
    pub fn disentangled(dims: usize) -> Self {
        Self {
            name: "c".into(),
            dims,
            kind: CodeKind::Gaussian,
            range: [-3.0, 3.0],
            neutral: 0.0,
            labels: Vec::new(),
            opening: Vec::new(),
        }
    }

    /// The nuisance code of ID-GAN: `dims` Gaussian dimensions called `s`, resampled as a whole.
    pub fn nuisance(dims: usize) -> Self {
        Self { name: "s".into(), kind: CodeKind::Noise, ..Self::disentangled(dims) }
    }

    /// The whole input of a generator about which nothing else is known: `dims` Gaussian dimensions called `z`.
    pub fn latent(dims: usize) -> Self {
        Self { name: "z".into(), ..Self::disentangled(dims) }
    }

    /// The variance of each dimension before anything is known: 1 of N(0, 1), of a uniform one width^2 / 12, of a choice among K
    /// (K - 1) / K^2. Against it is judged whether a dimension is used, for which published bounds take it to be 1.
    pub fn prior_variance(&self) -> f64 {
        match self.kind {
            CodeKind::Gaussian | CodeKind::Noise => 1.0,
            CodeKind::Uniform => f64::from(self.range[1] - self.range[0]).powi(2) / 12.0,
            CodeKind::OneHot => (self.dims as f64 - 1.0) / (self.dims as f64).powi(2),
        }
    }

    /// Checks that its numbers fit each other.
    ///
    /// # Errors
    /// What does not, in words.
    pub(super) fn validate(&self) -> Result<(), String> {
        let (name, dims) = (&self.name, self.dims);
        if !(1..=MOST_DIMS).contains(&dims) {
            return Err(format!("its code block `{name}` has {dims} dimensions"));
        }
        let [low, high] = self.range;
        if !(low.is_finite() && high.is_finite() && low < high && self.neutral.is_finite()) {
            return Err(format!("its code block `{name}` has the range {low}..{high}"));
        }
        if !self.labels.is_empty() && self.labels.len() != dims {
            return Err(format!(
                "its code block `{name}` has {} labels for {dims} dimensions",
                self.labels.len()
            ));
        }
        if !self.opening.is_empty() {
            self.check_opening().map_err(|error| format!("its code block `{name}` {error}"))?;
        }
        if self.kind == CodeKind::OneHot && dims < 2 {
            return Err(format!("its one-hot code block `{name}` has a single dimension"));
        }
        Ok(())
    }

    fn check_opening(&self) -> Result<(), String> {
        let (dims, found) = (self.dims, self.opening.len());
        if found != dims {
            return Err(format!("opens with {found} values for {dims} dimensions"));
        }
        if self.opening.iter().any(|value| !value.is_finite()) {
            return Err("opens with a value that is not a finite number".to_owned());
        }
        let ones = self.opening.iter().filter(|&&value| value == 1.0).count();
        let zeros = self.opening.iter().filter(|&&value| value == 0.0).count();
        if self.kind == CodeKind::OneHot && (ones, zeros) != (1, dims - 1) {
            return Err("opens with no choice: one value must be 1 and the others 0".to_owned());
        }
        Ok(())
    }
}
