/// A command line that is well formed but makes no sense; ends the program with exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(String);

/// A [`Usage`] error with this sentence.
pub fn usage(sentence: impl Into<String>) -> anyhow::Error {
    Usage(sentence.into()).into()
}

/// An error and its causes in one line, outermost first, without repeating what was already said.
pub fn one_sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        let text =
            text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
        if text.is_empty() || sentence.contains(&text) {
            continue;
        }
        if !sentence.is_empty() {
            sentence.push_str(": ");
        }
        sentence.push_str(&text);
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn causes_are_joined_once_and_in_one_line() {
        let error = std::fs::read("/nonexistent").context("cannot read the codes").expect_err("missing");
        assert_eq!(one_sentence(&error), "cannot read the codes: No such file or directory (os error 2)");
        let error = anyhow::anyhow!("inner\n  detail").context("outer says inner; detail already");
        assert_eq!(one_sentence(&error), "outer says inner; detail already");
    }

    #[test]
    fn usage_survives_context() {
        assert!(usage("no").context("more").is::<Usage>());
    }
}
