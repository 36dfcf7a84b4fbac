//! Spurts: speech of one party with pauses so short that they belong to it.

use super::{Activity, Parameters};

/// Speech of one party between two pauses: frames `start .. end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spurt {
    /// Its first frame, which is speech.
    pub start: u64,
    /// One past its last frame of speech.
    pub end: u64,
}

/// A spurt that may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    spurt: Spurt,
    /// Frames of speech in it.
    speech: u64,
}

/// The spurts of one party.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Spurts {
    closed: Vec<Spurt>,
    open: Option<Open>,
}

impl Spurts {
    /// Takes frame number `frame`. Says whether there is one spurt more.
    pub fn push(&mut self, frame: u64, activity: Activity, parameters: &Parameters) -> bool {
        let before = self.closed.len();
        let speaks = activity == Activity::Speech;
        if let Some(open) = &mut self.open {
            // A pause that has just become long enough ends it, whatever comes in this frame.
            if frame - open.spurt.end >= u64::from(parameters.spurt_pause) {
                self.close(parameters);
            } else if speaks {
                open.spurt.end = frame + 1;
                open.speech += 1;
            }
        }
        if speaks && self.open.is_none() {
            self.open = Some(Open { spurt: Spurt { start: frame, end: frame + 1 }, speech: 1 });
        }
        self.closed.len() > before
    }

    fn close(&mut self, parameters: &Parameters) {
        if let Some(open) = self.open.take().filter(|o| o.speech >= u64::from(parameters.spurt_least)) {
            self.closed.push(open.spurt);
        }
    }

    /// All spurts so far; one that may go on ends where it is.
    pub fn all(&self, parameters: &Parameters) -> impl Iterator<Item = Spurt> + '_ {
        let least = u64::from(parameters.spurt_least);
        let open = self.open.filter(|o| o.speech >= least).map(|o| o.spurt);
        self.closed.iter().copied().chain(open)
    }

    /// Forgets all of them, and keeps the room.
    pub fn clear(&mut self) {
        self.closed.clear();
        self.open = None;
    }
}
