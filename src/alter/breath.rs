//! Breathiness: noise with the short-time spectrum of the voice, added where there is voice until its HNR is what was asked for.

use super::error::AlterError;
use super::fade::voiced_weight;
use super::heard::{hear, median_hnr_db, row_at};
use super::level::{apply, keep_level};
use super::transform::ShortTime;
use super::voice::Voice;
use crate::signal::random::Random;

/// Length of a frame of noise, in seconds.
const FRAME_S: f64 = 0.032;
/// Reach of the smoothing over frequency that leaves no harmonics, in Hz.
const SMOOTH_HZ: f64 = 200.0;
/// Distance of moments at which the noise is told its gain, in seconds.
const STEP_S: f64 = 0.01;
/// Nearness to the HNR that was asked for, in dB, and most attempts at it.
const NEAR_DB: f64 = 0.2;
const ATTEMPTS: usize = 8;
/// Distance from it, in dB, at which it did not come.
const FAR_DB: f64 = 1.5;
/// Beginning of the random numbers.
const SEED: u64 = 23;

/// The voice with so much noise that its median HNR is `hnr_db`; the short-time level stays.
///
/// # Errors
/// [`AlterError::NoisierThanAVoice`] where none comes near that; errors of the analysis.
pub(super) fn breathe(voice: &Voice, hnr_db: f64) -> Result<Vec<f32>, AlterError> {
    let x = voice.sound();
    let unreached = |nearest_db| AlterError::NoisierThanAVoice { asked_db: hnr_db, nearest_db };
    let present_db = voice.hnr_db().ok_or_else(|| unreached(None))?;
    let noise = noise(x, voice.rate_hz());
    let weights = voiced_weight(voice, x.len(), 1.0);
    let mut drop_db = present_db - hnr_db;
    let mut best: Option<(f64, Vec<f32>)> = None;
    for _ in 0..ATTEMPTS {
        let mut breath = noise.clone();
        let (gains, step) = gains(voice, present_db, drop_db);
        apply(&mut breath, &gains, step);
        let mut y: Vec<f32> = x.iter().zip(&breath).map(|(x, n)| x + n).collect();
        keep_level(x, &mut y, voice.rate_hz(), 1.0);
        y.iter_mut().zip(x).zip(&weights).for_each(|((y, x), w)| *y = x + w * (*y - x));
        let rows = hear(&y, voice.rate_hz())?.0;
        let voiced = rows.iter().filter(|r| r.f0_hz.is_some()).count();
        // What counts is what comes out, as long as it is the same voice: the tracker leaves frames out that drown.
        let Some(got_db) = median_hnr_db(&rows).filter(|_| 2 * voiced >= voice.voiced()) else {
            drop_db *= 0.5;
            continue;
        };
        let off_db = got_db - hnr_db;
        if best.as_ref().is_none_or(|b| off_db.abs() < (b.0 - hnr_db).abs()) {
            best = Some((got_db, y));
        }
        if off_db.abs() < NEAR_DB {
            break;
        }
        drop_db += off_db;
    }
    match best {
        Some((got_db, y)) if (got_db - hnr_db).abs() <= FAR_DB => Ok(y),
        other => Err(unreached(other.map(|b| b.0))),
    }
}

/// Gains of noise as loud as the voice that take `drop_db` off the HNR of every frame, every so many samples.
fn gains(voice: &Voice, usual_db: f64, drop_db: f64) -> (Vec<f64>, usize) {
    let rate_hz = f64::from(voice.rate_hz());
    let step = (STEP_S * rate_hz) as usize;
    let last = voice.rows().len().saturating_sub(1) as f64;
    let at = |k: usize| {
        let row = row_at((k * step) as f64 / rate_hz).round().clamp(0.0, last) as usize;
        let hnr_db = voice.rows().get(row).and_then(|r| r.hnr_db).map_or(usual_db, f64::from);
        let present = 1.0 / (1.0 + 10f64.powf(hnr_db / 10.0));
        let wanted = (1.0 - present) * 10f64.powf((drop_db - hnr_db) / 10.0);
        (wanted - present).max(0.0).sqrt()
    };
    ((0..=voice.samples().len() / step).map(at).collect(), step)
}

/// White noise given the short-time spectrum of `x`, smoothed over frequency.
fn noise(x: &[f32], rate_hz: u32) -> Vec<f32> {
    let mut short_time = ShortTime::new(FRAME_S, rate_hz);
    let mut random = Random(SEED);
    let white: Vec<f32> = x.iter().map(|_| random.normal() as f32).collect();
    let (mut own, mut spectrum) = (short_time.spectrum(), short_time.spectrum());
    let reach = (SMOOTH_HZ * short_time.size() as f64 / f64::from(rate_hz)).ceil() as usize;
    // White noise of power 1 has this power in every bin, under a window whose squares are half on average.
    let usual = 0.5 * short_time.size() as f64;
    let mut power = vec![0.0; own.len()];
    let mut out = vec![0.0; x.len()];
    for start in short_time.starts(x.len()) {
        short_time.take(x, start, &mut own);
        short_time.take(&white, start, &mut spectrum);
        power.iter_mut().zip(&own).for_each(|(p, c)| *p = c.norm_sqr());
        for (k, bin) in spectrum.iter_mut().enumerate() {
            let near = &power[k.saturating_sub(reach)..(k + reach + 1).min(power.len())];
            *bin *= (near.iter().sum::<f64>() / near.len() as f64 / usual).sqrt();
        }
        short_time.add(&mut spectrum, start, &mut out);
    }
    out.into_iter().map(|v| v as f32).collect()
}
