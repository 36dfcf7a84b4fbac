//! Sounds that are no speech: call progress, dialling, modems, notes and noise, at 16 kHz, from their definitions.
#![allow(dead_code, reason = "each test takes a part")]

use std::f64::consts::TAU;

pub const RATE: f64 = 16_000.0;

/// Numbers that are the same everywhere.
pub struct Random(pub u64);

impl Random {
    /// 0 to 1.
    pub fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// -1 to 1, the sum of four: nearly normal, deviation 0.29.
    pub fn noise(&mut self) -> f64 {
        (0..4).map(|_| self.unit()).sum::<f64>() / 2.0 - 1.0
    }

    pub fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n - 1)
    }
}

/// Frequencies in Hz, and for how long; none is a pause.
pub type Part = (&'static [f64], f64);

/// Call-progress tones after ITU-T E.180 and its supplement: country, use, one turn of the cadence.
pub const CALL_PROGRESS: &[(&str, &[Part])] = &[
    ("US dial", &[(&[350.0, 440.0], 1.0)]),
    ("US ringback", &[(&[440.0, 480.0], 2.0), (&[], 4.0)]),
    ("US busy", &[(&[480.0, 620.0], 0.5), (&[], 0.5)]),
    ("US congestion", &[(&[480.0, 620.0], 0.25), (&[], 0.25)]),
    ("US information", &[(&[913.8], 0.274), (&[1370.6], 0.274), (&[1776.7], 0.38), (&[], 1.0)]),
    ("UK dial", &[(&[350.0, 440.0], 1.0)]),
    ("UK ringback", &[(&[400.0, 450.0], 0.4), (&[], 0.2), (&[400.0, 450.0], 0.4), (&[], 2.0)]),
    ("UK busy", &[(&[400.0], 0.375), (&[], 0.375)]),
    ("UK congestion", &[(&[400.0], 0.4), (&[], 0.35), (&[400.0], 0.225), (&[], 0.525)]),
    ("Germany dial", &[(&[425.0], 1.0)]),
    ("Germany ringback", &[(&[425.0], 1.0), (&[], 4.0)]),
    ("Germany busy", &[(&[425.0], 0.48), (&[], 0.48)]),
    ("Germany congestion", &[(&[425.0], 0.24), (&[], 0.24)]),
    ("information", &[(&[950.0], 0.33), (&[1400.0], 0.33), (&[1800.0], 0.33), (&[], 1.0)]),
    ("France dial", &[(&[440.0], 1.0)]),
    ("France ringback", &[(&[440.0], 1.5), (&[], 3.5)]),
    ("France busy", &[(&[440.0], 0.5), (&[], 0.5)]),
    ("Japan dial", &[(&[400.0], 1.0)]),
    ("Japan ringback", &[(&[384.0, 400.0, 416.0], 1.0), (&[], 2.0)]),
    ("Japan busy", &[(&[400.0], 0.5), (&[], 0.5)]),
    ("Italy dial", &[(&[425.0], 0.2), (&[], 0.2), (&[425.0], 0.6), (&[], 1.0)]),
    ("Italy ringback", &[(&[425.0], 1.0), (&[], 4.0)]),
    ("Italy congestion", &[(&[425.0], 0.2), (&[], 0.2)]),
    ("Australia dial", &[(&[413.0, 438.0], 1.0)]),
    ("Australia ringback", &[(&[413.0, 438.0], 0.4), (&[], 0.2), (&[413.0, 438.0], 0.4), (&[], 2.0)]),
    ("Australia busy", &[(&[425.0], 0.375), (&[], 0.375)]),
    ("Spain ringback", &[(&[425.0], 1.5), (&[], 3.0)]),
    ("Spain busy", &[(&[425.0], 0.2), (&[], 0.2)]),
];

/// `seconds` of a cadence; phases go on.
pub fn cadence(turn: &[Part], seconds: f64) -> Vec<f64> {
    let whole: f64 = turn.iter().map(|p| p.1).sum();
    (0..(seconds * RATE) as usize)
        .map(|i| {
            let t = i as f64 / RATE;
            let mut at = t % whole;
            let part = turn.iter().find(|p| {
                let here = at < p.1;
                at -= p.1;
                here
            });
            let hz = part.map_or(&[][..], |p| p.0);
            hz.iter().map(|f| (TAU * f * t).sin()).sum::<f64>() / hz.len().max(1) as f64
        })
        .collect()
}

/// Touch tones of random keys.
pub fn dtmf(on_s: f64, off_s: f64, seconds: f64, r: &mut Random) -> Vec<f64> {
    let (low, high) = ([697.0, 770.0, 852.0, 941.0], [1209.0, 1336.0, 1477.0, 1633.0]);
    let mut out = Vec::new();
    while (out.len() as f64) < seconds * RATE {
        let (a, b) = (low[r.below(4)], high[r.below(4)]);
        out.extend((0..(on_s * RATE) as usize).map(|i| {
            let t = i as f64 / RATE;
            ((TAU * a * t).sin() + (TAU * b * t).sin()) / 2.0
        }));
        out.extend(std::iter::repeat_n(0.0, (off_s * RATE) as usize));
    }
    out
}

/// Frequency-shift keying; `bit` says what is sent.
pub fn fsk(zero_hz: f64, one_hz: f64, baud: f64, seconds: f64, mut bit: impl FnMut(usize) -> bool) -> Vec<f64> {
    let (mut phase, mut now, mut value) = (0.0, usize::MAX, false);
    (0..(seconds * RATE) as usize)
        .map(|i| {
            let symbol = (i as f64 * baud / RATE) as usize;
            if symbol != now {
                (now, value) = (symbol, bit(symbol));
            }
            phase += TAU * if value { one_hz } else { zero_hz } / RATE;
            f64::sin(phase)
        })
        .collect()
}

/// Scrambled phase shifts of a carrier, shaped by a raised cosine: what a modem sends.
pub fn qam(carrier_hz: f64, baud: f64, seconds: f64, r: &mut Random) -> Vec<f64> {
    let count = (seconds * baud) as usize + 8;
    let symbols: Vec<(f64, f64)> =
        (0..count).map(|_| (r.below(4) as f64 * 2.0 - 3.0, r.below(4) as f64 * 2.0 - 3.0)).collect();
    (0..(seconds * RATE) as usize)
        .map(|i| {
            let t = i as f64 / RATE;
            let (mut re, mut im) = (0.0, 0.0);
            let at = t * baud;
            for k in (at as usize).saturating_sub(3)..(at as usize + 5).min(count) {
                let x = at - k as f64;
                let sinc = if x.abs() < 1e-9 { 1.0 } else { (TAU / 2.0 * x).sin() / (TAU / 2.0 * x) };
                let shape = sinc * (0.5 + 0.5 * (TAU / 2.0 * x / 5.0).cos());
                re += symbols[k].0 * shape;
                im += symbols[k].1 * shape;
            }
            (re * (TAU * carrier_hz * t).cos() - im * (TAU * carrier_hz * t).sin()) / 6.0
        })
        .collect()
}

/// How a note sounds.
#[derive(Debug, Clone, Copy)]
pub enum Instrument {
    /// A string, plucked (Karplus and Strong 1983).
    Plucked,
    /// Even partials, no decay.
    Organ,
    /// Many partials with vibrato.
    Bowed,
    /// Partials that decay, the upper ones faster.
    Struck,
}

pub const INSTRUMENTS: [Instrument; 4] =
    [Instrument::Plucked, Instrument::Organ, Instrument::Bowed, Instrument::Struck];

pub fn note(instrument: Instrument, hz: f64, seconds: f64, r: &mut Random) -> Vec<f64> {
    let n = (seconds * RATE) as usize;
    if matches!(instrument, Instrument::Plucked) {
        let mut line: Vec<f64> = (0..(RATE / hz) as usize).map(|_| r.unit() * 2.0 - 1.0).collect();
        let period = line.len();
        return (0..n)
            .map(|i| {
                let k = i % period;
                let out = line[k];
                line[k] = 0.498 * (line[k] + line[(k + 1) % period]);
                out
            })
            .collect();
    }
    let partials = ((7_000.0 / hz) as usize).clamp(1, 16);
    let phase: Vec<f64> = (0..=partials).map(|_| r.unit() * TAU).collect();
    (0..n)
        .map(|i| {
            let t = i as f64 / RATE;
            let edge = (t / 0.02).min((seconds - t) / 0.02).clamp(0.0, 1.0);
            let vibrato = if matches!(instrument, Instrument::Bowed) {
                0.01 / 5.5 * (1.0 - (5.5 * TAU * t).cos()) / TAU
            } else {
                0.0
            };
            let of = |k: usize| {
                let x = (TAU * hz * k as f64 * (t + vibrato) + phase[k]).sin();
                x * match instrument {
                    Instrument::Organ => [1.0, 0.8, 0.6, 0.5, 0.3, 0.2, 0.1].get(k - 1).copied().unwrap_or(0.0),
                    Instrument::Struck => (-t * (1.0 + 0.6 * k as f64)).exp() / k as f64,
                    _ => 1.0 / k as f64,
                }
            };
            edge * (1..=partials).map(of).sum::<f64>() / 2.5
        })
        .collect()
}

/// Notes of a major scale at random, or chords of three, `bpm` beats a minute.
pub fn music(instrument: Instrument, chords: bool, bpm: f64, seconds: f64, r: &mut Random) -> Vec<f64> {
    let scale = [0, 2, 4, 5, 7, 9, 11];
    let mut out = vec![0.0; ((seconds + 4.0) * RATE) as usize];
    let (mut t, mut degree) = (0.0, 7usize);
    while t < seconds {
        let beats = if chords { 2.0 } else { [0.5, 0.5, 1.0, 2.0][r.below(4)] };
        let length = beats * 60.0 / bpm;
        degree = (degree + r.below(7)).saturating_sub(3).min(16);
        for voice in if chords { &[0, 2, 4][..] } else { &[0] } {
            let step = degree + voice;
            let key = 48 + 12 * (step / 7) + scale[step % 7];
            let hz = 440.0 * 2f64.powf((key as f64 - 69.0) / 12.0);
            let at = (t * RATE) as usize;
            for (o, x) in out[at..].iter_mut().zip(note(instrument, hz, length.min(4.0), r)) {
                *o += x;
            }
        }
        t += length;
    }
    out.truncate((seconds * RATE) as usize);
    out
}

/// The sound with its largest sample at `peak_db` of full scale, as 16-bit samples.
pub fn at_level(x: &[f64], peak_db: f64) -> Vec<i16> {
    let peak = x.iter().fold(1e-9f64, |a, v| a.max(v.abs()));
    let gain = 10f64.powf(peak_db / 20.0) / peak * 32_767.0;
    x.iter().map(|v| (v * gain).round() as i16).collect()
}

/// Every second sample, after a band of 300 to 3400 Hz: a telephone line without its codec.
pub fn telephone(x: &[f64]) -> Vec<f64> {
    let mut y = x.to_vec();
    for (hz, high) in [(300.0, true), (300.0, true), (3_400.0, false), (3_400.0, false)] {
        biquad(&mut y, hz, high);
    }
    y.into_iter().step_by(2).collect()
}

/// A second-order Butterworth filter (bilinear transform).
fn biquad(x: &mut [f64], hz: f64, high: bool) {
    let k = (TAU / 2.0 * hz / RATE).tan();
    let norm = 1.0 / (1.0 + k * std::f64::consts::SQRT_2 + k * k);
    let (b0, b1) = if high { (norm, -2.0 * norm) } else { (k * k * norm, 2.0 * k * k * norm) };
    let (a1, a2) = (2.0 * (k * k - 1.0) * norm, (1.0 - k * std::f64::consts::SQRT_2 + k * k) * norm);
    let (mut s1, mut s2) = (0.0, 0.0);
    for v in x {
        let y = b0 * *v + s1;
        s1 = b1 * *v - a1 * y + s2;
        s2 = b0 * *v - a2 * y;
        *v = y;
    }
}
