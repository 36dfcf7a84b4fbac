//! Source of the bytes of a file.

use super::cause::{self, DecodeError, Defect};
use super::pipeline::Message;
use super::wav;
use gst::prelude::*;
use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

/// Bytes read at once.
const BLOCK: usize = 64 * 1024;

/// File to be decoded, with what its beginning says.
pub struct Input {
    path: PathBuf,
    bytes: Option<u64>,
    layout: Option<wav::Layout>,
    beginning: Vec<u8>,
}

impl Input {
    /// Looks at a file. Pipes and devices are not opened: that could wait for somebody.
    pub fn open(path: &Path) -> Result<Self, DecodeError> {
        let about = std::fs::metadata(path).map_err(DecodeError::Open)?;
        let path = path.to_owned();
        if streams(&about) {
            return Ok(Self { path, bytes: None, layout: None, beginning: Vec::new() });
        }
        if about.is_dir() {
            return Err(DecodeError::Directory);
        }
        let mut file = File::open(&path).map_err(DecodeError::Open)?;
        if about.len() == 0 {
            return Err(DecodeError::Empty);
        }
        let mut beginning = Vec::new();
        (&mut file).take(12).read_to_end(&mut beginning).map_err(DecodeError::Open)?;
        let layout = wav::Layout::read(&mut file).ok().flatten();
        Ok(Self { path, bytes: Some(about.len()), layout, beginning })
    }

    /// The first bytes.
    pub fn beginning(&self) -> Vec<u8> {
        self.beginning.clone()
    }

    /// The source element. Seekable files are read by GStreamer itself; pipes, devices and WAV files whose layout would
    /// mislead GStreamer come through a thread of ours, so that nothing but that thread can wait for them.
    pub fn element(&self, bytes: &Arc<AtomicU64>, to: &SyncSender<Message>) -> Result<gst::Element, DecodeError> {
        let (path, count) = (self.path.clone(), bytes.clone());
        let repair = self.layout.as_ref().filter(|l| l.misleads());
        if self.bytes.is_some() && repair.is_none() {
            let source = gst::ElementFactory::make("filesrc").property("location", &path);
            let source = source.build().map_err(cause::incomplete)?;
            if let Some(pad) = source.static_pad("src") {
                pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
                    if let Some(b) = info.buffer() {
                        count.fetch_max(b.offset().saturating_add(b.size() as u64), Ordering::Relaxed);
                    }
                    gst::PadProbeReturn::Ok
                });
            }
            return Ok(source);
        }
        let open: Box<dyn FnOnce() -> std::io::Result<Box<dyn Read>> + Send> = match repair {
            None => Box::new(move || Ok(Box::new(File::open(path)?))),
            Some(layout) => {
                let (header, at, length) = (layout.header(), layout.data_at, layout.readable());
                Box::new(move || {
                    let mut file = File::open(path)?;
                    file.seek(SeekFrom::Start(at))?;
                    Ok(Box::new(std::io::Cursor::new(header).chain(file.take(length))))
                })
            }
        };
        let source = gst_app::AppSrc::builder().block(true).max_bytes(4 * BLOCK as u64).build();
        let (feed, to) = (source.downgrade(), to.clone());
        std::thread::spawn(move || {
            let outcome = open().and_then(|mut from| {
                loop {
                    let mut block = vec![0; BLOCK];
                    let n = from.read(&mut block)?;
                    block.truncate(n);
                    count.fetch_add(n as u64, Ordering::Relaxed);
                    // Nobody takes it any more once the decoding has ended.
                    let Some(source) = feed.upgrade() else { return Ok(()) };
                    let gone = match n {
                        0 => source.end_of_stream().is_err(),
                        _ => source.push_buffer(gst::Buffer::from_slice(block)).is_err(),
                    };
                    if n == 0 || gone {
                        return Ok(());
                    }
                }
            });
            if let Err(e) = outcome {
                let _ = to.send(Message::Failed(DecodeError::Open(e)));
            }
        });
        Ok(source.upcast())
    }

    /// What is wrong with a file that was read up to `heard_ns`.
    pub fn defects(&self, _heard_ns: u64) -> Vec<Defect> {
        let mut defects: Vec<Defect> = self.layout.iter().flat_map(wav::Layout::defects).collect();
        let now = std::fs::metadata(&self.path).map(|m| m.len()).ok();
        if let (Some(before), Some(now)) = (self.bytes, now)
            && now != before
        {
            defects.push(Defect::Changed { before, now });
        }
        defects
    }
}

/// Whether something is read from front to back only, as it comes.
fn streams(about: &Metadata) -> bool {
    let kind = about.file_type();
    kind.is_fifo() || kind.is_char_device() || kind.is_socket()
}
