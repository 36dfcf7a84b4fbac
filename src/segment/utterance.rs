//! Utterances: speech between two pauses, with interim results while it lasts.

use super::edge::{Edge, Speaking};
use super::span::Span;
use super::vad::VAD_FRAME;
use crate::error::ConfigError;
use crate::record::Ended;

/// Settings of the segmentation into utterances. All lengths in samples at 16 kHz.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UtteranceConfig {
    /// Probability of speech from which a frame of 16 ms counts as speech, 0 to 1. Default 0.5.
    pub threshold: f32,
    /// Speech is taken to last this much longer than detected. Default 0.1 s.
    pub hangover: u64,
    /// Less speech than this is no utterance. Default 0.25 s.
    pub min_speech: u64,
    /// A pause at least this long ends an utterance. Default 0.5 s.
    pub min_pause: u64,
    /// An utterance this long is cut. Default 15 s.
    pub max_length: u64,
    /// An interim result comes whenever the utterance has grown by this much; 0 for none. Default 2 s.
    pub interim: u64,
}

impl Default for UtteranceConfig {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            hangover: 1_600,
            min_speech: 4_000,
            min_pause: 8_000,
            max_length: 240_000,
            interim: 32_000,
        }
    }
}

impl UtteranceConfig {
    /// Longest utterance that can be asked for, in samples (five minutes): memory grows with it.
    pub const LONGEST: u64 = 300 * 16_000;

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`ConfigError::Range`] for a threshold outside 0 to 1, a longest length outside 1 to 300 s or shorter than the
    /// least speech, a hang-over longer than the pause, a pause below 20 ms or above 10 s.
    pub fn check(&self) -> Result<(), ConfigError> {
        let seconds = |n: u64| n as f64 / 16_000.0;
        let fail = |name, found, expected| Err(ConfigError::Range { name, found, expected });
        if !(self.threshold > 0.0 && self.threshold < 1.0) {
            return fail("threshold", f64::from(self.threshold), "a probability between 0 and 1");
        }
        if !(320..=160_000).contains(&self.min_pause) {
            return fail("min-pause", seconds(self.min_pause), "0.02 to 10 s");
        }
        if self.hangover > self.min_pause {
            return fail("hangover", seconds(self.hangover), "at most the minimum pause");
        }
        if !(16_000..=Self::LONGEST).contains(&self.max_length) {
            return fail("max-length", seconds(self.max_length), "1 to 300 s");
        }
        if self.min_speech > self.max_length {
            return fail("min-speech", seconds(self.min_speech), "at most the maximum length");
        }
        if self.interim != 0 && self.interim < 1_600 {
            return fail("interval", seconds(self.interim), "0 (none) or at least 0.1 s");
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
struct OpenUtterance {
    start: u64,
    /// End of the last frame that was speech.
    spoken_until: u64,
    speech: u64,
    interims: u32,
}

/// Cuts one channel into utterances.
#[derive(Debug, Clone)]
pub struct Utterances {
    config: UtteranceConfig,
    position: u64,
    open: Option<OpenUtterance>,
    /// Speech goes on where an utterance is cut for its length.
    speaking: Option<Speaking>,
}

impl Utterances {
    /// A cutter with settings that were checked.
    #[must_use]
    pub fn new(config: UtteranceConfig) -> Self {
        Self { config, position: 0, open: None, speaking: None }
    }

    /// Takes the probability of speech in the next frame of 16 ms. Hands on interim and final spans, and gives the edge of speech
    /// that this decides.
    pub fn push(&mut self, probability: f32, mut span: impl FnMut(Span)) -> Option<Edge> {
        let begin = self.position;
        let end = begin + VAD_FRAME as u64;
        self.position = end;
        let spoken = probability >= self.config.threshold;
        if spoken {
            let open =
                self.open.get_or_insert(OpenUtterance { start: begin, spoken_until: begin, speech: 0, interims: 0 });
            open.spoken_until = end;
            open.speech += VAD_FRAME as u64;
        }
        let enough = self.open.is_some_and(|o| o.speech >= self.config.min_speech);
        let (pause, hangover) = (self.config.min_pause, self.config.hangover);
        let edge = Speaking::hear(&mut self.speaking, spoken, enough, end, pause, hangover);
        let Some(open) = &mut self.open else { return edge };
        let confirmed = open.speech >= self.config.min_speech;
        if end - open.spoken_until >= self.config.min_pause {
            let last = (open.spoken_until + self.config.hangover).min(end);
            let done =
                Span { start: open.start, end: last, revision: open.interims, partial: false, ended: Ended::Pause };
            self.open = None;
            if confirmed {
                span(done);
            }
            return edge;
        }
        let length = end - open.start;
        if length >= self.config.max_length {
            let cut = open.start + self.config.max_length;
            let done =
                Span { start: open.start, end: cut, revision: open.interims, partial: false, ended: Ended::MaxLength };
            // Speech that reaches beyond the cut opens the next utterance there.
            self.open = (open.spoken_until > cut).then(|| OpenUtterance {
                start: cut,
                spoken_until: open.spoken_until,
                speech: open.spoken_until - cut,
                interims: 0,
            });
            if confirmed {
                span(done);
            }
            return edge;
        }
        let due = u64::from(open.interims + 1) * self.config.interim;
        if self.config.interim > 0 && confirmed && length >= due {
            span(Span {
                start: open.start,
                end: open.start + due,
                revision: open.interims,
                partial: true,
                ended: Ended::Open,
            });
            open.interims += 1;
        }
        edge
    }

    /// The edge of speech where the stream ends after `position` samples; to be asked before [`Self::finish`].
    #[must_use]
    pub fn last_edge(&self, position: u64) -> Option<Edge> {
        Some(self.speaking?.ends(position, self.config.hangover))
    }

    /// Whether an utterance may have begun before sample `at`, or has interim results.
    #[must_use]
    pub fn has_begun_before(&self, at: u64) -> bool {
        self.open.is_some_and(|o| o.start < at || o.interims > 0)
    }

    /// Sample before which no later span begins.
    #[must_use]
    pub fn earliest(&self) -> u64 {
        self.open.map_or(self.position, |o| o.start)
    }

    /// The stream ends after `position` samples: an utterance that is long enough ends with it.
    pub fn finish(&mut self, position: u64, ended: Ended) -> Option<Span> {
        let open = self.open.take()?;
        let end = (open.spoken_until + self.config.hangover).min(position.max(open.spoken_until));
        (open.speech >= self.config.min_speech).then_some(Span {
            start: open.start,
            end,
            revision: open.interims,
            partial: false,
            ended,
        })
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.position = 0;
        self.open = None;
        self.speaking = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of 16 ms, `s` speech and `.` pause; returns start and end in frames.
    fn cut(config: UtteranceConfig, pattern: &str) -> Vec<(f64, f64, u32, Ended)> {
        let mut u = Utterances::new(config);
        let mut out = Vec::new();
        let mut take = |s: Span| {
            out.push((s.start as f64 / 256.0, s.end as f64 / 256.0, s.revision, s.ended));
            assert_eq!(s.partial, s.ended == Ended::Open);
        };
        for c in pattern.chars() {
            u.push(if c == 's' { 0.9 } else { 0.1 }, &mut take);
        }
        if let Some(s) = u.finish(pattern.len() as u64 * 256, Ended::EndOfStream) {
            take(s);
        }
        out
    }

    fn config() -> UtteranceConfig {
        UtteranceConfig {
            hangover: 256,
            min_speech: 4 * 256,
            min_pause: 3 * 256,
            max_length: 100 * 256,
            interim: 0,
            ..UtteranceConfig::default()
        }
    }

    #[test]
    fn a_pause_ends_an_utterance_and_the_hangover_is_kept() {
        assert_eq!(cut(config(), "..ssss....ss"), [(2.0, 7.0, 0, Ended::Pause)]);
        assert_eq!(cut(config(), "sss....ssss"), [(7.0, 11.0, 0, Ended::EndOfStream)]);
        assert_eq!(cut(config(), "ss..ss...."), [(0.0, 7.0, 0, Ended::Pause)]);
        assert_eq!(cut(config(), "........"), []);
    }

    #[test]
    fn long_speech_is_cut_without_losing_or_repeating_a_sample() {
        let c = UtteranceConfig { max_length: 10 * 256, ..config() };
        assert_eq!(
            cut(c, &"s".repeat(25)),
            [(0.0, 10.0, 0, Ended::MaxLength), (10.0, 20.0, 0, Ended::MaxLength), (20.0, 25.0, 0, Ended::EndOfStream)]
        );
        let odd = UtteranceConfig { max_length: 10 * 256 + 100, ..config() };
        let spans = cut(odd, &"s".repeat(25));
        assert!(spans.windows(2).all(|w| w[0].1 == w[1].0));
    }

    #[test]
    fn interim_results_are_revisions_on_a_grid() {
        let c = UtteranceConfig { interim: 5 * 256, ..config() };
        assert_eq!(
            cut(c, "s".repeat(12).as_str()),
            [(0.0, 5.0, 0, Ended::Open), (0.0, 10.0, 1, Ended::Open), (0.0, 12.0, 2, Ended::EndOfStream)]
        );
    }

    /// Edges by definition: speech frames that lie less than the least pause apart belong together.
    fn edges_of(config: &UtteranceConfig, speech: &[bool]) -> Vec<Edge> {
        let frame = VAD_FRAME as u64;
        let (mut edges, mut run): (Vec<Edge>, Option<(u64, u64)>) = (Vec::new(), None);
        let total = speech.len() as u64 * frame;
        let close = |(_, (last, count)): (u64, (u64, u64)), limit: u64| Edge::Ended {
            at: ((last + 1) * frame + config.hangover).min(limit),
            utterance: count * frame >= config.min_speech,
        };
        let mut start = 0;
        for k in 0..speech.len() as u64 {
            if let Some((last, _)) = run
                && (k - last) * frame >= config.min_pause + frame
            {
                edges.push(close((start, run.take().unwrap()), u64::MAX));
            }
            if speech[k as usize] {
                if run.is_none() {
                    start = k;
                    edges.push(Edge::Started { at: k * frame });
                }
                run = Some((k, run.map_or(1, |(_, n)| n + 1)));
            }
        }
        // A pause that is complete with the last frame ends it too; either way it reaches no further than the stream.
        edges.extend(run.map(|r| close((start, r), total)));
        edges
    }

    proptest::proptest! {
        #[test]
        fn edges_are_those_of_the_definition(
            runs in proptest::collection::vec((1usize..12, 1usize..12), 0..12),
            hangover in 0u64..=3, min_speech in 1u64..=6, min_pause in 3u64..=6,
        ) {
            let config = UtteranceConfig {
                hangover: hangover * 256, min_speech: min_speech * 256, min_pause: min_pause * 256, max_length: 10_000 * 256,
                ..config()
            };
            let speech: Vec<bool> = runs.iter()
                .flat_map(|(s, p)| std::iter::repeat_n(true, *s).chain(std::iter::repeat_n(false, *p))).collect();
            let mut u = Utterances::new(config);
            let mut spans = Vec::new();
            let mut edges: Vec<Edge> =
                speech.iter().filter_map(|s| u.push(if *s { 0.9 } else { 0.1 }, |s| spans.push(s))).collect();
            let position = speech.len() as u64 * 256;
            edges.extend(u.last_edge(position));
            spans.extend(u.finish(position, Ended::EndOfStream));
            proptest::prop_assert_eq!(&edges, &edges_of(&config, &speech));
            // Every utterance has its two edges.
            let of_spans: Vec<u64> = spans.iter().filter(|s| !s.partial).map(|s| s.end).collect();
            let ends: Vec<u64> = edges.iter()
                .filter_map(|e| match e { Edge::Ended { at, utterance: true } => Some(*at), _ => None }).collect();
            proptest::prop_assert_eq!(of_spans, ends);
        }
    }

    #[test]
    fn a_cut_for_length_is_no_edge_of_speech() {
        let c = UtteranceConfig { max_length: 10 * 256, min_speech: 4 * 256, ..config() };
        let edges = |pattern: &str| {
            let mut u = Utterances::new(c);
            let edges: Vec<Edge> =
                pattern.chars().filter_map(|f| u.push(if f == 's' { 0.9 } else { 0.1 }, |_| ())).collect();
            edges
        };
        let last = edges(&format!("{}...", "s".repeat(21)));
        assert_eq!(last, [Edge::Started { at: 0 }, Edge::Ended { at: 22 * 256, utterance: true }]);
        // Cut in the middle of a pause, it ends with the pause.
        let pause = edges("sssssssss..");
        assert_eq!(pause, [Edge::Started { at: 0 }]);
        let pause = edges("sssssssss...");
        assert_eq!(pause, [Edge::Started { at: 0 }, Edge::Ended { at: 10 * 256, utterance: true }]);
    }

    #[test]
    fn ranges_are_enforced() {
        let good = UtteranceConfig::default();
        assert_eq!(good.check(), Ok(()));
        for bad in [
            UtteranceConfig { threshold: 0.0, ..good },
            UtteranceConfig { threshold: f32::NAN, ..good },
            UtteranceConfig { min_pause: 0, ..good },
            UtteranceConfig { hangover: 8_001, ..good },
            UtteranceConfig { max_length: 1, ..good },
            UtteranceConfig { min_speech: 240_001, ..good },
            UtteranceConfig { interim: 1, ..good },
        ] {
            assert!(matches!(bad.check(), Err(ConfigError::Range { .. })), "{bad:?}");
        }
    }
}
