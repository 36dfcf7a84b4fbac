//! Intake: samples at 16 kHz into frames, voice activity and spans.

use super::decisions::Decisions;
use super::kept_frames::KeptFrames;
use super::segmenter::Segmenter;
use crate::segment::edge::Edge;
use crate::segment::span::Span;
use crate::segment::vad::Vad;
use crate::signal::HOP;
use crate::signal::frames::Frames;
use std::collections::VecDeque;

/// The parts of a lane that take samples at 16 kHz.
pub(super) struct Intake<'a> {
    pub frames: &'a mut Frames,
    pub store: &'a mut KeptFrames,
    pub vad: &'a mut Option<Vad>,
    pub decisions: &'a mut Option<Decisions>,
    pub threshold: f32,
    pub speaking: &'a mut bool,
    pub segmenter: &'a mut Segmenter,
    pub pending: &'a mut VecDeque<Span>,
    pub edges: &'a mut VecDeque<Edge>,
    pub position: &'a mut u64,
}

impl Intake<'_> {
    /// Takes samples.
    pub fn samples(&mut self, mut x: &[f32]) {
        while !x.is_empty() {
            let (now, later) = x.split_at(self.frames.room().min(x.len()));
            x = later;
            self.detect(now);
            self.frames.push(now, self.store);
            *self.position += now.len() as u64;
            if let Segmenter::Windows(w) = self.segmenter {
                while let Some(span) = w.poll(*self.position) {
                    self.pending.push_back(span);
                }
            }
        }
    }

    fn detect(&mut self, x: &[f32]) {
        let Some(vad) = self.vad else { return };
        let (threshold, speaking) = (self.threshold, &mut *self.speaking);
        let (sounds, heard) = (&mut self.store.sounds, &mut self.store.heard);
        let (segmenter, pending, edges) = (&mut *self.segmenter, &mut *self.pending, &mut *self.edges);
        let decisions = &mut *self.decisions;
        let hop = self.frames.position() / HOP as u64;
        vad.push(x, |p| {
            *speaking = p >= threshold;
            if let Some(d) = decisions {
                d.decide(*speaking);
            }
            *heard = p;
            if let Segmenter::Utterances(u) = segmenter {
                edges.extend(u.push(p, |span| pending.push_back(span)));
            }
        });
        // The latest probability stands for the hop that these samples belong to.
        sounds.at(hop).speech = *speaking;
    }
}
