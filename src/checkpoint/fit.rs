use super::CheckpointError;
use super::describe::is_explained;
use super::part::Part;

/// Checks that the networks work on the same codes and pictures, and that `c_dim` agrees with them.
pub(super) fn check_fit(
    lone_vae: Option<&Part>,
    whole: Option<&Part>,
    asked: Option<usize>,
) -> Result<(), CheckpointError> {
    let path = |part: Option<&Part>| part.map(|p| p.contents.path.display().to_string()).unwrap_or_default();
    let refuse = |what: String| Err(CheckpointError::request(what));
    let vae_part = lone_vae.or(whole.filter(|part| part.vae.is_some()));
    let vae = vae_part.and_then(|part| part.vae).map(|vae| vae.config);
    let generator = whole.and_then(|part| part.generator);
    let discriminator = whole.and_then(|part| part.discriminator);
    let files = format!("VAE {}, GAN {}", path(vae_part), path(whole));
    if let (Some(vae), Some(generator)) = (vae, generator) {
        if vae.c_dim > generator.z_dim() {
            return refuse(format!(
                "the VAE's code has {} dimensions, but the generator takes only {} in all, so they were not trained \
                 together; choose the VAE that the GAN was trained with: {files}",
                vae.c_dim,
                generator.z_dim()
            ));
        }
        if vae.channels != generator.channels() {
            return refuse(format!(
                "the VAE works on pictures of {} channels and the generator on {}, so they were not trained \
                 together: {files}",
                vae.channels,
                generator.channels()
            ));
        }
        // A bundle says which of its inputs is the code; published files do not.
        let trained = whole.and_then(|part| part.description.as_ref()).filter(|d| is_explained(d));
        if let (Some(trained), Some(_)) = (trained, lone_vae) {
            let dims = trained.block("c").map_or(0, |block| block.dims);
            if dims != vae.c_dim {
                return refuse(format!(
                    "the VAE's code has {} dimensions and the GAN was trained with {dims}, so they were not trained \
                     together; choose the VAE that the GAN was trained with: {files}",
                    vae.c_dim
                ));
            }
        }
    }
    if let (Some(generator), Some(discriminator)) = (generator, discriminator)
        && (generator.channels(), generator.size()) != (discriminator.channels(), discriminator.size())
    {
        return refuse(format!(
            "the generator makes {g} x {g} pictures of {} channels and the discriminator takes {d} x {d} of {}: {}",
            generator.channels(),
            discriminator.channels(),
            path(whole),
            g = generator.size(),
            d = discriminator.size(),
        ));
    }
    let Some(asked) = asked else { return Ok(()) };
    if let Some(vae) = vae {
        if asked != vae.c_dim {
            return refuse(format!(
                "--c-dim says {asked}, but the VAE's code has {} dimensions; leave --c-dim out: {}",
                vae.c_dim,
                path(vae_part)
            ));
        }
    } else if let Some(generator) = generator
        && !(1..=generator.z_dim()).contains(&asked)
    {
        return refuse(format!(
            "--c-dim says {asked}, but the generator takes {} numbers in all: {}",
            generator.z_dim(),
            path(whole)
        ));
    }
    let fixed = whole.and_then(|part| part.description.as_ref()).filter(|d| is_explained(d));
    match fixed {
        Some(description) if description.block("c").is_none_or(|block| block.dims != asked) => {
            let blocks = description.codes.iter().map(|block| format!("{} {}", block.name, block.dims));
            refuse(format!(
                "--c-dim says {asked}, but the model knows its codes ({}); leave --c-dim out: {}",
                blocks.collect::<Vec<_>>().join(", "),
                path(whole)
            ))
        }
        _ => Ok(()),
    }
}
