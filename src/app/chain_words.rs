//! What the window calls the chains that draw.

use crate::model::{ChainId, GAN, ModelDescription, VAE};

/// The words for one render chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainWords {
    /// One word or two: `Generator`, `VAE`.
    pub(crate) label: String,
    /// Several of them: `Generators`, `VAEs`.
    pub(crate) plural: String,
    /// In the least room: `GAN`, `VAE`.
    pub(crate) short: String,
    /// In the middle of a sentence: `generator`, `VAE decoder`.
    pub(crate) noun: String,
    /// With what it takes: `Generator  G(s, c)`.
    pub(crate) caption: String,
    /// Its picture's name: `Generator picture`.
    pub(crate) picture: String,
    /// What its picture is.
    pub(crate) hint: String,
    /// What its pictures are, as a choice among others.
    pub(crate) choice: String,
    /// What it means that a code is read back from its pictures.
    pub(crate) read_back: String,
    /// The likelihood of that code in a formula: `log q(c|G)`.
    pub(crate) likelihood: String,
    /// What that likelihood is.
    pub(crate) likelihood_hint: String,
}

impl ChainWords {
    /// The words for the chain `id` of a model: those of the paper for the two chains of ID-GAN, and else the chain's
    /// name.
    pub(crate) fn of(description: &ModelDescription, id: ChainId) -> Self {
        let name = description.render_chain(id).map_or("", |chain| chain.name.as_str());
        let wiring = description.render_chain(id).and_then(|chain| description.wiring(chain).ok());
        let takes_picture = wiring.is_some_and(|wiring| wiring.picture_taken().is_some());
        let inputs = takes_picture.then_some("x").into_iter().chain(description.inputs(name));
        let inputs = inputs.collect::<Vec<_>>().join(", ");
        let code = description.read_back(id).unwrap_or_default();
        let seen = |formula: &str, encoder: &str, noun: &str| {
            format!(
                "E({formula}) against {code}: {encoder} looks at the {noun}'s picture and says which code it sees. Where the \
                 bar ends at the mark, the {noun} shows what was asked for."
            )
        };
        let likelihood_hint = format!(
            "The likelihood of {code} in this picture, as the encoder sees it, summed over the factors"
        );
        match name {
            GAN => Self {
                label: "Generator".to_owned(),
                plural: "Generators".to_owned(),
                short: "GAN".to_owned(),
                noun: "generator".to_owned(),
                caption: format!("Generator  G({inputs})"),
                picture: "Generator picture".to_owned(),
                hint: "The GAN's generator at its own resolution. In ID-GAN it was trained so that the VAE's encoder reads \
                       the same factors back from its picture (information distillation)."
                    .to_owned(),
                choice: "Pictures by the GAN's generator G, at its own resolution".to_owned(),
                read_back: seen(&format!("G({inputs})"), "the VAE's encoder", "generator"),
                likelihood: format!("log q({code}|G)"),
                likelihood_hint: format!(
                    "The distillation likelihood log q({code} | G({inputs})) of this picture, summed over the factors: what \
                     ID-GAN's training maximises (paper section 4)"
                ),
            },
            VAE => Self {
                label: "VAE".to_owned(),
                plural: "VAEs".to_owned(),
                short: "VAE".to_owned(),
                noun: "VAE decoder".to_owned(),
                caption: format!("VAE decoder  p(x|{inputs})"),
                picture: "VAE decoder picture".to_owned(),
                hint: "The beta-VAE's own picture of the same factors: the mean of p(x|c). It shows what the code means, \
                       without the details that only the nuisance code can provide."
                    .to_owned(),
                choice: "Pictures by the VAE's decoder, which shows what the code alone means".to_owned(),
                read_back: seen(&format!("D({inputs})"), "the encoder", "decoder"),
                likelihood: format!("log q({code}|D)"),
                likelihood_hint,
            },
            name => {
                let steps = description.render_chain(id).map(|chain| chain.steps.join(", then "));
                let hint = format!("What {} makes of {inputs}", steps.unwrap_or_default());
                Self {
                    label: name.to_owned(),
                    plural: name.to_owned(),
                    short: name.to_owned(),
                    noun: format!("chain {name}"),
                    caption: format!("{name}  ({inputs})"),
                    picture: format!("Picture of {name}"),
                    choice: hint.clone(),
                    read_back: seen("x", "the encoder", &format!("chain {name}")),
                    likelihood: format!("log q({code}|x)"),
                    likelihood_hint,
                    hint,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::toy;
    use crate::model::Chain;

    #[test]
    fn chains_are_called_as_in_the_paper_and_else_by_their_names() {
        let mut description = toy::description();
        description.render.push(Chain::new("from z", ["emitter", "generator"]));
        let words = |id| ChainWords::of(&description, ChainId(id));
        assert_eq!(words(0).caption, "Generator  G(s, c)");
        assert_eq!((words(1).caption, words(1).short), ("VAE decoder  p(x|c)".to_owned(), "VAE".to_owned()));
        assert_eq!((words(2).label, words(2).picture), ("from z".to_owned(), "Picture of from z".to_owned()));
        assert!(words(2).hint.contains("emitter, then generator"));
    }
}
