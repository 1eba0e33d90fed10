//! Damaged files: a valid one, changed here and there by what is known of its format.

mod archives;
mod blocks;
mod bytes;
mod dice;
mod headed;
mod pickle;
mod words;

pub use archives::{Member, Method, tar, zip};
pub use dice::Dice;

/// About the most bytes that repeating something makes.
const MOST: usize = 1 << 17;

/// What a file is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Nothing that is known here.
    Bytes,
    /// JSON, TOML, command lines.
    Words,
    Pickle,
    /// PyTorch's encoding before 1.6.
    PickleStream,
    Tensors,
    Npy,
    Pixels,
    Png,
    Jpeg,
    Riff,
    Tiff,
    Matlab,
}

impl Form {
    /// What a file with this name is made of.
    pub fn of_name(name: &str) -> Self {
        match name.rsplit('.').next().unwrap_or_default() {
            "pkl" => Self::Pickle,
            "npy" => Self::Npy,
            "png" => Self::Png,
            "jpg" => Self::Jpeg,
            "webp" => Self::Riff,
            "tif" => Self::Tiff,
            "mat" => Self::Matlab,
            _ => Self::Bytes,
        }
    }
}

/// A valid file to begin with.
#[derive(Clone)]
pub enum Seed {
    File(Form, Vec<u8>),
    Zip(Vec<Member>),
    Tar(Vec<Member>),
}

impl Seed {
    /// The undamaged file.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::File(_, bytes) => bytes.clone(),
            Self::Zip(members) => zip(members),
            Self::Tar(members) => tar(members),
        }
    }

    /// Something of it that pieces may be taken from.
    fn pieces<'a>(&'a self, dice: &mut Dice) -> &'a [u8] {
        match self {
            Self::File(_, bytes) => bytes,
            Self::Zip(members) | Self::Tar(members) => &members[dice.below(members.len())].content,
        }
    }
}

/// `seed`, damaged in one to four places; pieces come from `other`.
pub fn damage(seed: &Seed, other: &Seed, dice: &mut Dice) -> Vec<u8> {
    let other = other.pieces(dice);
    let mut damaged = match seed {
        // where more than bytes is known, mostly that is used
        _ if dice.one_in(4) => {
            let mut damaged = seed.bytes();
            bytes::damage(&mut damaged, other, dice);
            damaged
        }
        Seed::File(form, bytes) => rework(*form, bytes, other, dice),
        Seed::Zip(members) => archives::damage_zip(members, other, dice),
        Seed::Tar(members) => archives::damage_tar(members, other, dice),
    };
    let more = *dice.pick(&[0, 0, 0, 1, 1, 2, 3]);
    for _ in 0..more {
        match seed {
            Seed::File(form, _) if dice.one_in(2) => damaged = rework(*form, &damaged, other, dice),
            _ => bytes::damage(&mut damaged, other, dice),
        }
    }
    damaged
}

/// Changes a file of the given form inside; what does not look like one is changed byte by byte.
fn rework(form: Form, file: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let reworked = match form {
        Form::Bytes => None,
        Form::Words => Some(words::damage(file, other, dice)),
        Form::Pickle => Some(pickle::damage(file, other, dice)),
        Form::PickleStream => Some(pickle::damage_stream(file, other, dice)),
        Form::Tensors => headed::damage_tensors(file, other, dice),
        Form::Npy => headed::damage_npy(file, other, dice),
        Form::Pixels => headed::damage_pixels(file, dice),
        Form::Png => blocks::damage_png(file, other, dice),
        Form::Jpeg => blocks::damage_jpeg(file, other, dice),
        Form::Riff => blocks::damage_riff(file, other, dice),
        Form::Tiff => blocks::damage_tiff(file, dice),
        Form::Matlab => blocks::damage_matlab(file, other, dice),
    };
    reworked.unwrap_or_else(|| {
        let mut damaged = file.to_vec();
        bytes::damage(&mut damaged, other, dice);
        damaged
    })
}
