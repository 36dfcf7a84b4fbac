//! What each measure is: name, unit, group, meaning and definition.
//!
//! The catalogue is data: the order of every list of measures, `affect list measures` and `docs/conversation.md` come from it.

mod entries;

pub use entries::ENTRIES;

use super::{Parameters, Undefined};
use crate::record::Record;
use serde::Serialize;
use std::fmt::Write;

/// What kind of property of a conversation a measure tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// How long everything takes.
    Time,
    /// Who talks how much.
    Talk,
    /// Who talks while the other does.
    Overlap,
    /// Long silences.
    Silence,
    /// Turns, and how quickly they are taken.
    Turns,
    /// How a party sounds.
    Voice,
    /// How good the sound of a party is.
    Quality,
    /// Scores of a model.
    Scores,
}

impl Group {
    /// All groups.
    pub const ALL: [Self; 8] =
        [Self::Time, Self::Talk, Self::Overlap, Self::Silence, Self::Turns, Self::Voice, Self::Quality, Self::Scores];

    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Talk => "talk",
            Self::Overlap => "overlap",
            Self::Silence => "silence",
            Self::Turns => "turns",
            Self::Voice => "voice",
            Self::Quality => "quality of the sound",
            Self::Scores => "scores",
        }
    }
}

/// Measure of the whole conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Whole {
    Duration,
    Conversation,
    Lost,
    Shared,
    TalkAny,
    Overlap,
    OverlapShare,
    NonTalk,
    NonTalkShare,
    NonTalkCount,
    NonTalkLongest,
    LevelDifference,
}

/// Measure of one party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Own {
    Talk,
    TalkShare,
    Interruptions,
    InterruptionTime,
    Backchannels,
    Turns,
    TurnMedian,
    TurnLongest,
    ReplyGaps,
    ReplyGapMedian,
    Voice(Voice),
    Abstained,
}

/// Measure of one score of one party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum OfScore {
    Mean,
    /// Quarter of the conversation, the first being 0.
    Quarter(u8),
    Trend,
}

/// Property of a voice or of its sound, out of the segments of a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Voice {
    Level,
    Loudness,
    LevelRange,
    Nuclei,
    Articulation,
    F0Median,
    F0Range,
    Hnr,
    Cpps,
    Bandwidth,
    Snr,
    Clipping,
}

impl Voice {
    pub const ALL: [Self; 12] = [
        Self::Level,
        Self::Loudness,
        Self::LevelRange,
        Self::Nuclei,
        Self::Articulation,
        Self::F0Median,
        Self::F0Range,
        Self::Hnr,
        Self::Cpps,
        Self::Bandwidth,
        Self::Snr,
        Self::Clipping,
    ];

    /// The feature of `affect-v1` that it is taken from; `None` for what the quality of a record says.
    pub const fn feature(self) -> Option<&'static str> {
        Some(match self {
            Self::Level => "level_dBFS_equivalent",
            Self::Loudness => "loudness_median",
            Self::LevelRange => "level_dB_range5-95",
            Self::Nuclei => "nucleiPerSec",
            Self::Articulation => "articulationRate_nucleiPerSec",
            Self::F0Median => "F0_Hz_median",
            Self::F0Range => "F0semitone_range5-95",
            Self::Hnr => "HNR_dB_median",
            Self::Cpps => "CPPS_dB_median",
            Self::Bandwidth | Self::Snr | Self::Clipping => return None,
        })
    }

    /// Its value in a record.
    pub fn of(self, record: &Record) -> Option<f32> {
        if let Some(name) = self.feature() {
            return record.value(name);
        }
        let quality = record.quality.as_ref()?;
        match self {
            Self::Bandwidth => quality.bandwidth_hz,
            Self::Snr => quality.snr_db,
            Self::Clipping => quality.clipping_share,
            _ => None,
        }
    }
}

/// Whose speech a measure tells of: what it tells of nobody no policy forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tells {
    /// Of nobody's.
    Nobody,
    /// Of that of the party in its name.
    Party,
    /// Of that of all parties.
    Everybody,
}

/// Which measure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum What {
    Whole(Whole),
    Own(Own),
    Score(OfScore),
}

/// One measure, or one for each party, or for each score of each party.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Entry {
    /// Name; `<party>` stands for the name of a party (its role, or `channel_0`), `<score>` for that of a score
    /// (`dimension_arousal`, `probability_anger`).
    pub name: &'static str,
    /// Unit; "1" for pure numbers and counts.
    pub unit: &'static str,
    /// Group.
    pub group: Group,
    /// What it is.
    pub what: &'static str,
    /// How it is computed.
    pub definition: &'static str,
    /// Whose speech it tells of.
    pub tells: Tells,
    /// It is undefined where parties cannot be told apart.
    pub needs_parties: bool,
    #[serde(skip)]
    pub(super) which: What,
}

impl Entry {
    /// The name for a party and a score.
    #[must_use]
    pub fn name_for(&self, party: &str, score: &str) -> String {
        self.name.replace("<party>", party).replace("<score>", score)
    }

    /// Whether it is a measure of scores, which a party with features only has not.
    #[must_use]
    pub fn of_scores(&self) -> bool {
        self.group == Group::Scores
    }

    /// Whether there is one for each party.
    #[must_use]
    pub fn per_party(&self) -> bool {
        !matches!(self.which, What::Whole(_))
    }

    /// Whether there is one for each score of each party.
    #[must_use]
    pub fn per_score(&self) -> bool {
        matches!(self.which, What::Score(_))
    }
}

/// The measure that a name is of, for these names of parties and scores.
#[must_use]
pub fn find<'a>(
    name: &str,
    parties: impl IntoIterator<Item = &'a str> + Clone,
    scores: &[&str],
) -> Option<&'static Entry> {
    let scores = || scores.iter().copied().chain([""]);
    let parties = || parties.clone().into_iter().chain([""]);
    ENTRIES.iter().find(|e| parties().any(|p| scores().any(|s| e.name_for(p, s) == name)))
}

/// The names of all measures with their entries, in order, for these names of parties and scores: the columns of a table.
#[must_use]
pub fn columns(parties: &[&str], scores: &[&str]) -> Vec<(String, &'static Entry)> {
    let entries = || ENTRIES.iter();
    let mut out: Vec<_> = entries().filter(|e| !e.per_party()).map(|e| (e.name.to_owned(), e)).collect();
    for party in parties {
        out.extend(entries().filter(|e| e.per_party() && !e.per_score()).map(|e| (e.name_for(party, ""), e)));
        for score in scores {
            out.extend(entries().filter(|e| e.per_score()).map(|e| (e.name_for(party, score), e)));
        }
    }
    out
}

/// The catalogue as Markdown, one table per group.
#[must_use]
pub fn to_markdown() -> String {
    let mut out = String::from(include_str!("catalogue/introduction.md"));
    let cell = |text: &str| text.replace('|', "\\|").replace('<', "\\<");
    for group in Group::ALL {
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "\n## {}\n\n| name | unit | what it is | definition | tells of |\n|---|---|---|---|---|\n",
            heading(group)
        );
        for e in ENTRIES.iter().filter(|e| e.group == group) {
            let tells = match e.tells {
                Tells::Nobody => "nobody",
                Tells::Party => "the party",
                Tells::Everybody => "all parties",
            };
            let parties = if e.needs_parties { "" } else { "; also of one channel" };
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} | {tells}{parties} |",
                e.name,
                e.unit,
                cell(e.what),
                cell(e.definition)
            );
        }
    }
    out.push_str("\n## Undefined\n\n`null` with a reason is undefined; no number stands for \"none\".\n\n| reason | meaning |\n|---|---|\n");
    for r in Undefined::ALL {
        let _ = writeln!(out, "| `{r}` | {} |", r.meaning());
    }
    out.push_str("\n## Parameters\n\nEvery record states them in `parameters`; these are the defaults.\n\n| name | s |\n|---|---|\n");
    for (name, s) in Parameters::default().named() {
        let _ = writeln!(out, "| `{name}` | {s} |");
    }
    out
}

fn heading(group: Group) -> String {
    let name = group.name();
    name[..1].to_uppercase() + &name[1..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::catalogue;
    use std::collections::HashSet;

    #[test]
    fn names_are_there_once_and_nothing_is_left_blank() {
        let names: HashSet<&str> = ENTRIES.iter().map(|e| e.name).collect();
        assert_eq!(names.len(), ENTRIES.len());
        let which: HashSet<What> = ENTRIES.iter().map(|e| e.which).collect();
        assert_eq!(which.len(), ENTRIES.len());
        for e in &ENTRIES {
            assert!([e.unit, e.what, e.definition].iter().all(|t| !t.is_empty()), "{}", e.name);
            assert_eq!(e.per_party(), e.name.starts_with("<party>_"), "{}", e.name);
            assert_eq!(e.per_score(), e.name.contains("<score>"), "{}", e.name);
            assert_eq!(e.of_scores(), e.per_score() || e.which == What::Own(Own::Abstained), "{}", e.name);
        }
        let all = columns(&["agent", "caller"], &["dimension_arousal"]);
        let names: HashSet<&String> = all.iter().map(|c| &c.0).collect();
        assert_eq!((names.len(), all.len()), (all.len(), 12 + 2 * (23 + 6)));
        assert!(all.iter().all(|(name, e)| find(name, ["agent", "caller"], &["dimension_arousal"]) == Some(e)));
    }

    /// What is taken from features has their units.
    #[test]
    fn features_are_in_the_catalogue_with_their_units() {
        for e in &ENTRIES {
            if let What::Own(Own::Voice(v)) = e.which
                && let Some(feature) = v.feature()
            {
                let entry = catalogue::find(feature).unwrap();
                assert_eq!(entry.unit, e.unit, "{feature}");
            }
        }
        assert!(Voice::ALL.iter().all(|v| ENTRIES.iter().any(|e| e.which == What::Own(Own::Voice(*v)))));
    }
}
