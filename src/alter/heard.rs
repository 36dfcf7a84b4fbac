//! What is heard of a voice: F0 and harmonicity every 10 ms, by the descriptors of `affect-v1`.

use super::error::AlterError;
use crate::features::affect::row::{Row, Sink};
use crate::features::affect::stream::{KEPT, Stream};
use crate::signal::frames::{FrameSink, Frames, PitchFrame, ShortFrame};
use crate::signal::offset::Offset;
use crate::signal::resample::Resampler;
use crate::signal::{HOP, RATE_HZ, SHORT};
use std::ops::Range;

/// What is known of one frame of 10 ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Heard {
    /// F0 in Hz; `None` where the frame is unvoiced.
    pub f0_hz: Option<f32>,
    /// Harmonics-to-noise ratio in dB.
    pub hnr_db: Option<f32>,
    /// Mean square of its 20 ms.
    pub mean_square: f32,
}

/// Time of a row's centre, in seconds.
pub(super) fn centre_s(row: usize) -> f64 {
    (row * HOP + SHORT / 2) as f64 / f64::from(RATE_HZ)
}

/// Place of a time among the rows.
pub(super) fn row_at(time_s: f64) -> f64 {
    (time_s * f64::from(RATE_HZ) - (SHORT / 2) as f64) / HOP as f64
}

/// Semitones above 27.5 Hz.
pub(super) fn semitones(hz: f64) -> f64 {
    12.0 * (hz / 27.5).log2()
}

/// The middle of a list; `None` of none.
pub(super) fn median(mut list: Vec<f64>) -> Option<f64> {
    list.sort_by(f64::total_cmp);
    let n = list.len();
    (n > 0).then(|| 0.5 * (list[(n - 1) / 2] + list[n / 2]))
}

/// Median harmonics-to-noise ratio of rows, in dB.
pub(super) fn median_hnr_db(rows: &[Heard]) -> Option<f64> {
    median(rows.iter().filter_map(|r| r.hnr_db.map(f64::from)).collect())
}

/// F0 of a stretch at a time, in Hz: between the rows on a logarithmic axis, at its ends as in the first and the last row.
pub(super) fn f0_hz(rows: &[Heard], stretch: &Range<usize>, time_s: f64) -> f64 {
    let last = stretch.end - 1;
    let place = row_at(time_s).clamp(stretch.start as f64, last as f64);
    let (below, share) = (place.floor() as usize, place.fract());
    // Every row of a stretch is voiced.
    let ln = |i: usize| f64::from(rows[i.min(last)].f0_hz.unwrap_or(100.0)).ln();
    (ln(below) * (1.0 - share) + ln(below + 1) * share).exp()
}

#[derive(Default)]
struct Rows(Vec<Heard>);

impl Sink for Rows {
    fn row(&mut self, _index: u64, row: &Row) {
        let voice = row.voice.filter(|_| !row.bad);
        let (f0_hz, hnr_db) = (voice.map(|v| v.f0_hz), voice.and_then(|v| v.hnr_db));
        self.0.push(Heard { f0_hz, hnr_db, mean_square: row.mean_square });
    }
}

struct Listener {
    stream: Stream,
    rows: Rows,
}

impl FrameSink for Listener {
    fn short(&mut self, frame: &ShortFrame<'_>) {
        self.stream.short(frame);
    }

    fn pitch(&mut self, frame: &PitchFrame<'_>) {
        self.stream.pitch(frame, &mut self.rows);
    }
}

/// Rows of samples, which are numbers, and the samples at 16 kHz without their offset.
pub(super) fn hear(samples: &[f32], rate_hz: u32) -> Result<(Vec<Heard>, Vec<f32>), AlterError> {
    let mut resampler = Resampler::new(rate_hz)?;
    let mut offset = Offset::new(rate_hz);
    let mut at_16_khz = Vec::with_capacity(samples.len() * RATE_HZ as usize / rate_hz as usize + 1);
    let mut piece = Vec::new();
    for part in samples.chunks(rate_hz as usize / 100) {
        piece.clear();
        piece.extend_from_slice(part);
        offset.remove(&mut piece);
        resampler.push(&piece, |x| at_16_khz.extend_from_slice(x));
    }
    resampler.finish(|x| at_16_khz.extend_from_slice(x));
    let mut listener = Listener { stream: Stream::new(), rows: Rows::default() };
    let mut frames = Frames::new(KEPT);
    let mut rest = &at_16_khz[..];
    while !rest.is_empty() {
        let taken = frames.push(rest, &mut listener);
        rest = &rest[taken..];
    }
    listener.stream.finish(frames.history(), &mut listener.rows);
    Ok((listener.rows.0, at_16_khz))
}

/// Runs of voiced rows.
pub(super) fn stretches(rows: &[Heard]) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for (i, _) in rows.iter().enumerate().filter(|(_, r)| r.f0_hz.is_some()) {
        match out.last_mut() {
            Some(last) if last.end == i => last.end = i + 1,
            _ => out.push(i..i + 1),
        }
    }
    out
}
