//! Damage to pickles instruction by instruction.

use super::dice::Dice;

/// Damages one pickle; `other` is a pickle to take instructions from.
pub fn damage(pickle: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut steps = instructions(pickle, 1).0;
    change(&mut steps, &instructions(other, 1).0, dice);
    steps.concat()
}

/// Damages the five pickles that a file in PyTorch's older encoding begins with.
pub fn damage_stream(file: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let (mut steps, storages) = instructions(file, 5);
    change(&mut steps, &instructions(other, 5).0, dice);
    steps.push(storages.to_vec());
    steps.concat()
}

fn change(steps: &mut Vec<Vec<u8>>, others: &[Vec<u8>], dice: &mut Dice) {
    for _ in 0..1 + dice.below(3) {
        let at = dice.below(steps.len() + 1);
        let is_end = at == steps.len();
        match dice.below(10) {
            0 if !is_end => drop(steps.remove(at)),
            1 => drop(steps.drain(dice.stretch(steps.len()))),
            2 => {
                let piece = steps[dice.stretch(steps.len())].to_vec();
                let size: usize = piece.iter().map(Vec::len).sum();
                let times = dice.times().min(super::MOST / (size + 1));
                let copies = std::iter::repeat_n(piece, times).flatten();
                steps.splice(at..at, copies);
            }
            3 if !is_end => {
                let with = dice.below(steps.len());
                steps.swap(at, with);
            }
            4 if !others.is_empty() => {
                let piece = others[dice.stretch(others.len())].to_vec();
                steps.splice(at..at, piece);
            }
            5 => steps.insert(at, instruction(dice)),
            6 if !is_end => steps[at] = instruction(dice),
            _ => change_argument(steps, dice),
        }
    }
}

/// Another number where a number is pushed, or another text of the same file where a text is.
fn change_argument(steps: &mut [Vec<u8>], dice: &mut Dice) {
    let is_number = |step: &[u8]| matches!(step[0], b'K' | b'M' | b'J' | 0x8a);
    let is_text = |step: &[u8]| matches!(step[0], b'X' | b'U' | 0x8c | b'c');
    let wanted: &dyn Fn(&[u8]) -> bool = if dice.one_in(3) { &is_text } else { &is_number };
    let places: Vec<usize> = (0..steps.len()).filter(|&at| wanted(&steps[at])).collect();
    if places.is_empty() {
        return;
    }
    let at = *dice.pick(&places);
    steps[at] = if is_text(&steps[at]) {
        steps[*dice.pick(&places)].clone()
    } else {
        let mut old = [0; 8];
        let digits = if steps[at][0] == 0x8a { &steps[at][2..] } else { &steps[at][1..] };
        digits.iter().zip(&mut old).for_each(|(from, to)| *to = *from);
        long(dice.number(u64::from_le_bytes(old)))
    };
}

fn long(value: u64) -> Vec<u8> {
    [b"\x8a\x08".to_vec(), value.to_le_bytes().to_vec()].concat()
}

/// An instruction that may come anywhere.
fn instruction(dice: &mut Dice) -> Vec<u8> {
    match dice.below(6) {
        0 => long(dice.number(4)),
        1 => vec![dice.below(256) as u8],
        2 => {
            let number = dice.number(0) as u32;
            [vec![*dice.pick(b"rj")], number.to_le_bytes().to_vec()].concat()
        }
        3 => dice
            .pick(&[
                &b"ctorch._utils\n_rebuild_tensor_v2\n"[..],
                b"ctorch._utils\n_rebuild_parameter\n",
                b"ctorch\nDoubleStorage\n",
                b"ctorch\nSize\n",
                b"ccollections\nOrderedDict\n",
                b"X\xff\xff\xff\xff",
                b"X\x00\x00\x00\x00",
                b"X\x04\x00\x00\x00\x1b[2J",
                b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f",
                b"\x8b\xff\xff\xff\x7f",
                b"\x8b\x09\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x80",
                b"G\x7f\xf0\x00\x00\x00\x00\x00\x00",
            ])
            .to_vec(),
        _ => vec![*dice.pick(b"N\x88\x89()]}t\x85\x86\x87ldaesu012\x94\x93RQb.")],
    }
}

/// The instructions of the first `pickles` pickles of `bytes`, and what follows them.
fn instructions(bytes: &[u8], pickles: usize) -> (Vec<Vec<u8>>, &[u8]) {
    let (mut steps, mut rest, mut ended) = (Vec::new(), bytes, 0);
    while let Some(&code) = rest.first() {
        let (step, after) = rest.split_at(length(rest).min(rest.len()));
        steps.push(step.to_vec());
        rest = after;
        ended += usize::from(code == b'.');
        if ended == pickles {
            break;
        }
    }
    (steps, rest)
}

/// The length of the instruction at the start of `bytes`, with its argument.
fn length(bytes: &[u8]) -> usize {
    let counted = |width: usize| {
        let digits = bytes.get(1..1 + width).unwrap_or_default();
        let count = digits.iter().rev().fold(0usize, |count, &byte| count << 8 | usize::from(byte));
        (1 + width).saturating_add(count)
    };
    match bytes[0] {
        0x80 | b'K' | b'q' | b'h' => 2,
        b'M' => 3,
        b'J' | b'r' | b'j' => 5,
        b'G' | 0x95 => 9,
        0x8a | 0x8c | b'U' | b'C' => counted(1),
        0x8b | b'X' | b'T' | b'B' => counted(4),
        0x8d => counted(8),
        b'c' => {
            let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            ends.map(|(at, _)| at + 1).nth(1).unwrap_or(bytes.len())
        }
        _ => 1,
    }
}
