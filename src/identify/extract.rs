//! Features of a recording, by the same analyzer as in the stream.

use crate::analyzer::{Analyzer, Config, FeatureSet, Output, Segmentation};
use crate::error::ConfigError;
use crate::signal::samples::Samples;

/// Samples handed over at once.
const BLOCK: usize = 65_536;

/// Functionals of a whole recording of one channel, and its seconds of speech. Silence has undefined features. Samples are relative
/// to full scale, as a file holds them: what the analysis makes of full scale happens here, once.
///
/// # Errors
/// [`ConfigError`] for a rate that the analyzer refuses.
pub fn features<S: Copy + Into<f64>>(
    samples: &[S],
    rate_hz: u32,
    set: FeatureSet,
) -> Result<(Vec<Option<f32>>, f64), ConfigError> {
    let config = Config { sets: vec![set], segmentation: Segmentation::File, ..Config::default() };
    let mut result = (vec![None; set.functionals().len()], 0.0);
    let mut take = |o: Output<'_>| {
        if let Output::Segment(r) = o {
            let speech = r.quality.as_ref().and_then(|q| q.speech_s).map_or(0.0, f64::from);
            result = (r.features.iter().map(|f| f.value).collect(), speech);
        }
    };
    let mut analyzer = Analyzer::new(config, rate_hz, 1)?;
    let mut wide = Vec::with_capacity(BLOCK.min(samples.len()));
    for block in samples.chunks(BLOCK) {
        wide.clear();
        wide.extend(block.iter().map(|s| (*s).into()));
        analyzer.push(&Samples::f64(&wide, 1)?, &mut take)?;
    }
    analyzer.finish(&mut take);
    Ok(result)
}
