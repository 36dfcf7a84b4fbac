//! Synthetic speech-like signals in which one acoustic property carries the label: ground truth for methods of feature importance.
//!
//! A recording is four voiced syllables with pauses: an impulse train with an F0 contour, jitter and noise, through a source
//! shape and the resonances of changing vowels. Speakers differ in pitch, vocal tract and breath. Whatever does not carry the
//! label varies at random, and one other property goes with it in two thirds of the recordings: a decoy that is correlated with
//! the label, but less than what carries it.

use super::extract::features;
use super::pool::{Facts, Heard, Pool, Recording};
use crate::analyzer::FeatureSet;
use crate::features::catalogue::Group;
use crate::signal::RATE_HZ;
use crate::signal::random::Random;
use crate::statistics::streams::{Purpose, stream};
use rayon::prelude::*;
use std::f64::consts::{PI, TAU};

/// What carries the label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// Fundamental frequency.
    F0,
    /// Balance between low and high frequencies.
    Tilt,
    /// Modulation of the envelope.
    Modulation,
    /// Irregularity of the periods.
    Jitter,
    /// Nothing: labels are dealt out at random.
    Nothing,
}

impl Carrier {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::F0, Self::Tilt, Self::Modulation, Self::Jitter, Self::Nothing];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F0 => "f0",
            Self::Tilt => "tilt",
            Self::Modulation => "modulation",
            Self::Jitter => "jitter",
            Self::Nothing => "nothing",
        }
    }

    /// The carrier of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }

    /// The group of features that must come first.
    #[must_use]
    pub const fn group(self) -> Option<Group> {
        match self {
            Self::F0 => Some(Group::Frequency),
            Self::Tilt => Some(Group::SpectralBalance),
            Self::Modulation => Some(Group::Energy),
            Self::Jitter => Some(Group::VoiceQuality),
            Self::Nothing => None,
        }
    }

    /// What goes along with the label in two thirds of the recordings.
    const fn decoy(self) -> Self {
        match self {
            Self::F0 => Self::Tilt,
            _ => Self::F0,
        }
    }
}

/// Formants of four vowels, in Hz.
const VOWELS: [[f64; 4]; 4] = [
    [700.0, 1220.0, 2600.0, 3500.0],
    [480.0, 1900.0, 2550.0, 3500.0],
    [300.0, 2200.0, 2950.0, 3600.0],
    [450.0, 850.0, 2450.0, 3350.0],
];

/// One recording of the speaker whom `own` draws; `strength` says how far a property is moved: 1 for what carries the label, less for a decoy.
fn sound(own: &mut Random, moved: &[(Carrier, f64)], same_vowels: bool, r: &mut Random) -> Vec<f32> {
    let spread = if same_vowels { 0.02 } else { 0.05 };
    let by = |c: Carrier| moved.iter().filter(|m| m.0 == c).map(|m| m.1).sum::<f64>();
    let rate = f64::from(RATE_HZ);
    let (pitch, tract, breath) =
        (100.0 + 110.0 * own.uniform(), 0.9 + 0.25 * own.uniform(), 20.0 + 5.0 * own.uniform());
    let f0 = pitch * (0.03 * r.normal()).exp() * 1.35f64.powf(by(Carrier::F0));
    let jitter = 0.004 * (0.15 * r.normal()).exp() * 3.5f64.powf(by(Carrier::Jitter));
    let depth = 0.15 + 0.03 * r.normal() + 0.6 * by(Carrier::Modulation);
    let shelf = 0.05 * r.normal() + 0.7 * by(Carrier::Tilt);
    let first = r.below(VOWELS.len());
    let (accent, fall) = (0.02 + 0.01 * r.uniform(), 0.06 + 0.02 * r.normal());
    let phase = r.uniform();
    let mut out: Vec<f64> = vec![0.0; (0.06 * rate) as usize];
    for syllable in 0..4usize {
        let seconds = 0.26 + 0.03 * r.normal().clamp(-2.0, 2.0);
        let n = (seconds * rate) as usize;
        let mut x = vec![0.0; n];
        let mut t = 0.002;
        while t < seconds - 0.01 {
            let at = t * rate;
            let (i, part) = (at as usize, at.fract());
            x[i] += 1.0 - part;
            x[i + 1] += part;
            let contour = 1.0 + accent * (PI * t / seconds).sin() - fall * syllable as f64 / 4.0;
            t += (1.0 + jitter * r.normal()) / (f0 * contour);
        }
        // Breath goes the way of the voice, so that no filter moves the ratio of the two in any band.
        let breath = 10f64.powf(-breath / 20.0) * (x.iter().map(|v| v * v).sum::<f64>() / n as f64).sqrt();
        x.iter_mut().for_each(|v| *v += breath * r.normal());
        let pole = (-TAU * 80.0 / rate).exp();
        for _ in 0..2 {
            let mut y = 0.0;
            x.iter_mut().for_each(|v| {
                y = *v + pole * y;
                *v = y;
            });
        }
        let mut before = 0.0;
        x.iter_mut().for_each(|v| (before, *v) = (*v, *v - before));
        // What is said differs from recording to recording, and nobody says a vowel twice alike. Vowels differ in tilt by more than
        // voices do: where tilt carries the label all say the same ones, in an order of their own.
        let drawn = r.below(VOWELS.len());
        let vowel = VOWELS[if same_vowels { (first + syllable) % VOWELS.len() } else { drawn }];
        for (k, hz) in vowel.iter().enumerate() {
            let q = (-PI * (60.0 + 30.0 * k as f64) * (0.2 * r.normal()).exp() / rate).exp();
            let (c1, c2) = (2.0 * q * (TAU * hz * tract * (spread * r.normal()).exp() / rate).cos(), q * q);
            let (mut y1, mut y2) = (0.0, 0.0);
            for v in &mut x {
                let y = (1.0 - c1 + c2) * *v + c1 * y1 - c2 * y2;
                (y2, y1) = (y1, y);
                *v = y;
            }
        }
        let power = (x.iter().map(|v| v * v).sum::<f64>() / n as f64).sqrt().max(1e-12);
        for (k, v) in x.iter_mut().enumerate() {
            let edge = (k.min(n - 1 - k) as f64 / (0.02 * rate)).min(1.0);
            *v = *v / power * (0.5 - 0.5 * (PI * edge).cos());
        }
        out.extend(x);
        out.extend(std::iter::repeat_n(0.0, (0.05 * rate) as usize));
    }
    // A shelf of first order, then the modulation at about the pace of syllables, then the same level for all, about.
    let mut last = 0.0;
    for v in &mut out {
        let y = *v - shelf * last;
        last = *v;
        *v = y;
    }
    for (k, v) in out.iter_mut().enumerate() {
        *v *= 1.0 + depth.clamp(0.0, 0.95) * (TAU * (11.0 * k as f64 / rate + phase)).sin();
    }
    let rms = (out.iter().map(|v| v * v).sum::<f64>() / out.len() as f64).sqrt().max(1e-12);
    let gain = 0.05 / rms * (0.1 * r.normal()).exp();
    out.iter().map(|v| (v * gain + 1e-5 * r.normal()) as f32).collect()
}

/// A corpus of `speakers` people with `recordings` recordings each, half of them labelled `on`.
#[must_use]
pub fn pool(carrier: Carrier, speakers: usize, recordings: usize, seed: u64) -> Pool {
    let set = FeatureSet::default();
    let mut pool = Pool::of(set.name(), set.version(), set.functionals());
    let jobs: Vec<(usize, usize)> = (0..speakers).flat_map(|s| (0..recordings).map(move |k| (s, k))).collect();
    let made: Vec<(Recording, Vec<Option<f32>>, f64)> = jobs
        .into_par_iter()
        .map(|(s, k)| {
            let mut r = stream(seed, Purpose::Recordings, (s * recordings + k) as u64);
            let on = if carrier == Carrier::Nothing { r.uniform() < 0.5 } else { k % 2 == 1 };
            let along = (r.uniform() < 2.0 / 3.0) == on;
            let mut moved = vec![(carrier.decoy(), if along { 0.5 } else { 0.0 })];
            if on && carrier != Carrier::Nothing {
                moved.push((carrier, 1.0));
            }
            if carrier == Carrier::Nothing {
                moved.clear();
            }
            let mut own = stream(seed, Purpose::Voices, s as u64);
            let samples = sound(&mut own, &moved, carrier == Carrier::Tilt, &mut r);
            // One finite channel at the analysis rate is never refused; were it, every feature would be undefined.
            let (values, speech_s) = features(&samples, RATE_HZ, FeatureSet::default())
                .unwrap_or((vec![None; set.functionals().len()], 0.0));
            let recording = Recording {
                file: format!("{s:02}-{k:03}"),
                corpus: format!("planted {}", carrier.name()),
                speaker: format!("{s:02}"),
                label: if on { "on" } else { "off" }.to_owned(),
                audio: format!("{seed}-{s}-{k}"),
                facts: Facts::of(&samples, RATE_HZ),
                ..Recording::default()
            };
            (recording, values, speech_s)
        })
        .collect();
    let mut heard = Heard { condition: "clean".to_owned(), ..Heard::default() };
    for (r, values, speech) in made {
        pool.recordings.push(r);
        heard.values.push(values);
        heard.speech_s.push(speech);
    }
    pool.heard.push(heard);
    pool
}
