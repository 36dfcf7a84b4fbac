//! A call as a page sees it: its parties, their utterances, and what may be said of them.

use super::Making;
use super::contours::{Contours, Speech, Step};
use affect::analyzer::{ChannelMode, Config, Policies};
use affect::conversation::{Conversation, ConversationRecord};
use affect::model::Model;
use affect::record::{Ended, Policy, Record};
use affect_media::file::Heard;
use affect_page::Markup;
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// Party of a call.
pub struct Party<'a> {
    /// Its channel; `None` for the mix of all.
    pub index: Option<usize>,
    /// Its role, or else its channel.
    pub name: String,
    /// What may be told about it.
    pub policy: Policy,
    /// Another channel that carries the same sound and stands for it.
    pub same_as: Option<usize>,
    /// Its utterances with their numbers in the call, the first being 1.
    pub utterances: Vec<(usize, &'a Record)>,
    /// Level and F0 over time.
    pub steps: Vec<Step>,
    /// Level and F0 of all its speech.
    pub speech: Speech,
}

/// A call.
pub struct Call<'a> {
    /// Name of the file, without its folders.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// How long it is, ns.
    pub end_ns: u64,
    /// Parties in the order of their channels.
    pub parties: Vec<Party<'a>>,
    /// All utterances, in order of time; with the index of their party.
    pub utterances: Vec<(usize, &'a Record)>,
    /// Width of the steps of level and F0, ns.
    pub step_ns: u64,
    /// What ended it early, and what is worth knowing.
    pub problems: &'a [String],
    pub notes: &'a [String],
    /// What it was analysed with.
    pub config: &'a Config,
    /// The conversation, where there is one.
    pub conversation: Option<ConversationRecord>,
    /// What the page is for.
    pub purpose: &'a str,
}

impl<'a> Call<'a> {
    /// Arranges what was heard of a file.
    ///
    /// # Errors
    /// A sentence where the file cannot be read any more.
    pub fn new(
        making: &'a Making<'_>,
        heard: &'a Heard,
        records: &'a [Record],
        contours: &Contours,
    ) -> Result<Self, String> {
        let config = &making.config;
        let channels: Vec<Option<usize>> = match &config.channels {
            ChannelMode::Mix => vec![None],
            ChannelMode::List(list) => list.iter().copied().map(Some).collect(),
            _ => (0..heard.channels).map(Some).collect(),
        };
        let policies = Policies::new(config.roles.clone(), config.policy.clone());
        let has_records = |c: &Option<usize>| records.iter().any(|r| r.channel.index == *c);
        let stands = |c: Option<usize>| records.iter().find(|r| c.is_some_and(|c| r.channel.same_as.contains(&c)));
        let mut parties: Vec<Party<'_>> = channels
            .iter()
            .map(|c| {
                let same_as = stands(*c).filter(|_| !has_records(c)).and_then(|r| r.channel.index);
                let mut policy = policies.of(*c, heard.channels);
                let of_channel = records.iter().filter(|r| r.channel.index == *c);
                policy = of_channel.map(|r| r.policy).fold(policy, Policy::max);
                let seen = policy != Policy::Deny && same_as.is_none();
                Party {
                    index: *c,
                    name: named(config, *c),
                    policy,
                    same_as,
                    utterances: Vec::new(),
                    steps: if seen { contours.steps(*c) } else { Vec::new() },
                    speech: if seen { contours.speech(*c) } else { Speech::default() },
                }
            })
            .collect();
        let mut utterances = Vec::new();
        for (k, r) in records.iter().enumerate() {
            if let Some(p) = channels.iter().position(|c| *c == r.channel.index) {
                parties[p].utterances.push((k + 1, r));
                utterances.push((p, r));
            }
        }
        let sha256 = sha256(making.file).map_err(|e| format!("cannot be read again: {e}"))?;
        Ok(Self {
            name: making.name.clone(),
            sha256,
            end_ns: heard.end_ns.max(records.iter().map(|r| r.end_ns).max().unwrap_or(0)).max(1),
            parties,
            utterances,
            step_ns: contours.width_ns(),
            problems: &heard.problems,
            notes: &heard.notes,
            config,
            conversation: conversation(heard),
            purpose: making.purpose,
        })
    }

    /// The model that scores were asked of.
    pub fn model(&self) -> Option<&Arc<Model>> {
        self.config.scorer.as_ref().map(|s| s.model())
    }

    /// Whether a channel is denied.
    pub fn denies(&self) -> Option<&Party<'a>> {
        self.parties.iter().find(|p| p.policy == Policy::Deny)
    }
}

/// The one conversation of a recording; audio tracks of their own have several.
fn conversation(heard: &Heard) -> Option<ConversationRecord> {
    let mut ended = heard.conversations.iter().map(Conversation::record).filter(|r| r.ended != Ended::Open);
    let first = ended.next()?;
    ended.next().is_none().then_some(first).filter(ConversationRecord::may_be_told)
}

impl Party<'_> {
    /// Its name as markup, in its colour.
    pub fn markup(&self, place: usize) -> Markup {
        Markup::trusted(format!(
            "<span class=\"who {}\"><span>{}</span></span>",
            colour(place),
            Markup::name(&self.name)
        ))
    }

    /// Its channel in words.
    pub fn channel(&self) -> String {
        self.index.map_or_else(|| "all channels mixed".to_owned(), |c| format!("channel {c}"))
    }

    /// Seconds of speech in its utterances.
    pub fn speech_s(&self) -> f64 {
        self.utterances.iter().map(|(_, r)| speech_s(r)).sum()
    }

    /// What its policy means.
    pub fn allowed(&self) -> &'static str {
        match self.policy {
            Policy::Allow => "features and scores",
            Policy::FeaturesOnly => "features only: no scores, by policy",
            Policy::Deny => "denied by policy: not analysed",
        }
    }
}

/// Class of the colour of the party at this place.
pub fn colour(place: usize) -> &'static str {
    ["p0", "p1", "p2", "p3"][place % 4]
}

/// Seconds of speech of a record.
pub fn speech_s(r: &Record) -> f64 {
    r.quality.as_ref().and_then(|q| q.speech_s).map_or(0.0, f64::from)
}

/// A dimension of an utterance: its name, its value, and the ends of its interval where it has one.
pub type Amount<'a> = (&'a str, f64, Option<(f64, f64)>);

/// The amount that is drawn over time: the first that the model learnt by itself, else its first dimension; and its interval.
pub fn amount(r: &Record) -> Option<Amount<'_>> {
    let e = &r.scored.as_ref()?.emotion;
    let (name, value) = e.dimensions.first()?;
    let interval = e.intervals.iter().find(|i| i.0 == *name).map(|i| i.1);
    Some((name, *value, interval))
}

fn named(config: &Config, channel: Option<usize>) -> String {
    match (config.role(channel), channel) {
        (Some(role), _) => role.to_string(),
        (None, Some(c)) => format!("channel {c}"),
        (None, None) => "mix".to_owned(),
    }
}

fn sha256(file: &Path) -> io::Result<String> {
    let mut file = std::fs::File::open(file)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => hash.update(&buffer[..n]),
        }
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}
