//! From the features of a segment to the row that enters the graph.

use super::card::{Card, Normaliser};
use super::error::ModelError;

/// The row for values in the order of the card's features. `speaker` holds their distances from what is usual for the
/// speaker, where the card asks for them.
///
/// # Errors
/// [`ModelError::Undefined`] where a feature is undefined and nothing stands in for it; [`ModelError::Mismatch`] for
/// another number of values, or a missing baseline.
pub fn row(card: &Card, values: &[Option<f32>], speaker: Option<&[Option<f32>]>) -> Result<Vec<f32>, ModelError> {
    let d = card.features().len();
    let count = |n: usize| {
        if n == d { Ok(()) } else { Err(ModelError::mismatch("features", d.to_string(), n.to_string())) }
    };
    count(values.len())?;
    let finite = |v: &Option<f32>| v.filter(|v| v.is_finite());
    let clipped = |z: f32| card.clip.map_or(z, |c| z.clamp(-c as f32, c as f32));
    match &card.normaliser {
        Normaliser::None => values
            .iter()
            .zip(card.features())
            .map(|(v, name)| finite(v).ok_or_else(|| ModelError::Undefined { feature: name.clone() }))
            .collect(),
        Normaliser::Training { location, scale } => {
            let z = |((v, l), s): ((&Option<f32>, &f64), &f64)| {
                finite(v).map_or(0.0, |v| clipped(((f64::from(v) - l) / s) as f32))
            };
            Ok(values.iter().zip(location).zip(scale).map(z).collect())
        }
        Normaliser::Speaker | Normaliser::Blended => {
            let z = speaker.ok_or_else(|| {
                ModelError::mismatch("normaliser", "features compared with the speaker's baseline", "none: turn it on")
            })?;
            count(z.len())?;
            Ok(z.iter().map(|v| finite(v).map_or(0.0, clipped)).collect())
        }
    }
}
