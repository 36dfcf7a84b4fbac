//! Colour and level kept: the short-time spectrum of altered sound, in bands wider than a harmonic, brought back to that of the sound
//! that it was made of.

use super::transform::ShortTime;
use realfft::num_complex::Complex64;
use std::f64::consts::PI;

/// Length of a frame, in seconds.
const FRAME_S: f64 = 0.04;
/// Distance of the bands' centres, in Hz; each reaches to its neighbours' centres.
const BAND_HZ: f64 = 400.0;
/// Largest gain of a band, and the inverse of the smallest, as an amplitude.
const MOST: f64 = 4.0;

/// Gives `altered` the levels of `reference`, which is as long, in every band at every moment.
pub(super) fn keep_colour(reference: &[f32], altered: &mut [f32], rate_hz: u32) {
    let mut short_time = ShortTime::new(FRAME_S, rate_hz);
    let df_hz = f64::from(rate_hz) / short_time.size() as f64;
    let (mut own, mut theirs) = (short_time.spectrum(), short_time.spectrum());
    let bands = Bands::new(own.len(), df_hz);
    let (mut here, mut there) = (vec![0.0; bands.count], vec![0.0; bands.count]);
    let mut out = vec![0.0; altered.len()];
    for start in short_time.starts(altered.len()) {
        short_time.take(reference, start, &mut theirs);
        short_time.take(altered, start, &mut own);
        bands.energies(&theirs, &mut there);
        bands.energies(&own, &mut here);
        here.iter_mut().zip(&there).for_each(|(h, t)| *h = gain(*t, *h));
        for (bin, (band, share)) in own.iter_mut().zip(&bands.places) {
            *bin *= here[*band] * (1.0 - share) + here[band + 1] * share;
        }
        short_time.add(&mut own, start, &mut out);
    }
    altered.iter_mut().zip(out).for_each(|(a, o)| *a = o as f32);
}

/// Amplitude that brings one energy to another.
fn gain(wanted: f64, present: f64) -> f64 {
    if present > 0.0 { (wanted / present).sqrt().clamp(1.0 / MOST, MOST) } else { 1.0 }
}

/// Bands as the two of each bin, and its share in the higher one.
struct Bands {
    count: usize,
    places: Vec<(usize, f64)>,
}

impl Bands {
    fn new(bins: usize, df_hz: f64) -> Self {
        let place = |bin: usize| {
            let place = bin as f64 * df_hz / BAND_HZ;
            (place.floor() as usize, 0.5 - 0.5 * (PI * place.fract()).cos())
        };
        let places: Vec<_> = (0..bins).map(place).collect();
        Self { count: places.last().map_or(0, |p| p.0) + 2, places }
    }

    fn energies(&self, spectrum: &[Complex64], out: &mut [f64]) {
        out.fill(0.0);
        for (bin, (band, share)) in spectrum.iter().zip(&self.places) {
            let power = bin.norm_sqr();
            out[*band] += (1.0 - share) * power;
            out[band + 1] += share * power;
        }
    }
}
