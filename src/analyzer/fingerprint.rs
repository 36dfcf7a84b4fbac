//! Fingerprint of a configuration: which settings decide what results there are and what they say, as one canonical text.
//!
//! That of a conversation has lines of its own after it: [`Config::conversation_canonical`].
//!
//! The text has one `name=value` a line, in a fixed order, each line ended by a line feed. Lengths are samples at 16 kHz, the
//! threshold is the shortest decimal that gives back the same single-precision number. `docs/results.md` shows it.

use super::config::{ChannelMode, Config, ConversationConfig, Segmentation, WindowConfig};
use crate::conversation::SCHEMA;
use crate::record::Fingerprint;
use crate::segment::utterance::UtteranceConfig;
use std::fmt::{Display, Write};

/// First line of the text. It changes where the meaning of a line does.
const FORM: &str = "affect.configuration/1";

/// The lines of a canonical text.
struct Text(String);

impl Text {
    fn line(&mut self, name: &str, value: impl Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{name}={value}");
    }
}

impl Config {
    /// The fingerprint that records carry: equal for all configurations that give the same results of the same audio.
    ///
    /// Not in it is what the record says by itself (stream, source, roles, policy, feature set, model), which channels are analysed
    /// (but whether it is one or their mean), what else is computed, and when or how much is explained.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.canonical())
    }

    /// The text whose digest the fingerprint is.
    #[must_use]
    pub fn canonical(&self) -> String {
        // Every field is named here and below: a new one does not compile until it is decided whether results depend on it.
        let Self {
            sets: _,
            segmentation,
            channels,
            roles: _,
            // Names decide with whom somebody is compared, which is history like the baseline itself; no result carries them.
            speakers: _,
            stream: _,
            source: _,
            voice_activity,
            baseline,
            scorer,
            deferred: _,
            // Which channels have results of their own; what those say does not depend on it.
            collapse_dual_mono: _,
            policy: _,
            // It changes nothing in results of segments, and has a fingerprint of its own.
            conversation: _,
        } = self;
        let frames = *segmentation == Segmentation::Frames;
        let mut text = Text(format!("{FORM}\n"));
        match segmentation {
            Segmentation::Frames => text.line("segmentation", "frame"),
            Segmentation::File => text.line("segmentation", "file"),
            Segmentation::Windows(WindowConfig { length, hop }) => {
                text.line("segmentation", "window");
                text.line("window", length);
                text.line("hop", hop);
            }
            Segmentation::Utterances(UtteranceConfig {
                threshold,
                hangover,
                min_speech,
                min_pause,
                max_length,
                interim,
            }) => {
                text.line("segmentation", "utterance");
                text.line("vad-threshold", threshold);
                text.line("hangover", hangover);
                text.line("min-speech", min_speech);
                text.line("min-pause", min_pause);
                text.line("max-length", max_length);
                text.line("interval", interim);
            }
        }
        match channels {
            ChannelMode::Each | ChannelMode::List(_) => text.line("channel", "single"),
            ChannelMode::Mix => text.line("channel", "mix"),
        }
        // What is in force, whoever asked for it: utterances and models need the detector, some models the baseline.
        let detects = match segmentation {
            Segmentation::Frames => false,
            Segmentation::Utterances(_) => true,
            Segmentation::Windows(_) | Segmentation::File => *voice_activity || scorer.is_some(),
        };
        let compares = !frames && (*baseline || scorer.as_ref().is_some_and(|s| s.needs_baseline()));
        text.line("voice-activity", detects);
        text.line("speaker-baseline", compares);
        if let Some(reference) = scorer.as_ref().and_then(|s| s.chosen_reference()) {
            text.line("model-reference", reference);
        }
        text.0
    }

    /// The fingerprint that records of conversations carry: equal for all configurations that give the same measures of the same audio.
    #[must_use]
    pub fn conversation_fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.conversation_canonical())
    }

    /// The text whose digest that is: the settings of segments, out of which voices and scores are told, and of talk.
    #[must_use]
    pub fn conversation_canonical(&self) -> String {
        // How often there are interim ones changes none of them.
        let ConversationConfig { interval: _, parameters } = self.conversation.unwrap_or_default();
        let mut text = Text(self.canonical());
        text.line("conversation", SCHEMA);
        text.line("conversation-threshold", self.threshold());
        for (name, seconds) in parameters.named() {
            text.line(name, seconds);
        }
        text.0
    }
}
