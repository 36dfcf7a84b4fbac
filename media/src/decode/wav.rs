//! The layout of WAV files (RIFF, RF64): whether the audio that the header states is there, and where it begins.
//!
//! GStreamer cuts a data chunk at the end of the file without a word, and takes a file with an unpadded chunk of odd length
//! for audio from its first byte on. Both are seen here before.

use super::cause::Defect;
use std::io::{self, Read, Seek, SeekFrom};

/// Stated lengths from here on are those that programs write who do not know the length (a pipe cannot be gone back in).
const UNSTATED: u64 = 0x7FFF_0000;

/// Layout of a WAV file: where its audio is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    format: Vec<u8>,
    /// First byte of the audio.
    pub data_at: u64,
    /// Bytes of audio by the header; `None` where it does not state them.
    stated: Option<u64>,
    /// Bytes from there to the end of the file.
    present: u64,
    /// Name of a chunk of odd length that is followed by no padding byte.
    unpadded: Option<String>,
    /// The header states no audio at all and there is some.
    unfinished: bool,
}

/// Whether the eight bytes can begin a chunk that ends within `rest`.
fn plausible(head: &[u8], rest: u64) -> bool {
    let size = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
    head[..4].iter().all(|b| (0x20..0x7F).contains(b)) && (size <= rest || size >= UNSTATED || &head[..4] == b"data")
}

impl Layout {
    /// Reads the layout; `None` where it is no WAV file, or one without format and audio.
    ///
    /// # Errors
    /// Those of reading.
    pub fn read(file: &mut (impl Read + Seek)) -> io::Result<Option<Self>> {
        let total = file.seek(SeekFrom::End(0))?;
        let mut bytes = |at: u64| -> io::Result<Option<[u8; 8]>> {
            let mut head = [0; 8];
            file.seek(SeekFrom::Start(at))?;
            let mut n = 0;
            while n < 8 {
                match file.read(&mut head[n..])? {
                    0 => return Ok(None),
                    k => n += k,
                }
            }
            Ok(Some(head))
        };
        let (Some(first), Some(form)) = (bytes(0)?, bytes(8)?) else { return Ok(None) };
        let long = &first[..4] == b"RF64" || &first[..4] == b"BW64";
        if !(long || &first[..4] == b"RIFF") || &form[..4] != b"WAVE" {
            return Ok(None);
        }
        let (mut position, mut format, mut unpadded, mut long_size) = (12, None, None, None);
        while let Some(head) = bytes(position)? {
            let size = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
            let begin = position + 8;
            match &head[..4] {
                b"fmt " if (16..4096).contains(&size) && begin + size <= total => {
                    let mut bytes_of_format = Vec::new();
                    for k in (0..size).step_by(8) {
                        bytes_of_format.extend(bytes(begin + k)?.unwrap_or_default());
                    }
                    bytes_of_format.truncate(size as usize);
                    format = Some(bytes_of_format);
                }
                b"ds64" => long_size = bytes(begin + 8)?.map(u64::from_le_bytes),
                b"data" => {
                    let Some(format) = format else { return Ok(None) };
                    let present = total - begin;
                    let size = long_size.filter(|_| long).unwrap_or(size);
                    let unfinished = size == 0 && present > 0;
                    let unstated = unfinished || (size >= UNSTATED && size > present && !long);
                    let stated = Some(size).filter(|_| !unstated);
                    return Ok(Some(Self { format, data_at: begin, stated, present, unpadded, unfinished }));
                }
                _ => {}
            }
            let end = begin.saturating_add(size);
            position = end + (size & 1);
            if size & 1 == 1 && end + 8 <= total {
                let fits = |h: Option<[u8; 8]>, at: u64| h.is_some_and(|h| plausible(&h, total.saturating_sub(at + 8)));
                if !fits(bytes(position)?, position) && fits(bytes(end)?, end) {
                    position = end;
                    unpadded = Some(String::from_utf8_lossy(&head[..4]).trim().to_owned());
                }
            }
        }
        Ok(None)
    }

    /// Whether GStreamer would read something else than the audio.
    #[must_use]
    pub fn misleads(&self) -> bool {
        self.unpadded.is_some() || self.unfinished
    }

    /// Bytes of audio that can be read.
    #[must_use]
    pub fn readable(&self) -> u64 {
        self.stated.map_or(self.present, |s| s.min(self.present))
    }

    /// A header with the same format, for the audio that can be read.
    #[must_use]
    pub fn header(&self) -> Vec<u8> {
        let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let mut format = self.format.clone();
        let size = format.len() as u64;
        format.extend((size & 1 == 1).then_some(0));
        let data = self.readable();
        let riff_size = (4 + 8 + format.len() as u64 + 8).saturating_add(data);
        [&b"RIFF"[..], &small(riff_size), b"WAVEfmt ", &small(size), &format, b"data", &small(data)].concat()
    }

    fn seconds(&self, bytes: u64) -> f64 {
        let f = &self.format;
        let rate = u32::from_le_bytes([f[8], f[9], f[10], f[11]]);
        bytes as f64 / f64::from(rate.max(1))
    }

    /// What is wrong with it.
    #[must_use]
    pub fn defects(&self) -> Vec<Defect> {
        let mut defects = Vec::new();
        if let Some(chunk) = &self.unpadded {
            defects.push(Defect::Unpadded { chunk: chunk.clone() });
        }
        if self.unfinished {
            defects.push(Defect::Unfinished { seconds: self.seconds(self.present) });
        }
        if let Some(missing) = self.stated.map(|s| s.saturating_sub(self.present)).filter(|m| *m > 0) {
            let stated = self.seconds(self.stated.unwrap_or(0));
            defects.push(Defect::Truncated { bytes: missing, seconds: self.seconds(missing), stated });
        }
        defects
    }
}
