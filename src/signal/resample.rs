//! Any rate from 8 to 192 kHz to 16 kHz, one channel at a time.
//!
//! 16 kHz passes through untouched. Rates that share a large factor with 16 kHz use rubato's FFT resampler, others
//! its windowed-sinc one. Both are fed fixed chunks, so the output does not depend on how the input was cut.

use super::RATE_HZ;
use super::clock::rescale;
use crate::error::InputError;
use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Async, Fft, FixedAsync, FixedSync, Resampler as _, SincInterpolationParameters, WindowFunction};

/// Lowest accepted input rate, in Hz.
pub const MIN_RATE_HZ: u32 = 8_000;
/// Highest accepted input rate, in Hz.
pub const MAX_RATE_HZ: u32 = 192_000;

/// Input frames of a windowed-sinc chunk.
const SINC_CHUNK: usize = 512;
/// Length of the sinc filter, at the lower of the two rates.
const SINC_LENGTH: usize = 128;
/// Longest block of the FFT resampler, in input or output samples; beyond it the sinc resampler takes over.
const FFT_BLOCK: usize = 1024;

/// Resamples one channel to 16 kHz; output sample `n` lies at time `n / 16000 s` of the input.
#[derive(Debug)]
pub struct Resampler {
    rate_hz: u32,
    kind: Kind,
    input: Vec<f32>,
    output: Vec<f32>,
    chunk: usize,
    lead: usize,
    skip: usize,
    delay: usize,
    consumed: u64,
    produced: u64,
}

enum Kind {
    Same,
    Fft(Box<Fft<f32>>),
    Sinc(Box<Async<f32>>),
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Same => "Same",
            Self::Fft(_) => "Fft",
            Self::Sinc(_) => "Sinc",
        })
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The sinc resampler delays by half its filter less one output step, in general not by whole output samples.
///
/// Returns how many zeros ahead of the input make the delay (nearly) whole, and that delay in output samples.
fn whole_delay(filter: usize, ratio: f64) -> (usize, usize) {
    let outputs = |lead: usize| (filter / 2 + lead) as f64 * ratio;
    let distance = |lead: usize| (outputs(lead) - outputs(lead).round()).abs();
    let lead = (0..SINC_CHUNK).min_by(|a, b| distance(*a).total_cmp(&distance(*b))).unwrap_or(0);
    (lead, (outputs(lead).round() as usize).saturating_sub(1))
}

fn lead_in(mut input: Vec<f32>, lead: usize) -> Vec<f32> {
    input.clear();
    input.resize(lead, 0.0);
    input
}

impl Resampler {
    /// A resampler from `rate_hz` to 16 kHz.
    ///
    /// # Errors
    /// [`InputError::Rate`] outside 8 to 192 kHz.
    pub fn new(rate_hz: u32) -> Result<Self, InputError> {
        let refused = |_| InputError::Rate { found: rate_hz };
        if !(MIN_RATE_HZ..=MAX_RATE_HZ).contains(&rate_hz) {
            return Err(InputError::Rate { found: rate_hz });
        }
        let shared = gcd(rate_hz, RATE_HZ);
        let (unit_in, unit_out) = ((rate_hz / shared) as usize, (RATE_HZ / shared) as usize);
        let unit = unit_in.max(unit_out);
        let (kind, delay, lead) = if rate_hz == RATE_HZ {
            (Kind::Same, 0, 0)
        } else if unit <= FFT_BLOCK {
            // An even number of units puts the filter's centre, and so the delay, on a whole sample at both rates.
            let chunk = unit_in * 2 * (FFT_BLOCK / unit).div_ceil(2);
            let fft = Fft::new_custom(
                rate_hz as usize,
                RATE_HZ as usize,
                chunk,
                1,
                1,
                WindowFunction::BlackmanHarris2,
                FixedSync::Both,
            )
            .map_err(refused)?;
            let delay = fft.output_delay();
            (Kind::Fft(Box::new(fft)), delay, 0)
        } else {
            let ratio = f64::from(RATE_HZ) / f64::from(rate_hz);
            let length = (SINC_LENGTH as f64 * (1.0 / ratio).max(1.0)).ceil() as usize;
            let parameters = SincInterpolationParameters::new(length, WindowFunction::BlackmanHarris2);
            let sinc = Async::new_sinc(ratio, 1.0, &parameters, SINC_CHUNK, 1, FixedAsync::Input).map_err(refused)?;
            let (lead, delay) = whole_delay(length.next_multiple_of(8), ratio);
            (Kind::Sinc(Box::new(sinc)), delay, lead)
        };
        let (chunk, largest) = match &kind {
            Kind::Same => (0, 0),
            Kind::Fft(fft) => (fft.input_frames_next(), fft.output_frames_max()),
            Kind::Sinc(sinc) => (sinc.input_frames_next(), sinc.output_frames_max()),
        };
        Ok(Self {
            rate_hz,
            kind,
            input: lead_in(Vec::with_capacity(chunk), lead),
            lead,
            output: vec![0.0; largest],
            chunk,
            skip: delay,
            delay,
            consumed: 0,
            produced: 0,
        })
    }

    /// The input rate, in Hz.
    #[must_use]
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// How far a single input sample reaches to either side in the output, in samples at 16 kHz.
    #[must_use]
    pub fn reach(&self) -> usize {
        self.delay
    }

    /// How long an input sample may wait before its output appears, in samples at 16 kHz.
    #[must_use]
    pub fn latency(&self) -> usize {
        self.delay + rescale(self.chunk as u64, u64::from(self.rate_hz), u64::from(RATE_HZ)) as usize
    }

    /// Takes samples and hands on what can be produced. Allocates nothing.
    pub fn push(&mut self, mut samples: &[f32], mut sink: impl FnMut(&[f32])) {
        self.consumed += samples.len() as u64;
        if matches!(self.kind, Kind::Same) {
            self.produced += samples.len() as u64;
            sink(samples);
            return;
        }
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.chunk - self.input.len()));
            self.input.extend_from_slice(now);
            samples = later;
            if self.input.len() == self.chunk {
                self.convert(u64::MAX, &mut sink);
            }
        }
    }

    /// Hands on the rest: in total `floor(input * 16000 / rate)` samples.
    pub fn finish(&mut self, mut sink: impl FnMut(&[f32])) {
        if matches!(self.kind, Kind::Same) {
            return;
        }
        let total = rescale(self.consumed, u64::from(self.rate_hz), u64::from(RATE_HZ));
        while self.produced < total {
            self.input.resize(self.chunk, 0.0);
            let before = (self.produced, self.skip);
            self.convert(total, &mut sink);
            if (self.produced, self.skip) == before {
                break;
            }
        }
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        match &mut self.kind {
            Kind::Same => {}
            Kind::Fft(fft) => fft.reset(),
            Kind::Sinc(sinc) => sinc.reset(),
        }
        self.input = lead_in(std::mem::take(&mut self.input), self.lead);
        self.skip = self.delay;
        self.consumed = 0;
        self.produced = 0;
    }

    fn convert(&mut self, limit: u64, sink: &mut impl FnMut(&[f32])) {
        let frames = self.output.len();
        let done = SequentialSlice::new(&self.input, 1, self.chunk)
            .ok()
            .zip(SequentialSlice::new_mut(&mut self.output, 1, frames).ok())
            .and_then(|(input, mut output)| match &mut self.kind {
                Kind::Same => None,
                Kind::Fft(fft) => fft.process_into_buffer(&input, &mut output, None).ok(),
                Kind::Sinc(sinc) => sinc.process_into_buffer(&input, &mut output, None).ok(),
            });
        self.input.clear();
        // Chunk and buffer have the sizes that the resampler itself asked for, so it cannot refuse them.
        debug_assert!(done.is_some());
        let made = done.map_or(0, |(_, out)| out);
        let skipped = self.skip.min(made);
        self.skip -= skipped;
        let ready = &self.output[skipped..made];
        let room = usize::try_from(limit - self.produced).unwrap_or(usize::MAX);
        let ready = &ready[..ready.len().min(room)];
        self.produced += ready.len() as u64;
        if !ready.is_empty() {
            sink(ready);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    fn whole(rate: u32, input: &[f32], cuts: &[usize]) -> Vec<f32> {
        let mut r = Resampler::new(rate).unwrap();
        let mut out = Vec::new();
        let mut rest = input;
        let mut cuts = cuts.iter().cycle();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            r.push(now, |s| out.extend_from_slice(s));
            rest = later;
        }
        r.finish(|s| out.extend_from_slice(s));
        out
    }

    /// A sine keeps its frequency, amplitude and place in time: compared with the same sine written at 16 kHz.
    #[test]
    fn a_sine_stays_where_it_is() {
        for rate in
            [8_000u32, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 37_123, 44_100, 48_000, 96_000, 191_999, 192_000]
        {
            let n = rate as usize;
            let f = 1_234.5;
            let input: Vec<f32> = (0..n).map(|i| (TAU * f * i as f64 / f64::from(rate)).sin() as f32).collect();
            let out = whole(rate, &input, &[1000]);
            assert_eq!(out.len(), 16_000, "rate {rate}");
            let mut worst = 0.0f64;
            for (i, y) in out.iter().enumerate().skip(2000).take(12_000) {
                let expected = (TAU * f * i as f64 / 16_000.0).sin();
                worst = worst.max((f64::from(*y) - expected).abs());
            }
            assert!(worst < if rate == 16_000 { 1e-7 } else { 2e-3 }, "rate {rate}: {worst}");
        }
    }

    /// What 16 kHz cannot hold is at least 80 dB down.
    #[test]
    fn frequencies_above_8_khz_do_not_fold_back() {
        for rate in [24_000u32, 44_100, 48_000, 96_000, 191_999] {
            let input: Vec<f32> =
                (0..rate as usize).map(|i| (TAU * 9_500.0 * i as f64 / f64::from(rate)).sin() as f32).collect();
            let out = whole(rate, &input, &[4096]);
            let peak = out[2000..14_000].iter().fold(0.0f32, |m, x| m.max(x.abs()));
            assert!(peak < 1e-4, "rate {rate}: {peak}");
        }
    }

    #[test]
    fn the_same_rate_passes_bit_exactly() {
        let input: Vec<f32> = (0..999).map(|i| (i as f32).sin()).collect();
        assert_eq!(whole(16_000, &input, &[7]), input);
    }

    #[test]
    fn rates_outside_the_range_are_refused() {
        for rate in [0, 7_999, 192_001] {
            assert_eq!(Resampler::new(rate).err(), Some(InputError::Rate { found: rate }));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn cuts_and_reset_do_not_matter(
            rate in prop::sample::select(vec![8_000u32, 11_025, 44_100, 48_000, 37_123]),
            n in 0usize..6000,
            cuts in prop::collection::vec(1usize..700, 1..8),
        ) {
            let input: Vec<f32> = (0..n).map(|i| ((i * i % 977) as f32 / 977.0) - 0.5).collect();
            let expected = whole(rate, &input, &[usize::MAX]);
            prop_assert_eq!(expected.len() as u64, n as u64 * 16_000 / u64::from(rate));
            prop_assert_eq!(&whole(rate, &input, &cuts), &expected);
            let mut r = Resampler::new(rate).unwrap();
            r.push(&input, |_| {});
            r.reset();
            let mut again = Vec::new();
            r.push(&input, |s| again.extend_from_slice(s));
            r.finish(|s| again.extend_from_slice(s));
            prop_assert_eq!(&again, &expected);
        }
    }
}
