//! Loudness, level and the envelope over time.

use super::rhythm::nuclei;
use super::segment::{PERIOD_S, Segment};
use super::stats::{Sorted, slope};
use super::{Value, Writer};
use crate::features::reason::Reason;

/// Lower edges of the modulation bands, an octave wide each, in Hz.
const BANDS_HZ: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];
/// Fewest nuclei for attack and decay.
const NUCLEI: usize = 3;

pub(super) fn write(segment: &Segment<'_>, out: &mut Writer) {
    let silent = Reason::Silent;
    let loudness = Sorted::new(segment.spoken().map(|r| r.loudness), silent);
    out.put("loudness_median", loudness.median());
    out.put("loudness_percentile90", loudness.percentile(0.9));
    out.put("loudness_variation", loudness.iqr().and_then(|i| Ok(i / loudness.median()?)));
    let n = segment.observed().count() as f64;
    let mean = segment.observed().map(|r| f64::from(r.mean_square)).sum::<f64>() / n;
    let db = |p: f64| if p > 0.0 { Ok(10.0 * p.log10()) } else { Err(silent) };
    out.put("level_dBFS_equivalent", db(mean));
    let voiced = segment.voices().map(|(_, r, _)| db(f64::from(r.mean_square)));
    out.put(
        "level_dBFS_voicedMedian",
        Sorted::new(voiced.flatten().map(|l| l as f32), Reason::NoVoicedFrames).median(),
    );
    let spoken = Sorted::new(spoken_levels(segment).map(|(_, l)| l as f32), silent);
    out.put("level_dB_range5-95", spoken.between(0.05, 0.95));
    out.put("level_dB_stddev", spoken.deviation());
    let declination = slope(spoken_levels(segment)).filter(|_| segment.span_s() >= 0.5);
    out.put("levelDeclination_dBPerS", declination.ok_or(few(segment)));

    let nuclei = nuclei(segment);
    let rates = |pick: fn(&super::rhythm::Nucleus) -> Option<f64>| -> Value {
        let mut list: Vec<f64> = nuclei.iter().filter_map(pick).collect();
        list.sort_unstable_by(f64::total_cmp);
        if list.len() < NUCLEI { Err(few(segment)) } else { Ok(list[list.len() / 2]) }
    };
    out.put("attack_dBPerS_median", rates(|n| n.attack_db_per_s));
    out.put("decay_dBPerS_median", rates(|n| n.decay_db_per_s));

    let envelope: Vec<Vec<f64>> = segment
        .stretches(|_| true)
        .into_iter()
        .map(|s| segment.rows[s.rows].iter().flatten().map(|r| f64::from(r.mean_square).sqrt()).collect())
        .collect();
    let powers = BANDS_HZ.map(|low| modulation(&envelope, low).ok_or(few(segment)));
    for (name, p) in [
        "modulation1-2Hz_dB",
        "modulation2-4Hz_dB",
        "modulation4-8Hz_dB",
        "modulation8-16Hz_dB",
        "modulation16-32Hz_dB",
    ]
    .into_iter()
    .zip(powers)
    {
        out.put(name, p.and_then(|p| if p > 0.0 { Ok(10.0 * p.log10()) } else { Err(Reason::NoVariation) }));
    }
    out.put("modulationCentroid_Hz", centroid(&powers));
}

fn few(segment: &Segment<'_>) -> Reason {
    if segment.span.is_empty() { Reason::Silent } else { Reason::NotEnoughSpeech }
}

/// Times and levels of speech rows.
fn spoken_levels<'a>(segment: &'a Segment<'_>) -> impl Iterator<Item = (f64, f64)> + Clone + 'a {
    let all = segment.level_db.iter().zip(&segment.speech).enumerate();
    all.filter(|(_, (_, s))| **s).filter_map(|(i, (l, _))| l.map(|l| (i as f64 * PERIOD_S, l)))
}

/// Power of the envelope in the octave from `low_hz`, relative to the square of its mean: two band-pass sections
/// (Bristow-Johnson's, gain 1 at the centre) that begin as if the first value had always been there, in every piece
/// between holes that holds two periods of the lower edge. `None` where there is no such piece, or silence.
fn modulation(pieces: &[Vec<f64>], low_hz: f64) -> Option<f64> {
    let long = || pieces.iter().filter(|p| p.len() as f64 * PERIOD_S * low_hz >= 2.0);
    let count = long().map(Vec::len).sum::<usize>() as f64;
    let mean = long().flatten().sum::<f64>() / count.max(1.0);
    if mean <= 0.0 {
        return None;
    }
    let omega = std::f64::consts::TAU * low_hz * std::f64::consts::SQRT_2 * PERIOD_S;
    // An octave wide at -3 dB with both sections.
    let alpha = omega.sin() * (std::f64::consts::LN_2 / 2.0 * WIDTH * omega / omega.sin()).sinh();
    let (b0, a0) = (alpha, 1.0 + alpha);
    let (b, a1, a2) = (b0 / a0, -2.0 * omega.cos() / a0, (1.0 - alpha) / a0);
    let mut power = 0.0;
    for piece in long() {
        let mut x = piece.clone();
        for _ in 0..2 {
            let (mut s1, mut s2) = (-b * x[0], -b * x[0]);
            for v in &mut x {
                let y = b * *v + s1;
                s1 = s2 - a1 * y;
                s2 = -b * *v - a2 * y;
                *v = y;
            }
        }
        power += x.iter().map(|v| v * v).sum::<f64>();
    }
    Some(power / count / (mean * mean))
}

/// Width of one section in octaves that makes two of them an octave wide.
const WIDTH: f64 = 1.554;

fn centroid(powers: &[Value; 5]) -> Value {
    let (mut sum, mut moment) = (0.0, 0.0);
    for (p, low) in powers.iter().zip(BANDS_HZ) {
        let p = (*p)?;
        sum += p;
        moment += p * low * std::f64::consts::SQRT_2;
    }
    if sum > 0.0 { Ok(moment / sum) } else { Err(Reason::NoVariation) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An envelope 1 + m cos has modulation power m^2 / 2 in its band and little elsewhere.
    #[test]
    fn a_modulated_envelope_shows_in_its_band() {
        for (i, low) in BANDS_HZ.iter().enumerate() {
            let hz = low * std::f64::consts::SQRT_2;
            let x: Vec<f64> =
                (0..3000).map(|t| 1.0 + 0.4 * (std::f64::consts::TAU * hz * t as f64 * 0.01).cos()).collect();
            let got = BANDS_HZ.map(|b| modulation(std::slice::from_ref(&x), b).unwrap());
            assert!((got[i] / 0.08 - 1.0).abs() < 0.05, "{hz}: {got:?}");
            for (j, g) in got.iter().enumerate().filter(|(j, _)| *j != i) {
                assert!(*g < 0.025, "{hz} in band {j}: {g}");
            }
            // The edge of the band lies 3 dB down.
            let edge: Vec<f64> =
                (0..6000).map(|t| 1.0 + 0.4 * (std::f64::consts::TAU * low * t as f64 * 0.01).cos()).collect();
            let db = 10.0 * (modulation(&[edge], *low).unwrap() / 0.08).log10();
            assert!((db + 3.0).abs() < 0.8, "{low}: {db} dB");
        }
        assert_eq!(modulation(&[vec![1.0; 100]], 1.0), None);
        assert_eq!(modulation(&[vec![0.0; 1000]], 1.0), None);
    }
}
