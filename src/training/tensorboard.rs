//! Event files that TensorBoard reads: scalars and pictures, written as TFRecords of hand-encoded protobuf
//! (the dozen fields used here do not pay for a protobuf compiler).

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// An event file that is being written.
pub(super) struct EventWriter {
    file: BufWriter<File>,
}

impl EventWriter {
    /// Starts a new event file in `folder` for a run that goes on after `step`. Events of later steps in older files
    /// of the folder are hidden by TensorBoard from then on, since the resumed run writes them again.
    pub(super) fn create(folder: &Path, step: u64) -> io::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("events.out.tfevents.{:010}.{:09}.idgan", now.as_secs(), now.subsec_nanos());
        let mut writer = Self { file: BufWriter::new(File::create(folder.join(name))?) };
        let mut version = Message::event(0);
        version.bytes(3, b"brain.Event:2");
        writer.record(&version.0)?;
        if step > 0 {
            // TensorBoard drops this step too, and step itself is not written again.
            let mut start = Message::event(step + 1);
            let mut log = Message::default();
            log.varint(1, 1);
            start.bytes(7, &log.0);
            writer.record(&start.0)?;
        }
        writer.file.flush()?;
        Ok(writer)
    }

    /// Adds the values of one step.
    pub(super) fn scalars(&mut self, step: u64, values: &[(String, f64)]) -> io::Result<()> {
        let mut summary = Message::default();
        for (tag, value) in values {
            let mut entry = Message::default();
            entry.bytes(1, tag.as_bytes());
            entry.float(2, *value as f32);
            summary.bytes(1, &entry.0);
        }
        self.summary(step, &summary)
    }

    /// Adds a picture that is already encoded as PNG.
    pub(super) fn picture(
        &mut self,
        step: u64,
        tag: &str,
        width: usize,
        height: usize,
        png: &[u8],
    ) -> io::Result<()> {
        let mut image = Message::default();
        image.varint(1, height as u64);
        image.varint(2, width as u64);
        image.varint(3, 4); // RGBA
        image.bytes(4, png);
        let mut entry = Message::default();
        entry.bytes(1, tag.as_bytes());
        entry.bytes(4, &image.0);
        let mut summary = Message::default();
        summary.bytes(1, &entry.0);
        self.summary(step, &summary)
    }

    fn summary(&mut self, step: u64, summary: &Message) -> io::Result<()> {
        let mut event = Message::event(step);
        event.bytes(5, &summary.0);
        self.record(&event.0)?;
        self.file.flush()
    }

    /// One TFRecord: length, checksum of the length, data, checksum of the data.
    fn record(&mut self, data: &[u8]) -> io::Result<()> {
        let length = (data.len() as u64).to_le_bytes();
        self.file.write_all(&length)?;
        self.file.write_all(&masked_crc(&length).to_le_bytes())?;
        self.file.write_all(data)?;
        self.file.write_all(&masked_crc(data).to_le_bytes())
    }
}

/// TFRecord's checksum: CRC-32C, rotated and offset so that checksums of checksums stay useful.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A protobuf message under construction.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    /// An Event with its wall time and step.
    fn event(step: u64) -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let mut event = Self::default();
        event.key(1, 1);
        event.0.extend(seconds.to_le_bytes());
        event.varint(2, step);
        event
    }

    fn key(&mut self, field: u64, wire_type: u64) {
        self.raw_varint(field << 3 | wire_type);
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn varint(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.raw_varint(value);
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, 2);
        self.raw_varint(bytes.len() as u64);
        self.0.extend(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_carry_their_checksums_and_varints_their_length() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let mut writer = EventWriter::create(folder.path(), 300)?;
        writer.scalars(301, &[("loss".into(), 1.5)])?;
        let path = std::fs::read_dir(folder.path())?.next().expect("one file")?.path();
        let bytes = std::fs::read(path)?;
        let mut rest = bytes.as_slice();
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (length, tail) = rest.split_at(8);
            let len = u64::from_le_bytes(length.try_into().expect("8 bytes")) as usize;
            assert_eq!(tail[..4], masked_crc(length).to_le_bytes());
            assert_eq!(tail[4 + len..8 + len], masked_crc(&tail[4..4 + len]).to_le_bytes());
            // after wall time (9 bytes) and the key of the step comes the step, 7 bits a byte
            let event = &tail[4..4 + len];
            let (low, high) = (u64::from(event[10]), u64::from(event[11]));
            steps.push(if low < 0x80 { low } else { (low & 0x7f) + (high << 7) });
            rest = &tail[8 + len..];
        }
        assert_eq!(steps, [0, 301, 301], "version, restart after step 300, scalars");
        let mut message = Message::default();
        message.varint(2, 300);
        assert_eq!(message.0, [0x10, 0xac, 0x02]);
        Ok(())
    }
}
