//! Cepstral coefficients: where they lie, how they spread, how fast they move.

use super::Writer;
use super::segment::{PERIOD_S, Segment};
use super::stats::Sorted;
use crate::features::affect::row::MFCCS;
use crate::features::reason::Reason;

pub(super) fn write(segment: &Segment<'_>, out: &mut Writer) {
    for i in 0..MFCCS {
        let at = |row: usize| segment.rows[row]?.shape.map(|s| s.mfcc[i]);
        let voiced = Sorted::new(segment.voices().filter_map(|(r, ..)| at(r)), Reason::NoVoicedFrames);
        let name = format!("mfcc{}", i + 1);
        out.put(&format!("{name}_voicedMean"), voiced.mean());
        out.put(&format!("{name}_voicedStddev"), voiced.deviation());
        let deltas = segment.span.clone().filter(|r| segment.speech[*r]).filter_map(|r| {
            let near = |offset: isize| at(r.checked_add_signed(offset).filter(|r| *r < segment.rows.len())?);
            delta([near(-2)?, near(-1)?, near(1)?, near(2)?])
        });
        out.put(&format!("{name}_deltaStddev"), Sorted::new(deltas, Reason::Silent).deviation());
    }
}

/// Regression slope over five rows, per second; the middle one does not matter. A hole among them leaves none.
fn delta([a, b, c, d]: [f32; 4]) -> Option<f32> {
    Some((2.0 * (d - a) + c - b) / (10.0 * PERIOD_S as f32))
}
