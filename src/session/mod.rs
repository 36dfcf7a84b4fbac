//! A session: one stream of audio in, results out that are one's own. The shortest way into the library.
//!
//! [`Session::builder`] takes rate and channels, and what is wanted in plain words and durations; [`Session::push`] takes a block of
//! samples and gives the results that it completed; [`Session::finish`] gives the rest. Underneath is
//! [`crate::analyzer::Analyzer`], which hands results to a closure, has rows of single frames, and can be cut and restarted.

mod builder;
mod outcome;
mod segments;

pub use builder::{SessionBuilder, SessionError};
pub use outcome::{NoLabel, Outcome};
pub use segments::{Segments, Utterances, Windows};

use crate::analyzer::{Analyzer, Output};
use crate::conversation::{Conversation, ConversationRecord};
use crate::error::InputError;
use crate::signal::samples::Samples;
use std::time::Duration;

/// The analysis of one stream.
///
/// ```
/// use affect::session::{Session, Windows};
/// use affect::signal::samples::Samples;
/// use std::time::Duration;
///
/// // Two seconds of a 200 Hz tone at 8 kHz, in windows of one second.
/// let tone: Vec<f32> = (0..16_000).map(|i| (i as f32 * 200.0 / 8000.0 * std::f32::consts::TAU).sin() * 0.2).collect();
/// let second = Duration::from_secs(1);
/// let mut session = Session::builder(8_000, 1).segments(Windows::new(second, second)).build()?;
/// let mut results = session.push(&Samples::f32(&tone, 1)?)?;
/// results.extend(session.finish());
/// assert_eq!(results[1].span(), second..2 * second);
/// assert!((results[1].value("F0_Hz_median").expect("voiced") - 200.0).abs() < 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Session {
    analyzer: Analyzer,
    /// The latest one.
    conversation: Option<Box<Conversation>>,
}

impl Session {
    /// Starts to describe the analysis of audio with `rate_hz` samples a second on each of `channels` channels.
    #[must_use]
    pub fn builder(rate_hz: u32, channels: usize) -> SessionBuilder {
        SessionBuilder::new(rate_hz, channels)
    }

    /// Takes a block of samples, of any length; gives the results that are complete now.
    ///
    /// # Errors
    /// [`InputError::Channels`] for another number of channels, [`InputError::Finished`] after [`Self::finish`]. Nothing was taken
    /// then, and nothing is lost.
    pub fn push(&mut self, samples: &Samples<'_>) -> Result<Vec<Outcome>, InputError> {
        self.collect(|analyzer, take| analyzer.push(samples, take))
    }

    /// Time passes without audio. Features are not measured across the hole.
    ///
    /// # Errors
    /// [`InputError::Finished`] after [`Self::finish`].
    pub fn skip(&mut self, missing: Duration) -> Result<Vec<Outcome>, InputError> {
        let frames = missing.as_nanos() * u128::from(self.analyzer.rate_hz()) / 1_000_000_000;
        let frames = u64::try_from(frames).unwrap_or(u64::MAX);
        self.collect(|analyzer, take| analyzer.push_missing(frames, take))
    }

    /// The stream ends: gives what is pending.
    pub fn finish(&mut self) -> Vec<Outcome> {
        let finished: Result<_, std::convert::Infallible> = self.collect(|analyzer, take| {
            analyzer.finish(take);
            Ok(())
        });
        match finished {
            Ok(results) => results,
        }
    }

    fn collect<E>(
        &mut self,
        act: impl FnOnce(&mut Analyzer, &mut dyn FnMut(Output<'_>)) -> Result<(), E>,
    ) -> Result<Vec<Outcome>, E> {
        let mut results = Vec::new();
        let conversation = &mut self.conversation;
        act(&mut self.analyzer, &mut |output| match output {
            Output::Segment(record) => results.push(Outcome::new(record)),
            Output::Conversation(latest) => *conversation = Some(latest),
            // Rows of single frames are not among the segments of a session.
            Output::Frame(_) | Output::Speech(_) => {}
        })?;
        Ok(results)
    }

    /// The conversation, where it is followed ([`SessionBuilder::conversation`]): after [`Self::finish`] the whole one, before it the
    /// latest of [`SessionBuilder::conversation_every`]; `None` where there is none yet, or all parties are denied.
    #[must_use]
    pub fn conversation(&self) -> Option<ConversationRecord> {
        self.conversation.as_ref().map(|c| c.record())
    }

    /// Starts again with another stream, as new.
    pub fn reset(&mut self) {
        self.analyzer.reset();
        self.conversation = None;
    }

    /// Time of the sample that comes next.
    #[must_use]
    pub fn position(&self) -> Duration {
        Duration::from_nanos(self.analyzer.position_ns())
    }

    /// The longest time between the end of a segment and its result.
    #[must_use]
    pub fn latency(&self) -> Duration {
        Duration::from_nanos(self.analyzer.latency_ns())
    }
}
