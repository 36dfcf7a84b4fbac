//! Acoustic conditions that recordings are put under: none, noise, reverberation, a telephone line or codec.
//!
//! Noise and rooms are made here from seeds, so that the same recording sounds the same every time. Lines and codecs are
//! GStreamer's: whoever decodes runs them.

use crate::signal::random::Random;
use realfft::RealFftPlanner;
use std::fmt;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// As recorded.
    Clean,
    /// Noise of a colour at a signal-to-noise ratio in dB, over the whole recording.
    Noise(Colour, f64),
    /// A room with a reverberation time in seconds (the time in which sound falls by 60 dB).
    Room(f64),
    /// Elements of a GStreamer pipeline, such as `opusenc bitrate=12000 ! opusdec`.
    Pipeline(String),
}

/// Colours of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// The same power at all frequencies.
    White,
    /// The same power in all octaves.
    Pink,
}

/// What a telephone line of the narrow band does: 300 to 3400 Hz, 8 kHz, G.711.
const TELEPHONE: &str = "audiochebband mode=band-pass lower-frequency=300 upper-frequency=3400 poles=8 \
    ! audioconvert dithering=none ! audioresample ! audio/x-raw,format=S16LE,rate=8000,channels=1 ! mulawenc ! mulawdec";

/// A text that names no condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCondition(
    /// The text.
    pub String,
);

impl fmt::Display for UnknownCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "condition \"{}\": expected clean, telephone, noise:white:DB, noise:pink:DB, room:SECONDS or codec:ELEMENTS",
            self.0
        )
    }
}

impl std::error::Error for UnknownCondition {}

impl Condition {
    /// The condition of a text: `clean`, `telephone`, `noise:pink:10`, `room:0.6`, `codec:opusenc bitrate=12000 ! opusdec`.
    ///
    /// # Errors
    /// [`UnknownCondition`] that says what is expected.
    pub fn parse(text: &str) -> Result<Self, UnknownCondition> {
        let unknown = || UnknownCondition(text.to_owned());
        let number = |t: &str| t.parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(unknown);
        let mut parts = text.splitn(2, ':');
        match (parts.next(), parts.next()) {
            (Some("clean"), None) => Ok(Self::Clean),
            (Some("telephone"), None) => Ok(Self::Pipeline(TELEPHONE.to_owned())),
            (Some("codec"), Some(line)) if !line.trim().is_empty() => Ok(Self::Pipeline(line.to_owned())),
            (Some("room"), Some(t)) => {
                Ok(Self::Room(number(t).ok().filter(|t| (0.05..=10.0).contains(t)).ok_or_else(unknown)?))
            }
            (Some("noise"), Some(rest)) => match rest.split_once(':') {
                Some(("white", db)) => Ok(Self::Noise(Colour::White, number(db)?)),
                Some(("pink", db)) => Ok(Self::Noise(Colour::Pink, number(db)?)),
                _ => Err(unknown()),
            },
            _ => Err(unknown()),
        }
    }

    /// The sound under the condition. A pipeline is not run here: the sound comes back as it is.
    #[must_use]
    pub fn apply(&self, samples: &[f32], rate_hz: u32, seed: u64) -> Vec<f32> {
        match self {
            Self::Clean | Self::Pipeline(_) => samples.to_vec(),
            Self::Noise(colour, db) => noisy(samples, *colour, *db, seed),
            Self::Room(t60) => convolved(samples, &room(*t60, rate_hz, seed)),
        }
    }
}

/// Samples that are not exactly zero say how loud the recording is: padding does not count.
fn power(samples: &[f32]) -> f64 {
    let heard = samples.iter().filter(|s| **s != 0.0);
    let (sum, n) = heard.fold((0.0, 0.0f64), |a, s| (a.0 + f64::from(*s).powi(2), a.1 + 1.0));
    sum / n.max(1.0)
}

fn noisy(samples: &[f32], colour: Colour, db: f64, seed: u64) -> Vec<f32> {
    let mut random = Random(seed.wrapping_mul(2) | 1);
    let mut noise: Vec<f64> = (0..samples.len()).map(|_| random.normal()).collect();
    if colour == Colour::Pink {
        // Kellet's refined filter: within 0.05 dB of -3 dB per octave above 10 Hz at 44.1 kHz; near enough elsewhere.
        let mut b = [0.0f64; 7];
        for v in &mut noise {
            let w = *v;
            for (k, (pole, gain)) in [
                (0.998_86, 0.055_517_9),
                (0.993_32, 0.075_075_9),
                (0.969, 0.153_852),
                (0.866_5, 0.310_485_6),
                (0.55, 0.532_952_2),
                (-0.761_6, -0.016_898),
            ]
            .into_iter()
            .enumerate()
            {
                b[k] = pole * b[k] + gain * w;
            }
            *v = b[..6].iter().sum::<f64>() + b[6] + 0.536_2 * w;
            b[6] = 0.115_926 * w;
        }
    }
    let noise_power = noise.iter().map(|v| v * v).sum::<f64>() / noise.len().max(1) as f64;
    let gain = (power(samples) / noise_power.max(1e-300) * 10f64.powf(-db / 10.0)).sqrt();
    samples.iter().zip(&noise).map(|(s, n)| s + (gain * n) as f32).collect()
}

/// A room: the direct sound, and a diffuse tail that begins after 5 ms, falls by 60 dB in `t60` seconds and has as much energy as
/// the direct sound (a listener at the critical distance).
fn room(t60: f64, rate_hz: u32, seed: u64) -> Vec<f64> {
    let rate = f64::from(rate_hz);
    let mut random = Random(seed.wrapping_mul(2) | 1);
    let fall = 6.907_755 / (t60 * rate);
    let start = (0.005 * rate) as usize;
    let mut out: Vec<f64> = (0..(t60 * rate) as usize + 1)
        .map(|k| if k < start { 0.0 } else { random.normal() * (-fall * k as f64).exp() })
        .collect();
    let tail = out.iter().map(|v| v * v).sum::<f64>().max(1e-300).sqrt();
    out.iter_mut().for_each(|v| *v /= tail);
    out[0] = 1.0;
    out
}

/// The sound through an impulse response, as long as the sound itself.
fn convolved(samples: &[f32], response: &[f64]) -> Vec<f32> {
    let n = (samples.len() + response.len()).next_power_of_two().max(2);
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(n), planner.plan_fft_inverse(n));
    let transform = |list: Vec<f64>| {
        let mut input = list;
        input.resize(n, 0.0);
        let mut out = forward.make_output_vec();
        // Lengths are those of the plan.
        let _ = forward.process(&mut input, &mut out);
        out
    };
    let a = transform(samples.iter().map(|s| f64::from(*s)).collect());
    let mut product: Vec<_> = transform(response.to_vec()).iter().zip(&a).map(|(x, y)| x * y).collect();
    let mut out = inverse.make_output_vec();
    // The first and last bins of a real signal are real; rounding may have left a trace.
    for end in [0, product.len() - 1] {
        product[end].im = 0.0;
    }
    let _ = inverse.process(&mut product, &mut out);
    out[..samples.len()].iter().map(|v| (v / n as f64) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone() -> Vec<f32> {
        (0..16_000).map(|n| (f64::from(n) * 0.2).sin() as f32 * 0.1).collect()
    }

    #[test]
    fn texts() {
        assert_eq!(Condition::parse("noise:pink:-5"), Ok(Condition::Noise(Colour::Pink, -5.0)));
        assert_eq!(Condition::parse("codec:a:b ! c"), Ok(Condition::Pipeline("a:b ! c".into())));
        for bad in ["", "noisy", "noise:blue:3", "noise:pink:x", "room:99", "codec:", "clean:1", "noise:white:nan"] {
            assert!(Condition::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn noise_has_the_ratio_asked_for_and_repeats() {
        let x = tone();
        for colour in [Colour::White, Colour::Pink] {
            let c = Condition::Noise(colour, 10.0);
            let y = c.apply(&x, 16_000, 4);
            let noise: Vec<f32> = y.iter().zip(&x).map(|(a, b)| a - b).collect();
            let db = 10.0 * (power(&x) / power(&noise)).log10();
            assert!((db - 10.0).abs() < 0.05, "{db}");
            assert_eq!(y, c.apply(&x, 16_000, 4));
            assert_ne!(y, c.apply(&x, 16_000, 5));
        }
    }

    /// Against the sum that defines convolution; and the tail falls as it should.
    #[test]
    fn rooms() {
        let x: Vec<f32> = tone()[..300].to_vec();
        let h = room(0.05, 16_000, 2);
        let y = convolved(&x, &h);
        for n in [0, 10, 299] {
            let direct: f64 = (0..=n).map(|k| h.get(k).copied().unwrap_or(0.0) * f64::from(x[n - k])).sum();
            assert!((f64::from(y[n]) - direct).abs() < 1e-6, "{n}");
        }
        let h = room(0.5, 16_000, 2);
        let energy = |r: std::ops::Range<usize>| h[r].iter().map(|v| v * v).sum::<f64>();
        let fall = 10.0 * (energy(800..2400) / energy(4800..6400)).log10();
        assert!((fall - 30.0).abs() < 3.0, "{fall} dB in a quarter of a second");
    }
}
