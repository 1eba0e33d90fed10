/// The checksum of structure: Bob Jenkins' lookup3, `hashlittle` with nothing to begin with [VII].
pub(super) fn lookup3(bytes: &[u8]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(bytes.len() as u32);
    let [mut a, mut b, mut c] = [start; 3];
    let mut rest = bytes;
    while rest.len() > 12 {
        let (block, after) = rest.split_at(12);
        [a, b, c] = added([a, b, c], block);
        mix(&mut a, &mut b, &mut c);
        rest = after;
    }
    if rest.is_empty() {
        return c;
    }
    [a, b, c] = added([a, b, c], rest);
    for (to, from, turn) in
        [(2, 1, 14), (0, 2, 11), (1, 0, 25), (2, 1, 16), (0, 2, 4), (1, 0, 14), (2, 1, 24)]
    {
        let mut words = [a, b, c];
        words[to] = (words[to] ^ words[from]).wrapping_sub(words[from].rotate_left(turn));
        [a, b, c] = words;
    }
    c
}

/// Adds up to twelve bytes, four to each word.
fn added(words: [u32; 3], block: &[u8]) -> [u32; 3] {
    let mut padded = [0; 12];
    padded[..block.len()].copy_from_slice(block);
    let word = |at: usize| u32::from_le_bytes([padded[at], padded[at + 1], padded[at + 2], padded[at + 3]]);
    [words[0].wrapping_add(word(0)), words[1].wrapping_add(word(4)), words[2].wrapping_add(word(8))]
}

fn mix(a: &mut u32, b: &mut u32, c: &mut u32) {
    let step = |x: &mut u32, y: &mut u32, z: &mut u32, turn: u32| {
        *x = x.wrapping_sub(*z) ^ z.rotate_left(turn);
        *z = z.wrapping_add(*y);
    };
    step(a, b, c, 4);
    step(b, c, a, 6);
    step(c, a, b, 8);
    step(a, b, c, 16);
    step(b, c, a, 19);
    step(c, a, b, 4);
}

/// Fletcher's checksum of 32 bits over big-endian words of 16, as HDF5's filter has it: the sums are folded, not reduced.
pub(super) fn fletcher32(bytes: &[u8]) -> u32 {
    let [mut first, mut second] = [0u32; 2];
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    let pairs = bytes.chunks_exact(2);
    let last = pairs.remainder();
    let mut words = pairs.map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    loop {
        // More than 360 at a time could outgrow 32 bits.
        let mut any = false;
        for word in words.by_ref().take(360) {
            first += word;
            second += first;
            any = true;
        }
        if !any {
            break;
        }
        (first, second) = (fold(first), fold(second));
    }
    if let [byte] = last {
        first += u32::from(*byte) << 8;
        second += first;
        (first, second) = (fold(first), fold(second));
    }
    (fold(second) << 16) | fold(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookup3_gives_the_values_that_its_author_publishes() {
        assert_eq!(lookup3(b""), 0xdead_beef);
        assert_eq!(lookup3(b"Four score and seven years ago"), 0x1777_0551);
    }

    #[test]
    fn fletcher32_of_words_added_by_hand() {
        // words 0x0102, 0x0300: sums 0x0402 and 0x0102 + 0x0402
        assert_eq!(fletcher32(&[1, 2, 3]), 0x0504_0402);
        // folding leaves 0xffff where a remainder would be 0
        assert_eq!(fletcher32(&[0xff, 0xff]), 0xffff_ffff);
        assert_eq!(fletcher32(&[0; 1000]), 0);
    }
}
