//! The functionals over any run of rows, each chosen because it says something about its descriptor.

mod cepstral;
mod energy;
mod formants;
#[cfg(test)]
mod holes;
mod pitch;
pub(super) mod quality;
mod rhythm;
mod segment;
mod spectral;
mod stats;

pub use segment::Rows;

use super::FUNCTIONALS;
use crate::features::reason::Reason;
use crate::features::values::FunctionalValues;
use segment::Segment;

/// A value or why there is none.
type Value = Result<f64, Reason>;

/// Fewest rows of 10 ms.
const FEWEST_ROWS: usize = 6;

/// Collects values under their names, which are those of the catalogue in its order.
struct Writer {
    out: FunctionalValues,
    #[cfg(debug_assertions)]
    names: &'static [crate::features::catalogue::Entry],
}

impl Writer {
    fn put(&mut self, name: &str, value: Value) {
        #[cfg(debug_assertions)]
        debug_assert_eq!(self.names[self.out.values.len()].name, name);
        let _ = name;
        // What is not finite is no result, wherever it may have come from.
        let value = value.and_then(|v| if v.is_finite() { Ok(v) } else { Err(Reason::NoVariation) });
        if let Err(reason) = value {
            self.out.reasons.push((self.out.values.len(), reason));
        }
        self.out.values.push(value.ok());
    }
}

/// Functionals of a segment.
///
/// Rows over bad input are holes: they enter nothing, no slope, difference, interval, run or period is taken across them,
/// and rates and lengths count observed time only. Every value is defined or has a reason; silence and sounds without voice leave
/// undefined what needs a voice.
#[must_use]
pub fn functionals(rows: &Rows<'_>) -> FunctionalValues {
    let segment = Segment::new(rows);
    let observed = segment.observed().count();
    if observed < FEWEST_ROWS {
        let reason = if observed < rows.len() { Reason::BadInput } else { Reason::TooShort };
        return FunctionalValues::undefined(FUNCTIONALS, reason);
    }
    let mut writer = Writer {
        out: FunctionalValues { values: Vec::with_capacity(FUNCTIONALS), reasons: Vec::new() },
        #[cfg(debug_assertions)]
        names: crate::features::catalogue::affect_functionals(),
    };
    pitch::write(&segment, &mut writer);
    energy::write(&segment, &mut writer);
    spectral::write(&segment, &mut writer);
    cepstral::write(&segment, &mut writer);
    quality::write(&segment, &mut writer);
    formants::write(&segment, &mut writer);
    rhythm::write(&segment, &mut writer);
    debug_assert_eq!(writer.out.values.len(), FUNCTIONALS);
    writer.out
}
