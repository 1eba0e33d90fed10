//! Runs of the methods of other papers, at a tiny size: resuming is exact, and what they leave opens.

use idgan::base::Pool;
use idgan::checkpoint::{Sources, open};
use idgan::model::GAN;
use idgan::training::{Family, Method, preset};

use crate::common::machine;
use crate::runs::check_resume_is_exact;

#[test]
fn ib_gan_and_its_baselines_resume_bit_by_bit_and_open_with_their_codes() {
    let folder = tempfile::tempdir().unwrap();
    for (method, blocks, chains, encodes) in [
        (Method::IbGan, &[("r", 10), ("z", 16)][..], &[(GAN, "r"), ("from z", "z")][..], true),
        (Method::IbGanInfogan, &[("z", 16)], &[(GAN, "z")], true),
        (Method::IbGanGan, &[("z", 16)], &[(GAN, "z")], false),
    ] {
        let mut config = preset(Family::Ibgan, "dsprites-small").unwrap().with_method(method);
        (config.batch, config.steps, config.seed) = (4, 6, 7);
        (config.sample_every, config.checkpoint_every, config.log_every) = (3, 1000, 1);
        let values = config.ibgan.as_mut().unwrap();
        (values.generator_width, values.discriminator_width) = (2, 2);
        let path = folder.path().join(method.name());
        check_resume_is_exact(&path, &config);
        let run = path.join("split");
        let model = open(&Sources { checkpoint: Some(run.clone()), ..Sources::default() }).unwrap().model;
        let found: Vec<_> = model.description.codes.iter().map(|b| (b.name.as_str(), b.dims)).collect();
        assert_eq!(found, blocks, "{}", method.name());
        let pool = Pool::new("open", 1).unwrap();
        let networks = idgan::inference::open(&model, &machine().computer, &pool).unwrap();
        assert_eq!(networks.renderers.len(), chains.len(), "{}", method.name());
        for (chain, code) in chains {
            assert_eq!(model.description.inputs(chain), [*code], "{}", method.name());
        }
        assert_eq!(
            (networks.encoder.is_some(), model.stats.is_some()),
            (encodes, encodes),
            "{}",
            method.name()
        );
        assert!(run.join("samples/step-00000006.png").is_file());
    }
}
