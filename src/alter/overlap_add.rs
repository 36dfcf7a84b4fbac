//! Pitch-synchronous overlap-add (Moulines and Charpentier, Speech Communication 9, 1990): the pieces of a voice, each at its new
//! place, between samples too, under a window that reaches to its neighbours.

use super::marks::Mark;
use std::f64::consts::PI;

/// Samples on each side of a place between samples that its value is made of.
const SIDE: usize = 24;
/// Nearer than this to a sample is on it.
const ON_IT: f64 = 1e-6;

/// A piece of the input at its new place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    /// Index of its mark.
    pub source: usize,
    /// Its centre in the output, in samples.
    pub at: f64,
    /// Gain.
    pub gain: f64,
    /// How much faster time runs in it.
    pub speed: f64,
    /// Time runs backwards in it.
    pub backwards: bool,
}

/// All pieces, which are in order, added up.
pub(super) fn overlap_add(x: &[f32], marks: &[Mark], pieces: &[Piece], length: usize) -> Vec<f32> {
    let mut out = vec![0.0f64; length];
    for (k, piece) in pieces.iter().enumerate() {
        let room =
            |a: Option<&Piece>, b: Option<&Piece>| a.zip(b).map_or(f64::INFINITY, |(a, b)| (b.at - a.at).max(0.0));
        let before = k.checked_sub(1).and_then(|i| pieces.get(i));
        add(x, marks, piece, (room(before, Some(piece)), room(Some(piece), pieces.get(k + 1))), &mut out);
    }
    out.into_iter().map(|v| v as f32).collect()
}

/// Adds a piece under a raised cosine that ends at the neighbouring marks of the input or, where they are nearer, of the output.
fn add(x: &[f32], marks: &[Mark], piece: &Piece, room: (f64, f64), out: &mut [f64]) {
    let here = marks[piece.source].at;
    let mut left = piece.source.checked_sub(1).map_or(0.0, |i| here - marks[i].at) / piece.speed;
    let mut right = marks.get(piece.source + 1).map_or(0.0, |next| next.at - here) / piece.speed;
    if piece.backwards {
        std::mem::swap(&mut left, &mut right);
    }
    // Where formants move, the whole of two periods tells them best.
    if piece.speed == 1.0 {
        (left, right) = (left.min(room.0), right.min(room.1));
    }
    let speed = if piece.backwards { -piece.speed } else { piece.speed };
    let from = (piece.at - left).ceil().max(0.0) as usize;
    let to = ((piece.at + right).floor() + 1.0).clamp(0.0, out.len() as f64) as usize;
    // All samples of a piece whose time runs as fast lie as far between samples of the input.
    let fixed =
        (piece.speed == 1.0).then(|| Between::new((here + speed * (from as f64 - piece.at)).rem_euclid(1.0), 1.0));
    for n in from..to {
        let off = n as f64 - piece.at;
        let side = if off < 0.0 { left } else { right };
        let share = if side > 0.0 { (off.abs() / side).min(1.0) } else { f64::from(off != 0.0) };
        let place = here + speed * off;
        let value = match &fixed {
            Some(b) => b.value(x, (place - b.offset).round() as isize),
            None => Between::new(place.rem_euclid(1.0), 1.0 / piece.speed).value(x, place.floor() as isize),
        };
        out[n] += piece.gain * (0.5 + 0.5 * (PI * share).cos()) * value;
    }
}

/// The value between samples: a sinc under a raised cosine, narrower in frequency where time runs faster.
struct Between {
    offset: f64,
    taps: Option<[f64; 2 * SIDE]>,
}

impl Between {
    /// For places `offset` (0 to 1) behind a sample; frequencies above `cut` of the highest are left out.
    fn new(offset: f64, cut: f64) -> Self {
        if cut >= 1.0 && !(ON_IT..=1.0 - ON_IT).contains(&offset) {
            return Self { offset: offset.round(), taps: None };
        }
        let cut = cut.min(1.0);
        // Sines of evenly spaced angles, each turned on from the one before.
        let first = 1.0 - SIDE as f64 - offset;
        let (mut wave, wave_step) = ((PI * cut * first).sin_cos(), (PI * cut).sin_cos());
        let (mut window, window_step) = ((PI * first / SIDE as f64).sin_cos(), (PI / SIDE as f64).sin_cos());
        let turn = |a: (f64, f64), by: (f64, f64)| (a.0 * by.1 + a.1 * by.0, a.1 * by.1 - a.0 * by.0);
        let taps = std::array::from_fn(|k| {
            let d = first + k as f64;
            let sinc = if d.abs() < ON_IT { cut } else { wave.0 / (PI * d) };
            let tap = sinc * (0.5 + 0.5 * window.1);
            (wave, window) = (turn(wave, wave_step), turn(window, window_step));
            tap
        });
        Self { offset, taps: Some(taps) }
    }

    /// The value at this offset behind a sample.
    fn value(&self, x: &[f32], sample: isize) -> f64 {
        let at = |i: isize| usize::try_from(i).ok().and_then(|i| x.get(i)).map_or(0.0, |v| f64::from(*v));
        let Some(taps) = &self.taps else { return at(sample + self.offset as isize) };
        let first = sample + 1 - SIDE as isize;
        match usize::try_from(first).ok().and_then(|i| x.get(i..i + 2 * SIDE)) {
            Some(part) => part.iter().zip(taps).map(|(x, t)| f64::from(*x) * t).sum(),
            None => taps.iter().enumerate().map(|(k, t)| t * at(first + k as isize)).sum(),
        }
    }
}
