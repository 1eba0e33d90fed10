//! The arrays that find chunks: of fixed length [VIII.C] and those that grow [VIII.D].

use std::io;

use super::chunks::Found;
use super::fault::damaged;
use super::input::{Input, check_sum};

/// Bytes that every block begins with: mark, version and kind.
const START: usize = 6;

/// What the head of an array says of its entries.
struct Entries {
    /// Bytes of an entry.
    entry: usize,
    /// Entries of a page, where blocks are so large that they have pages.
    page: u64,
}

impl Entries {
    /// Bytes of the packed length of a chunk in an entry.
    fn width(&self, input: &Input) -> usize {
        self.entry.saturating_sub(input.address_width() + 4)
    }

    /// Puts the chunks of `bytes` to the numbers from `first` on; those behind the last chunk are spare.
    fn put(&self, input: &Input, bytes: &[u8], first: u64, found: &mut Found<'_>) -> io::Result<()> {
        for (number, entry) in (first..found.grid.count()).zip(bytes.chunks_exact(self.entry)) {
            let mut fields = input.fields(entry, "an entry of an array of chunks");
            let chunk = found.grid.entry(input, &mut fields, self.width(input))?;
            found.put(number, chunk)?;
        }
        Ok(())
    }

    /// Reads `count` entries in pages from `address` on, each with a checksum after it.
    fn pages(
        &self,
        input: &mut Input,
        address: u64,
        count: u64,
        first: u64,
        found: &mut Found<'_>,
    ) -> io::Result<()> {
        let mut address = address;
        for start in (0..count).step_by(self.page as usize) {
            if first + start >= found.grid.count() {
                break;
            }
            let entries = self.page.min(count - start);
            let len = entries * self.entry as u64 + 4;
            let mut bytes = input.bytes(address, len, "a page of chunks")?;
            check_sum(&mut bytes, "a page of chunks", input.place(address))?;
            self.put(input, &bytes, first + start, found)?;
            address = address.saturating_add(len);
        }
        Ok(())
    }
}

/// Checks the kind of an array and reads how large its entries are.
fn entries(input: &Input, kind: u8, entry: u8, page_bits: u8, found: &Found<'_>) -> io::Result<Entries> {
    let least = input.address_width() + if found.grid.is_packed { 5 } else { 0 };
    if kind != u8::from(found.grid.is_packed) || usize::from(entry) < least || page_bits > 31 {
        return Err(damaged("the head of an array of chunks is of another kind"));
    }
    Ok(Entries { entry: usize::from(entry), page: 1 << page_bits })
}

/// Finds the chunks of an array of fixed length.
pub(super) fn fixed(input: &mut Input, address: u64, found: &mut Found<'_>) -> io::Result<()> {
    let what = "the head of an array of chunks";
    let len = (START + 2 + input.length_width() + input.address_width() + 4) as u64;
    let bytes = input.block(address, len, (b"FAHD", what), true)?;
    let mut fields = input.fields(&bytes, what);
    fields.take(4)?;
    fields.version(0..=0)?;
    let (kind, entry, page_bits) = (fields.u8()?, fields.u8()?, fields.u8()?);
    let (count, block) = (fields.length()?, fields.address()?);
    let entries = entries(input, kind, entry, page_bits, found)?;
    if count != found.grid.count() {
        return Err(damaged(format!("an array has {count} chunks instead of {}", found.grid.count())));
    }
    let what = (b"FADB", "an array of chunks");
    let prefix = (START + input.address_width()) as u64;
    if count <= entries.page {
        let bytes = input.block(block, prefix + count * entries.entry as u64 + 4, what, true)?;
        return entries.put(input, &bytes[prefix as usize..], 0, found);
    }
    // Which pages were ever written is told by a bit each; missing chunks are refused anyway.
    let bits = count.div_ceil(entries.page).div_ceil(8);
    input.block(block, prefix + bits + 4, what, true)?;
    entries.pages(input, block.saturating_add(prefix + bits + 4), count, 0, found)
}

/// An array that grows: entries in its head block, then in data blocks of rising size, of which later ones are found through
/// blocks of their own.
struct Growing {
    entries: Entries,
    /// Bytes of the number that a block begins at.
    offset: u64,
    /// Entries of the head block.
    head: u64,
    /// Entries of the smallest data block.
    least: u64,
    /// Groups of data blocks that the head block finds, and all that there can be.
    groups: [u32; 2],
}

/// Finds the chunks of an array that grows.
pub(super) fn extensible(input: &mut Input, address: u64, found: &mut Found<'_>) -> io::Result<()> {
    let what = "the head of a growing array of chunks";
    let len = (START + 6 + 6 * input.length_width() + input.address_width() + 4) as u64;
    let bytes = input.block(address, len, (b"EAHD", what), true)?;
    let mut fields = input.fields(&bytes, what);
    fields.take(4)?;
    fields.version(0..=0)?;
    let (kind, entry, bits) = (fields.u8()?, fields.u8()?, fields.u8()?);
    let (head, least, pointers, page_bits) = (fields.u8()?, fields.u8()?, fields.u8()?, fields.u8()?);
    (0..6).try_for_each(|_| fields.length().map(drop))?;
    let block = fields.address()?;
    if !least.is_power_of_two() || !pointers.is_power_of_two() || bits > 63 || u32::from(bits) < least.ilog2()
    {
        return Err(damaged(format!("{what} at byte {} has sizes that cannot be", input.place(address))));
    }
    let growing = Growing {
        entries: entries(input, kind, entry, page_bits, found)?,
        offset: u64::from(bits).div_ceil(8),
        head: u64::from(head),
        least: u64::from(least),
        groups: [2 * pointers.ilog2(), 1 + u32::from(bits) - least.ilog2()],
    };
    growing.read(input, block, found)
}

impl Growing {
    /// The data blocks of group `number`, and the entries of each.
    fn group(&self, number: u32) -> [u64; 2] {
        [1u64.checked_shl(number / 2), 1u64.checked_shl(number.div_ceil(2))]
            .map(|count| count.unwrap_or(u64::MAX / 4))
    }

    fn read(&self, input: &mut Input, address: u64, found: &mut Found<'_>) -> io::Result<()> {
        let width = input.address_width() as u64;
        let near = self.groups[0].min(self.groups[1]);
        let blocks: u64 = (0..near).map(|number| self.group(number)[0]).sum();
        let beyond = u64::from(self.groups[1] - near);
        let prefix = START as u64 + width;
        let own = self.head * self.entries.entry as u64;
        let len = prefix + own + (blocks + beyond) * width + 4;
        let bytes = input.block(address, len, (b"EAIB", "the first block of a growing array"), true)?;
        let (own, rest) = bytes[prefix as usize..].split_at(own as usize);
        self.entries.put(input, own, 0, found)?;
        let (blocks, beyond) = rest.split_at((blocks * width) as usize);
        let mut first = self.head;
        let mut blocks = blocks.chunks_exact(width as usize);
        for number in 0..near {
            let [count, entries] = self.group(number);
            let entries = entries.saturating_mul(self.least);
            for block in blocks.by_ref().take(count as usize) {
                let address = input.fields(block, "the address of a block").address()?;
                self.block(input, address, [first, entries], found)?;
                first = first.saturating_add(entries);
            }
        }
        for (number, block) in (near..self.groups[1]).zip(beyond.chunks_exact(width as usize)) {
            if first >= found.grid.count() {
                break;
            }
            let address = input.fields(block, "the address of a block").address()?;
            first = self.beyond(input, address, number, first, found)?;
        }
        Ok(())
    }

    /// Reads the data block at `address`, whose entries begin at number `first`.
    fn block(
        &self,
        input: &mut Input,
        address: u64,
        [first, entries]: [u64; 2],
        found: &mut Found<'_>,
    ) -> io::Result<()> {
        if first >= found.grid.count() {
            return Ok(());
        }
        let what = (b"EADB", "a block of a growing array");
        let prefix = START as u64 + input.address_width() as u64 + self.offset;
        if entries > self.entries.page {
            input.block(address, prefix + 4, what, true)?;
            return self.entries.pages(input, address.saturating_add(prefix + 4), entries, first, found);
        }
        let len = prefix + entries * self.entries.entry as u64 + 4;
        let bytes = input.block(address, len, what, true)?;
        self.entries.put(input, &bytes[prefix as usize..], first, found)
    }

    /// Reads the group of data blocks that the block at `address` finds; returns the number after its last entry.
    fn beyond(
        &self,
        input: &mut Input,
        address: u64,
        number: u32,
        first: u64,
        found: &mut Found<'_>,
    ) -> io::Result<u64> {
        let [count, entries] = self.group(number);
        let entries = entries.saturating_mul(self.least);
        let width = input.address_width() as u64;
        // A bit for each page of each block, where blocks have pages.
        let pages = if entries > self.entries.page { (entries / self.entries.page).div_ceil(8) } else { 0 };
        let prefix = START as u64 + width + self.offset;
        let bits = count.saturating_mul(pages);
        let len = prefix.saturating_add(bits).saturating_add(count.saturating_mul(width)).saturating_add(4);
        let bytes = input.block(address, len, (b"EASB", "a block of blocks of a growing array"), true)?;
        let mut first = first;
        for block in bytes[(prefix + bits) as usize..].chunks_exact(width as usize).take(count as usize) {
            let address = input.fields(block, "the address of a block").address()?;
            self.block(input, address, [first, entries], found)?;
            first = first.saturating_add(entries);
        }
        Ok(first)
    }
}
