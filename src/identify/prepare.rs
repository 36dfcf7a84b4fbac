//! Normalisation of features by the statistics of the training speakers, or of each speaker.

use super::contexts::Context;
use super::learners::Rows;
use super::pool::Pool;
use crate::statistics::moments;
use ndarray::{Array2, Axis};
use serde::Serialize;

/// Normalised values are clipped to this many standard deviations.
pub const CLIP: f32 = 4.0;

/// What values are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// Mean and standard deviation of the training speakers.
    Training,
    /// Mean and standard deviation of each speaker, test speakers included; labels play no part.
    Speaker,
}

impl Normalisation {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Training, Self::Speaker];

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Training => "training speakers",
            Self::Speaker => "per speaker",
        }
    }
}

/// Moments of all columns over some rows.
fn columns(raw: &Rows, rows: &[usize]) -> (Vec<f64>, Vec<f64>) {
    (0..raw.ncols()).map(|k| moments(rows.iter().map(|i| raw[(*i, k)]))).unzip()
}

/// Values of a context's members, gaps as NaN; compared with the speaker where asked.
#[must_use]
pub fn raw(pool: &Pool, context: &Context, how: Normalisation) -> Rows {
    let values = &pool.heard[context.heard].values;
    let mut out = Array2::from_shape_fn((context.members.len(), pool.width()), |(i, k)| {
        values[context.members[i]][k].filter(|v| v.is_finite()).unwrap_or(f32::NAN)
    });
    if how == Normalisation::Speaker {
        for s in 0..context.speaker_names.len() {
            let members: Vec<usize> = (0..context.members.len()).filter(|i| context.speakers[*i] == s).collect();
            let (mean, spread) = columns(&out, &members);
            for i in members {
                for k in 0..pool.width() {
                    out[(i, k)] = ((f64::from(out[(i, k)]) - mean[k]) / spread[k]) as f32;
                }
            }
        }
    }
    out
}

/// All rows by the statistics of some of them; gaps become 0, which is the mean.
#[must_use]
pub fn standardised(raw: &Rows, inside: &[usize]) -> Rows {
    let (mean, spread) = columns(raw, inside);
    let mut out = raw.clone();
    for mut row in out.axis_iter_mut(Axis(0)) {
        for (k, v) in row.iter_mut().enumerate() {
            let z = ((f64::from(*v) - mean[k]) / spread[k]) as f32;
            *v = if z.is_finite() { z.clamp(-CLIP, CLIP) } else { 0.0 };
        }
    }
    out
}
