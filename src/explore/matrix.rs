use crate::model::{ChainId, CodeBlock, CodeKind, Emission, ModelDescription};

use super::{Codes, CodesError, Posterior, draw_all, draw_prior};

/// The codes of the paper's Figure 8: column m shows code c(m), row n nuisance s(n).
#[derive(Clone, Debug, PartialEq)]
pub struct CodeMatrix {
    /// The codes of the columns, `(M, dims)` a block; what they hold of `varied` is not used.
    pub columns: Codes,
    /// The nuisance codes of the rows, `(N, dims)`; only `varied` is used.
    pub rows: Codes,
    /// The block that varies over the rows: the nuisance.
    pub varied: String,
    /// What draws the cells.
    pub chain: ChainId,
    /// What draws the same codes without the nuisance, a row each above the others: ID-GAN's VAE.
    pub above: Vec<ChainId>,
}

/// What a matrix of a model varies, and what draws it.
#[derive(Clone, Debug, PartialEq)]
pub struct Varied<'a> {
    /// The nuisance.
    pub block: &'a CodeBlock,
    /// The render chain that takes it beside other codes.
    pub chain: ChainId,
    /// The render chains that take some of those codes, and no nuisance.
    pub above: Vec<ChainId>,
}

/// Why a model has no matrix of codes and nuisance codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NothingToVary {
    /// Codes with meaning only.
    #[error("this model has no nuisance code, so there is nothing to vary; traverse its factors instead")]
    NoNuisance,
    /// Pictures of pictures.
    #[error(
        "this model draws pictures of pictures and noise, and has no codes beside them; translate pictures with it"
    )]
    OfPictures,
    /// Noise of which a code is made, as IB-GAN's z: it moves nothing but that code.
    #[error(
        "this model's {noise} moves its pictures through {code} alone, so there is no nuisance beside {code}; traverse \
         {code}, or draw samples"
    )]
    Inside {
        /// The noise.
        noise: String,
        /// The code that is made of it.
        code: String,
    },
    /// A published GAN whose VAE nobody named.
    #[error(
        "the generator takes {0} alone; open it with its VAE (--vae), or say how many of its inputs are c (--c-dim)"
    )]
    NuisanceAlone(String),
}

impl CodeMatrix {
    /// The nuisance block of a chain that takes another code beside it, the main chain before others.
    ///
    /// # Errors
    /// Why there is none.
    pub fn varied(description: &ModelDescription) -> Result<Varied<'_>, NothingToVary> {
        if let Some(Emission { noise, code, .. }) = description.emission() {
            let [noise, code] = [noise, code].map(|block| block.name.clone());
            return Err(NothingToVary::Inside { noise, code });
        }
        if description.source_shape().is_some() {
            return Err(NothingToVary::OfPictures);
        }
        let chains = || description.chain_ids().zip(&description.render).map(|(id, chain)| (id, &chain.name));
        let noise = description.codes.iter().filter(|block| block.kind == CodeKind::Noise);
        let taken = noise.flat_map(|block| {
            let takes = move |name: &str| description.inputs(name).contains(&block.name.as_str());
            chains().filter(move |(_, name)| takes(name)).map(move |(id, name)| (block, id, name))
        });
        let mut taken: Vec<_> = taken.collect();
        taken.sort_by_key(|(_, id, _)| *id);
        let (alone, first, _) = *taken.first().ok_or(NothingToVary::NoNuisance)?;
        let lacking = match first {
            ChainId::MAIN => NothingToVary::NuisanceAlone(alone.name.clone()),
            // The main picture is drawn of codes alone.
            _ => NothingToVary::NoNuisance,
        };
        let beside = taken.into_iter().find(|(_, _, name)| description.inputs(name).len() > 1);
        let (block, chain, name) = beside.ok_or(lacking)?;
        let codes = description.inputs(name);
        let shows_factors = |name: &str| {
            let inputs = description.inputs(name);
            !inputs.contains(&block.name.as_str()) && inputs.iter().any(|input| codes.contains(input))
        };
        let above = chains().filter(|(_, name)| shows_factors(name)).map(|(id, _)| id).collect();
        Ok(Varied { block, chain, above })
    }

    /// `m` columns drawn from `seed` (from the aggregated posterior of the block that `posterior` names, the others
    /// from their priors), `n` rows of `varied` drawn from `s_seed`.
    pub fn draw(
        description: &ModelDescription,
        varied: &Varied<'_>,
        [m, n]: [usize; 2],
        [seed, s_seed]: [u64; 2],
        posterior: Option<(&str, &Posterior)>,
    ) -> Self {
        Self::of(description, varied, draw_all(description, m, seed, posterior), n, s_seed)
    }

    /// The rows of `columns` (codes somebody chose) with `n` rows of `varied` drawn from `s_seed`.
    pub fn of(
        description: &ModelDescription,
        varied: &Varied<'_>,
        columns: Codes,
        n: usize,
        s_seed: u64,
    ) -> Self {
        let Varied { block, chain, above } = varied;
        let rows = nuisances(description, block, n, s_seed);
        Self { columns, rows, varied: block.name.clone(), chain: *chain, above: above.clone() }
    }

    /// What draws which cells, from the top: the chain, its codes, and the axes of its table, `[M]` or `[N, M]`.
    ///
    /// # Errors
    /// As [`CodeMatrix::cells`].
    pub fn parts(&self) -> Result<Vec<(ChainId, Codes, Vec<usize>)>, CodesError> {
        let (rows, columns) = (self.rows.rows(), self.columns.rows());
        let above = self.above.iter().map(|&chain| (chain, self.columns.clone(), vec![columns]));
        let mut parts: Vec<_> = above.collect();
        parts.push((self.chain, self.cells()?, vec![rows, columns]));
        Ok(parts)
    }

    /// The codes of all cells, row by row: `rows.rows() * columns.rows()`; see [`matrix`].
    ///
    /// # Errors
    /// When the varied block is unknown.
    pub fn cells(&self) -> Result<Codes, CodesError> {
        matrix(&self.columns, &self.rows, &self.varied)
    }
}

/// `n` rows in which `varied` is drawn from `seed` and everything else is neutral.
fn nuisances(description: &ModelDescription, varied: &CodeBlock, n: usize, seed: u64) -> Codes {
    let mut rows = Codes::neutral(description, n);
    for row in 0..n {
        let fits = rows.set_row(&varied.name, row, &draw_prior(varied, seed, row));
        debug_assert!(fits.is_ok(), "a draw has the block's width and finite values");
    }
    rows
}

/// The matrix of the paper's Figure 8: every row of `columns` with the block `varied` of every row of `rows`.
///
/// Cell (n, m), at index `n * columns.rows() + m`, takes block `varied` from row n of `rows` and everything else
/// from row m of `columns` (Figure 8: columns c^(m), rows s^(n), `varied` is s).
///
/// # Errors
/// When the block is unknown.
pub fn matrix(columns: &Codes, rows: &Codes, varied: &str) -> Result<Codes, CodesError> {
    let order: Vec<usize> = (0..rows.rows()).flat_map(|_| 0..columns.rows()).collect();
    let mut cells = columns.select(&order);
    for n in 0..rows.rows() {
        for m in 0..columns.rows() {
            cells.set_row(varied, n * columns.rows() + m, rows.row(varied, n)?)?;
        }
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::toy;
    use crate::model::GENERATOR;
    use crate::nets::{IbGanConfig, IbGanForm};

    #[test]
    fn the_matrix_pairs_every_c_with_every_s() {
        let description = toy::description();
        let (mut columns, mut rows) = (Codes::neutral(&description, 3), Codes::neutral(&description, 2));
        for m in 0..3 {
            columns.set_row("c", m, &[m as f32; 3]).expect("fits");
        }
        for n in 0..2 {
            rows.set_row("s", n, &[10.0 + n as f32; 2]).expect("fits");
        }
        let cells = matrix(&columns, &rows, "s").expect("fits");
        assert_eq!(cells.rows(), 6);
        assert_eq!((cells.row("c", 4), cells.row("s", 4)), (Ok(&[1.0; 3][..]), Ok(&[11.0; 2][..])));
    }

    #[test]
    fn columns_and_rows_are_drawn_each_from_its_seed() {
        let description = toy::description();
        let varied = CodeMatrix::varied(&description).expect("has a nuisance");
        assert_eq!((varied.block.name.as_str(), varied.chain), ("s", ChainId::MAIN));
        assert_eq!(varied.above, [ChainId(1)], "the VAE takes c alone");
        let draw = |seeds| CodeMatrix::draw(&description, &varied, [3, 2], seeds, None);
        let (first, other) = (draw([1, 5]), draw([2, 5]));
        assert_ne!(first.columns, other.columns);
        assert_eq!(first.rows, other.rows);
        let cells = first.cells().expect("fits");
        assert_eq!(cells.row("c", 1), cells.row("c", 4), "a column shares its c");
        assert_eq!(cells.row("s", 3), cells.row("s", 5), "a row shares its s");
        assert_eq!(cells.row("s", 3), Ok(&draw_prior(varied.block, 5, 1)[..]));
        let chosen = CodeMatrix::of(&description, &varied, other.columns.select(&[2]), 2, 5);
        assert_eq!(chosen.cells().expect("fits").row("c", 1), other.columns.row("c", 2));
    }

    #[test]
    fn a_model_without_nuisance_says_so() {
        let mut description = toy::description();
        description.codes.retain(|block| block.name != "s");
        let generator = description.networks.get_mut(GENERATOR).expect("a generator");
        generator.inputs.retain(|port| port.block() != Some("s"));
        assert_eq!(CodeMatrix::varied(&description), Err(NothingToVary::NoNuisance));
        let description = description.without(GENERATOR);
        assert_eq!(CodeMatrix::varied(&description), Err(NothingToVary::NoNuisance));
        let mut lone = toy::description();
        let generator = lone.networks.get_mut(GENERATOR).expect("a generator");
        generator.inputs.retain(|port| port.block() == Some("s"));
        assert_eq!(CodeMatrix::varied(&lone), Err(NothingToVary::NuisanceAlone("s".into())));
        let config = IbGanConfig {
            form: IbGanForm::Sprites,
            channels: 1,
            z_dim: 3,
            r_dim: 2,
            generator_width: 2,
            discriminator_width: 2,
        };
        let emitted = ModelDescription::ibgan("r is drawn, of which z makes some", config);
        let said = CodeMatrix::varied(&emitted).expect_err("nothing beside r").to_string();
        assert!(said.starts_with("this model's z moves its pictures through r alone"), "{said}");
    }
}
