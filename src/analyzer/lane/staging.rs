//! Staging: blocks of any size into pieces of 10 ms, which go on once no hole in them waits for what follows it.

use super::Lane;
use super::intake::Intake;
use crate::analyzer::Output;
use crate::analyzer::sounds::Sound;
use crate::signal::clock::{rescale, samples_to_ns};
use crate::signal::holes::Settled;
use crate::signal::resample::Resampler;
use crate::signal::samples::{Samples, clean, clipped, is_still};
use crate::signal::{HOP, RATE_HZ};

impl Lane {
    /// What is staged of the current piece.
    pub fn staged(&self) -> &[f32] {
        self.holes.latest(self.staged)
    }

    /// The staged piece is not analysed: another lane stands for this one.
    pub fn skip(&mut self) {
        self.holes.reset();
        (self.staged, self.staged_lost) = (0, 0);
    }

    /// Stages `count` frames of a block, from frame `start` on.
    pub fn stage(&mut self, samples: &Samples<'_>, start: usize, count: usize) {
        self.piece.resize(count, 0.0);
        match self.channel.index {
            Some(c) => samples.read_channel(c, start, &mut self.piece),
            None => mix(samples, start, &mut self.piece),
        }
        self.holes.sound(&self.piece);
        self.staged += count;
    }

    /// Stages `count` missing frames.
    pub fn stage_missing(&mut self, count: usize) {
        self.holes.lost(count);
        self.staged += count;
        self.staged_lost += count;
    }

    /// The staged piece of (at most) 10 ms is complete.
    pub fn piece(&mut self, origin_ns: u64, sink: &mut dyn FnMut(Output<'_>)) {
        let origin_ns = origin_ns + samples_to_ns(self.from);
        self.holes.piece(std::mem::take(&mut self.staged), std::mem::take(&mut self.staged_lost));
        self.settle(origin_ns, sink);
    }

    /// Analyses the pieces in which no hole waits for what follows it.
    pub(super) fn settle(&mut self, origin_ns: u64, sink: &mut dyn FnMut(Output<'_>)) {
        let rate_hz = self.resampler.rate_hz();
        while let Some(stretch) = self.holes.take_concealed() {
            let place = |at: u64| rescale(at, u64::from(rate_hz), u64::from(RATE_HZ));
            self.frames.mark_concealed(place(stretch.start)..place(stretch.end) + 1);
        }
        let mut piece = std::mem::take(&mut self.piece);
        while let Some(settled) = self.holes.next(&mut piece) {
            self.take(&mut piece, settled);
            self.emit(origin_ns, false, sink);
        }
        self.piece = piece;
    }

    /// Analyses a piece.
    fn take(&mut self, piece: &mut [f32], settled: Settled) {
        let clipped = clipped(piece);
        if is_still(piece) {
            self.frames.mark_still(self.pieces);
        }
        if let Some(raw) = &mut self.raw {
            raw.take(piece);
        }
        self.offset.remove(piece);
        let bad = clean(piece);
        if let Some(d) = &mut self.decisions {
            d.take(piece, bad);
        }
        if bad {
            let reach = self.resampler.reach().div_ceil(HOP) as u64;
            for hop in self.pieces.saturating_sub(reach)..=self.pieces + reach {
                self.frames.mark_bad(hop);
                if let Some(raw) = &mut self.raw {
                    raw.mark_bad(hop);
                }
            }
        }
        let count = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        *self.store.sounds.at(self.pieces) = Sound {
            samples: count(piece.len()),
            clipped: count(clipped as usize),
            lost: count(settled.lost as usize),
            concealed: count(settled.concealed as usize),
            speech: self.speaking,
            ..Sound::default()
        };
        self.pieces += 1;
        let (resampler, mut intake) = self.parts();
        resampler.push(piece, |x| intake.samples(x));
        if let Some(raw) = &mut self.raw {
            raw.push(&mut self.store.extractors);
        }
    }

    /// The resampler, and the intake of what comes out of it.
    pub(super) fn parts(&mut self) -> (&mut Resampler, Intake<'_>) {
        let intake = Intake {
            frames: &mut self.frames,
            store: &mut self.store,
            vad: &mut self.vad,
            decisions: &mut self.decisions,
            threshold: self.threshold,
            speaking: &mut self.speaking,
            segmenter: &mut self.segmenter,
            pending: &mut self.pending,
            edges: &mut self.edges,
            position: &mut self.position,
        };
        (&mut self.resampler, intake)
    }
}

/// The mean of all channels.
fn mix(samples: &Samples<'_>, start: usize, out: &mut [f32]) {
    // Channel after channel through a small buffer; the sum in f64 keeps the order of channels out of the result's
    // last bits for any practical number of them.
    let mut part = [0.0f32; 128];
    let mut sum = [0.0f64; 128];
    for (block, out) in out.chunks_mut(128).enumerate() {
        sum[..out.len()].fill(0.0);
        for c in 0..samples.channels() {
            let part = &mut part[..out.len()];
            samples.read_channel(c, start + block * 128, part);
            sum.iter_mut().zip(part.iter()).for_each(|(s, p)| *s += f64::from(*p));
        }
        let n = samples.channels() as f64;
        out.iter_mut().zip(&sum).for_each(|(o, s)| *o = (s / n) as f32);
    }
}
