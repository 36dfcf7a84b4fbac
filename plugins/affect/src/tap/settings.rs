//! Properties of the analysis, and the analyzer's configuration that follows from them.

use super::choices::{AffectAnalysis, AffectSegmentation, AffectSelect};
use crate::properties::Values;
use affect::analyzer::{
    ChannelMode, Config, ConversationConfig, FeatureSet, Policies, Policy, Segmentation, Speech, WindowConfig,
};
use affect::error::ConfigError;
use affect::segment::utterance::UtteranceConfig;
use affect::signal::clock::{ns_to_samples, samples_to_ns};
use gst::glib;
use gst::prelude::*;
use std::sync::{Arc, LazyLock};

/// Values of the properties of the analysis.
#[derive(Debug, Clone)]
pub struct AnalysisSettings {
    pub feature_set: String,
    pub segmentation: AffectSegmentation,
    pub window: gst::ClockTime,
    pub hop: gst::ClockTime,
    pub interval: gst::ClockTime,
    pub channel_mode: String,
    pub channel_roles: String,
    pub policy: String,
    pub speakers: String,
    pub vad_threshold: f64,
    pub hangover: gst::ClockTime,
    pub min_speech: gst::ClockTime,
    pub min_pause: gst::ClockTime,
    pub max_length: gst::ClockTime,
    pub attach: AffectSelect,
    pub post: AffectSelect,
    pub post_messages: bool,
    pub speech_messages: bool,
    pub speaker_baseline: bool,
    pub stream: String,
    pub analysis: AffectAnalysis,
    pub max_lag: gst::ClockTime,
    pub collapse_dual_mono: bool,
    pub conversation: bool,
    pub conversation_interval: gst::ClockTime,
}

/// Properties that change no result: where results go, and which threads make them.
pub const RESULT_NEUTRAL_PROPERTIES: [&str; 6] =
    ["attach", "post", "post-messages", "speech-messages", "analysis", "max-lag"];

/// Items of a list with commas.
fn names(list: &str) -> Vec<Arc<str>> {
    list.split(',').map(|n| Arc::from(n.trim())).collect()
}

fn time(samples: u64) -> gst::ClockTime {
    gst::ClockTime::from_nseconds(samples_to_ns(samples))
}

impl Default for AnalysisSettings {
    fn default() -> Self {
        let (w, u) = (WindowConfig::default(), UtteranceConfig::default());
        Self {
            feature_set: FeatureSet::default().name().to_owned(),
            segmentation: AffectSegmentation::default(),
            window: time(w.length),
            hop: time(w.hop),
            interval: time(u.interim),
            channel_mode: ChannelMode::default().to_string(),
            channel_roles: String::new(),
            policy: String::new(),
            speakers: String::new(),
            vad_threshold: f64::from(u.threshold),
            hangover: time(u.hangover),
            min_speech: time(u.min_speech),
            min_pause: time(u.min_pause),
            max_length: time(u.max_length),
            attach: AffectSelect::default(),
            post: AffectSelect::default(),
            post_messages: true,
            speech_messages: true,
            speaker_baseline: false,
            stream: String::new(),
            analysis: AffectAnalysis::default(),
            max_lag: gst::ClockTime::from_seconds(4),
            collapse_dual_mono: true,
            conversation: false,
            conversation_interval: gst::ClockTime::ZERO,
        }
    }
}

impl AnalysisSettings {
    /// Configuration of the analyzer; `stream_id` names the stream where no property does.
    pub fn config(&self, stream_id: &str, source: &str) -> Result<Config, ConfigError> {
        let samples = |t: gst::ClockTime| ns_to_samples(t.nseconds());
        let config = Config {
            sets: FeatureSet::list(&self.feature_set)?,
            segmentation: match self.segmentation {
                AffectSegmentation::Frame => Segmentation::Frames,
                AffectSegmentation::Window => {
                    Segmentation::Windows(WindowConfig { length: samples(self.window), hop: samples(self.hop) })
                }
                AffectSegmentation::Utterance => Segmentation::Utterances(UtteranceConfig {
                    threshold: self.vad_threshold as f32,
                    hangover: samples(self.hangover),
                    min_speech: samples(self.min_speech),
                    min_pause: samples(self.min_pause),
                    max_length: samples(self.max_length),
                    interim: samples(self.interval),
                }),
                AffectSegmentation::File => Segmentation::File,
            },
            channels: self.channel_mode.parse()?,
            roles: names(&self.channel_roles),
            speakers: names(&self.speakers),
            stream: if self.stream.is_empty() { stream_id.into() } else { self.stream.as_str().into() },
            source: source.into(),
            voice_activity: true,
            baseline: self.speaker_baseline,
            policy: Policy::list(&self.policy)?,
            collapse_dual_mono: self.collapse_dual_mono,
            conversation: self.conversation.then(|| ConversationConfig {
                // What is less than a sample is too short, and not none.
                interval: samples(self.conversation_interval).max(u64::from(!self.conversation_interval.is_zero())),
                ..ConversationConfig::default()
            }),
            ..Config::default()
        };
        config.check()?;
        Ok(config)
    }

    /// Whether a start or end of speech is posted where `policy` holds for its channel. It gets the stricter policy.
    pub fn posts_speech(&self, speech: &mut Speech, policy: Policy) -> bool {
        speech.policy = speech.policy.max(policy);
        self.post_messages && self.speech_messages && speech.policy != Policy::Deny
    }

    pub fn get(&self, name: &str) -> Option<glib::Value> {
        Some(match name {
            "feature-set" => self.feature_set.to_value(),
            "segmentation" => self.segmentation.to_value(),
            "window" => self.window.to_value(),
            "hop" => self.hop.to_value(),
            "interval" => self.interval.to_value(),
            "channel-mode" => self.channel_mode.to_value(),
            "channel-roles" => self.channel_roles.to_value(),
            "policy" => self.policy.to_value(),
            "speakers" => self.speakers.to_value(),
            "vad-threshold" => self.vad_threshold.to_value(),
            "hangover" => self.hangover.to_value(),
            "min-speech" => self.min_speech.to_value(),
            "min-pause" => self.min_pause.to_value(),
            "max-length" => self.max_length.to_value(),
            "attach" => self.attach.to_value(),
            "post" => self.post.to_value(),
            "post-messages" => self.post_messages.to_value(),
            "speech-messages" => self.speech_messages.to_value(),
            "speaker-baseline" => self.speaker_baseline.to_value(),
            "stream" => self.stream.to_value(),
            "analysis" => self.analysis.to_value(),
            "max-lag" => self.max_lag.to_value(),
            "collapse-dual-mono" => self.collapse_dual_mono.to_value(),
            "conversation" => self.conversation.to_value(),
            "conversation-interval" => self.conversation_interval.to_value(),
            _ => return None,
        })
    }
}

/// Descriptions of all properties, as `affectfeatures` has them.
pub static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(properties);

/// Descriptions of all properties, made anew: each class needs its own.
pub fn properties() -> Vec<glib::ParamSpec> {
    let d = AnalysisSettings::default();
    let second = 1_000_000_000u64;
    let text = |name: &str, nick: &str, blurb: &str, default: &str| {
        glib::ParamSpecString::builder(name)
            .nick(nick)
            .blurb(blurb)
            .default_value(Some(default))
            .mutable_playing()
            .build()
    };
    let duration = |name: &str, nick: &str, blurb: &str, default: gst::ClockTime, min: u64, max: u64| {
        glib::ParamSpecUInt64::builder(name)
            .nick(nick)
            .blurb(blurb)
            .minimum(min)
            .maximum(max)
            .default_value(default.nseconds())
            .mutable_playing()
            .build()
    };
    vec![
        text("feature-set", "Feature set", "Name of the feature set", &d.feature_set),
        glib::ParamSpecEnum::builder_with_default("segmentation", d.segmentation)
            .nick("Segmentation")
            .blurb("What becomes a result")
            .mutable_playing()
            .build(),
        duration("window", "Window", "Length of a sliding window, ns", d.window, second / 10, 300 * second),
        duration("hop", "Hop", "Distance between the starts of windows, ns", d.hop, second / 100, 300 * second),
        duration("interval", "Interval", "An utterance gives an interim result whenever it has grown by this, ns; 0 for none, otherwise at least 0.1 s", d.interval, 0, 300 * second),
        text("channel-mode", "Channel mode", "Which channels are analysed: per-channel, mix, or channel numbers such as 0,2", &d.channel_mode),
        text("channel-roles", "Channel roles", "Roles of the channels in order, with commas: agent,caller", &d.channel_roles),
        text("policy", "Policy", "Which results each channel in order may have, with commas: allow (features and scores), features-only or deny; left out, roles other than caller, customer, client, patient, guest and user have features-only. Channels beyond the list have the strictest of it", &d.policy),
        text("speakers", "Speakers", "Names of who speaks on the channels in order, with commas: a channel whose name changes is compared with somebody new, and a name is known again in the next stream. No result carries them", &d.speakers),
        glib::ParamSpecDouble::builder("vad-threshold")
            .nick("Voice activity threshold")
            .blurb("Probability of speech from which 16 ms count as speech")
            .minimum(0.01)
            .maximum(0.99)
            .default_value(d.vad_threshold)
            .mutable_playing()
            .build(),
        duration("hangover", "Hang-over", "Speech is taken to last this much longer than detected, ns; at most min-pause", d.hangover, 0, 10 * second),
        duration("min-speech", "Minimum speech", "Less speech than this is no utterance, ns", d.min_speech, 0, 300 * second),
        duration("min-pause", "Minimum pause", "A pause this long ends an utterance, ns", d.min_pause, second / 50, 10 * second),
        duration("max-length", "Maximum length", "An utterance this long is cut, ns", d.max_length, second, 300 * second),
        glib::ParamSpecEnum::builder_with_default("attach", d.attach)
            .nick("Attach")
            .blurb("Which results are attached to buffers as meta AffectResults")
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("post", d.post)
            .nick("Post")
            .blurb("Which results are posted as element messages affect-result (single frames never are)")
            .mutable_playing()
            .build(),
        glib::ParamSpecBoolean::builder("post-messages")
            .nick("Post messages")
            .blurb("Whether anything is posted as element messages at all")
            .default_value(d.post_messages)
            .mutable_playing()
            .build(),
        glib::ParamSpecBoolean::builder("speech-messages")
            .nick("Speech messages")
            .blurb("Whether starts and ends of speech are posted as element messages affect-speech-started and affect-speech-ended (utterances only)")
            .default_value(d.speech_messages)
            .mutable_playing()
            .build(),
        glib::ParamSpecBoolean::builder("collapse-dual-mono")
            .nick("Collapse dual mono")
            .blurb("Analyse channels that carry the same samples once, under the strictest of their policies (single frames never)")
            .default_value(d.collapse_dual_mono)
            .mutable_playing()
            .build(),
        glib::ParamSpecBoolean::builder("conversation")
            .nick("Conversation")
            .blurb("Measures of the conversation of the channels too, at its end, as results affect-conversation: talk, overlap, turns, and how each party sounds")
            .default_value(d.conversation)
            .mutable_playing()
            .build(),
        duration("conversation-interval", "Conversation interval", "A conversation gives an interim result whenever so much time has passed, ns; 0 for none, otherwise at least 1 s", d.conversation_interval, 0, 86_400 * second),
        glib::ParamSpecBoolean::builder("speaker-baseline")
            .nick("Speaker baseline")
            .blurb("Compare the features of affect-v1 with what is usual for the speaker of the channel, learnt as they speak")
            .default_value(d.speaker_baseline)
            .mutable_playing()
            .build(),
        text("stream", "Stream", "Name of the stream in results; the stream id if empty", &d.stream),
        glib::ParamSpecEnum::builder_with_default("analysis", d.analysis)
            .nick("Analysis")
            .blurb("Where the audio is analysed; a change holds from the next stream on")
            .mutable_playing()
            .build(),
        duration("max-lag", "Maximum lag", "Audio that may wait for workers, ns: of a live stream the older half is left out beyond it, others wait", d.max_lag, second, 60 * second),
        glib::ParamSpecString::builder("settings")
            .nick("Settings")
            .blurb("Sets several properties in one string, for hosts that cannot set all types: name=value with semicolons between, durations in ns")
            .mutable_playing()
            .build(),
        glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
            .nick("Statistics")
            .blurb("Counters: results, attached, posted, audio-time (ns), processing-time (ns), real-time-factor (audio seconds per second of processing), cuts, max-result-delay (ns), analysis (inline or worker), lag and max-lag (audio that waits for workers, now and at most, ns), overloads (times that it was too much), left-out-interim (results), left-out-audio (ns), last-error")
            .read_only()
            .build(),
    ]
}

/// Whether a number lies in its property's range. Enums have been checked while parsing.
fn in_range(spec: &glib::ParamSpec, value: &glib::Value) -> bool {
    let whole = spec.downcast_ref::<glib::ParamSpecUInt64>();
    let real = spec.downcast_ref::<glib::ParamSpecDouble>();
    let count = spec.downcast_ref::<glib::ParamSpecUInt>();
    whole.is_none_or(|s| value.get::<u64>().is_ok_and(|v| (s.minimum()..=s.maximum()).contains(&v)))
        && count.is_none_or(|s| value.get::<u32>().is_ok_and(|v| (s.minimum()..=s.maximum()).contains(&v)))
        && real.is_none_or(|s| value.get::<f64>().is_ok_and(|v| (s.minimum()..=s.maximum()).contains(&v)))
}

/// Parses `name=value;name=value` against descriptions of properties; `take` gets every pair. Gives the names.
pub fn parse(
    properties: &[glib::ParamSpec],
    list: &str,
    take: &mut dyn FnMut(&str, &glib::Value),
) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for part in list.split(';').map(str::trim).filter(|p| !p.is_empty()) {
        let (name, value) = part.split_once('=').ok_or_else(|| format!("\"{part}\": expected name=value"))?;
        let (name, value) = (name.trim(), value.trim());
        let spec = properties
            .iter()
            .find(|p| p.name() == name && !matches!(name, "settings" | "stats"))
            .ok_or_else(|| format!("no property \"{name}\" to set"))?;
        let parsed = glib::Value::deserialize_with_pspec(value, spec)
            .map_err(|_| format!("{name}: cannot read \"{value}\" as {}", spec.value_type()))?;
        if !in_range(spec, &parsed) {
            return Err(format!("{name}: {value} is out of range"));
        }
        take(name, &parsed);
        names.push(name.to_owned());
    }
    Ok(names)
}

impl Values for AnalysisSettings {
    fn set(&mut self, name: &str, value: &glib::Value) {
        fn put<'a, T: glib::value::FromValue<'a>>(slot: &mut T, value: &'a glib::Value) {
            // The property system has checked the type.
            if let Ok(v) = value.get::<T>() {
                *slot = v;
            }
        }
        fn text(slot: &mut String, value: &glib::Value) {
            *slot = value.get::<Option<String>>().ok().flatten().unwrap_or_default();
        }
        match name {
            "feature-set" => text(&mut self.feature_set, value),
            "segmentation" => put(&mut self.segmentation, value),
            "window" => put(&mut self.window, value),
            "hop" => put(&mut self.hop, value),
            "interval" => put(&mut self.interval, value),
            "channel-mode" => text(&mut self.channel_mode, value),
            "channel-roles" => text(&mut self.channel_roles, value),
            "policy" => text(&mut self.policy, value),
            "speakers" => text(&mut self.speakers, value),
            "vad-threshold" => put(&mut self.vad_threshold, value),
            "hangover" => put(&mut self.hangover, value),
            "min-speech" => put(&mut self.min_speech, value),
            "min-pause" => put(&mut self.min_pause, value),
            "max-length" => put(&mut self.max_length, value),
            "attach" => put(&mut self.attach, value),
            "post" => put(&mut self.post, value),
            "post-messages" => put(&mut self.post_messages, value),
            "speech-messages" => put(&mut self.speech_messages, value),
            "collapse-dual-mono" => put(&mut self.collapse_dual_mono, value),
            "conversation" => put(&mut self.conversation, value),
            "conversation-interval" => put(&mut self.conversation_interval, value),
            "speaker-baseline" => put(&mut self.speaker_baseline, value),
            "stream" => text(&mut self.stream, value),
            "analysis" => put(&mut self.analysis, value),
            "max-lag" => put(&mut self.max_lag, value),
            _ => {}
        }
    }

    fn apply(&mut self, list: &str) -> Result<Vec<String>, String> {
        let mut next = self.clone();
        let named = parse(&PROPERTIES, list, &mut |name, value| next.set(name, value))?;
        next.check(0).map_err(|e| e.to_string())?;
        *self = next;
        Ok(named)
    }

    fn check(&self, channels: usize) -> Result<(), ConfigError> {
        match self.config("", "")?.channels {
            ChannelMode::List(list) if channels > 0 => match list.into_iter().find(|c| *c >= channels) {
                Some(found) => Err(ConfigError::NoSuchChannel { found, channels }),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn policies(&self) -> Result<Policies, ConfigError> {
        Ok(Policies::new(names(&self.channel_roles), Policy::list(&self.policy)?))
    }
}
