//! One number out of many: what an output that has a value for every frame says of a whole recording.

use crate::model::{Model, ModelError};
use crate::statistics::median;
use std::sync::Arc;

/// What is made of the values of all frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Over {
    /// Their median.
    #[default]
    Median,
    /// Their mean.
    Mean,
}

impl Over {
    /// What is made of a list; `None` of an empty one.
    pub(super) fn of(self, list: Vec<f64>) -> Option<f64> {
        match self {
            Self::Median => median(list),
            Self::Mean => (!list.is_empty()).then(|| list.iter().sum::<f64>() / list.len() as f64),
        }
    }
}

/// How an output with a value for every frame becomes one number.
#[derive(Debug, Clone, Default)]
pub struct FrameRule {
    /// What is made of the values.
    pub over: Over,
    /// The values are frequencies in Hz and count in semitones.
    pub semitones: bool,
    /// The same graph read at an output that says how sure each frame is, and the least that counts.
    pub sure: Option<(Arc<Model>, f64)>,
}

impl FrameRule {
    /// The values of all frames; `None` where a frame does not count.
    ///
    /// # Errors
    /// [`ModelError`] of the other output's run, and where it has another number of frames.
    pub(super) fn frames(&self, values: &[f64], samples: &[f32]) -> Result<Vec<Option<f64>>, ModelError> {
        let sure = match &self.sure {
            None => vec![true; values.len()],
            Some((model, least)) => model.waveform(samples)?.iter().map(|v| v >= least).collect(),
        };
        if sure.len() != values.len() {
            let what = "frames of the output that says how sure they are";
            return Err(ModelError::mismatch(what, values.len().to_string(), sure.len().to_string()));
        }
        let on_axis = |v: f64| match self.semitones {
            true if v > 0.0 => Some(12.0 * v.log2()),
            true => None,
            false => Some(v),
        };
        Ok(values.iter().zip(sure).map(|(v, sure)| on_axis(*v).filter(|_| sure)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_become_one_number() {
        assert_eq!(Over::Median.of(vec![1.0, 9.0, 2.0]), Some(2.0));
        assert_eq!((Over::Median.of(vec![]), Over::Mean.of(vec![])), (None, None));
        let rule = FrameRule { over: Over::Mean, semitones: true, sure: None };
        // An octave apart, and a frame without a frequency.
        let frames = rule.frames(&[64.0, 0.0, 128.0], &[]).unwrap();
        assert_eq!(frames, [Some(72.0), None, Some(84.0)]);
        assert_eq!(rule.over.of(frames.into_iter().flatten().collect()), Some(78.0));
    }
}
