//! Decoding: every audio track of a file as buffers and events with their times.
//!
//! Decoding never waits without an end. It ends with the first of: the end of all audio tracks, an error, the certainty
//! that there is no audio, an interruption, or a time without progress ([`Limits::patience`]), which is an error that says so.

mod cause;
mod group;
mod pipeline;
mod source;
pub mod wav;

pub use cause::{DecodeError, Defect};

use group::Groups;
use pipeline::{Message, Running};
use source::Input;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// Item of a track, in order.
#[derive(Debug)]
pub enum Item {
    /// A stream begins, with this id.
    Stream(String),
    /// The audio has this form from now on.
    Form(Box<gst_audio::AudioInfo>),
    /// A segment begins; `None` where it is not counted in time.
    Segment(Option<gst::FormattedSegment<gst::ClockTime>>),
    /// Time without audio.
    Gap(gst::ClockTime, Option<gst::ClockTime>),
    /// Audio.
    Buffer(gst::Buffer),
    /// The track ends.
    End,
}

/// Delivery of the decoder.
#[derive(Debug)]
pub enum Delivery {
    /// The audio tracks are these, in the order of the file. Comes before their items, and again where a chained file has
    /// other ones from there on.
    Tracks(Vec<gst_audio::AudioInfo>),
    /// Something of one track, by its number from 0.
    Item(usize, Item),
    /// How far it is, and how long the file says that it is, in ns.
    Progress(u64, Option<u64>),
}

/// Limits of waiting: patience, and a flag to stop.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    /// Longest time in which nothing is read and nothing decoded.
    pub patience: Duration,
    /// Set by an interruption.
    pub stop: &'a AtomicBool,
}

/// Interval at which waiting looks at the stop flag.
const GLANCE: Duration = Duration::from_millis(50);

/// After an error, what other threads have decoded already is still taken until nothing came for this long.
const AFTERMATH: Duration = Duration::from_millis(300);

/// Decodes all audio tracks of a file in their own rates, channels and sample formats. What `take` returns as an error ends
/// the decoding. Returns what is wrong with a file that could be read.
///
/// # Errors
/// [`DecodeError`]: the file could not be read, or not to its end. What was delivered before stays right.
pub fn decode(
    path: &Path,
    limits: Limits<'_>,
    take: &mut dyn FnMut(Delivery) -> Result<(), String>,
) -> Result<Vec<Defect>, DecodeError> {
    let input = Input::open(path)?;
    let running = Running::start(&input)?;
    let outcome = pull(&running, limits, take);
    let heard_ns = *outcome.as_ref().unwrap_or(&0);
    running.shut_down();
    outcome?;
    Ok(input.defects(heard_ns))
}

/// Returns the time up to which there was audio.
fn pull(
    running: &Running,
    limits: Limits<'_>,
    take: &mut dyn FnMut(Delivery) -> Result<(), String>,
) -> Result<u64, DecodeError> {
    let mut groups = Groups::default();
    let mut error: Option<DecodeError> = None;
    let (mut last, mut read) = (Instant::now(), 0);
    loop {
        if limits.stop.load(Ordering::Relaxed) {
            return Err(DecodeError::Interrupted);
        }
        match running.messages.recv_timeout(GLANCE) {
            Ok(Message::Pad(form)) => groups.pad(form),
            Ok(Message::NoMorePads) => groups.close(),
            Ok(Message::Other(pad, name)) => groups.other(pad, name),
            Ok(Message::Item(pad, item)) => groups.item(pad, item),
            Ok(Message::Failed(e)) => {
                error.get_or_insert(e);
            }
            Ok(Message::Ended) => groups.nothing_more(),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(error.unwrap_or_else(|| DecodeError::Broken("decoding ended without a word".to_owned())));
            }
            Err(RecvTimeoutError::Timeout) => {
                let now = running.bytes.load(Ordering::Relaxed);
                if now != read {
                    (last, read) = (Instant::now(), now);
                }
                if error.is_some() && last.elapsed() >= AFTERMATH {
                    return Err(error.unwrap_or(DecodeError::Interrupted));
                }
                if last.elapsed() >= limits.patience {
                    return Err(DecodeError::Stalled { seconds: limits.patience.as_secs_f64(), bytes: read });
                }
                continue;
            }
        }
        last = Instant::now();
        for delivery in groups.ready() {
            take(delivery).map_err(DecodeError::Stopped)?;
        }
        if let Some(at) = groups.progressed() {
            take(Delivery::Progress(at, running.duration_ns())).map_err(DecodeError::Stopped)?;
        }
        if let Some(others) = groups.without_audio().filter(|_| error.is_none()) {
            return Err(running.no_audio(others));
        }
        if groups.all_ended() {
            return error.map_or(Ok(groups.heard_ns()), Err);
        }
    }
}
