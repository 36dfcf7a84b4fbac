//! Columns of a run: those of its results, and the measures of the conversation in the table of calls. For every call of a run the same names.

use affect::analyzer::{ChannelMode, Config};
use affect::conversation::{catalogue, party_names, score_names};
use affect::record::Ended;
use affect_archive::Columns;
use affect_media::file::Heard;

/// Columns of the results of a run.
pub fn columns(config: &Config) -> Columns {
    let set = config.sets.first().copied().unwrap_or_default();
    Columns::of(set.functionals(), config.scorer.as_deref())
}

/// Names of the measures, in the order of their catalogue. Parties are those that have a role; where nobody has, the two channels that
/// calls have.
pub fn names(config: &Config, columns: &Columns) -> Vec<String> {
    let role = |c: usize| config.roles.get(c).map(|r| &**r).filter(|r| !r.is_empty());
    let channels: Vec<(Option<usize>, Option<&str>)> = match &config.channels {
        ChannelMode::Mix => Vec::new(),
        ChannelMode::List(list) => list.iter().map(|c| (Some(*c), role(*c))).collect(),
        _ => (0..config.roles.len().max(2)).map(|c| (Some(c), role(c))).collect(),
    };
    let parties = party_names(&channels);
    let parties: Vec<&str> = parties.iter().map(|p| &**p).collect();
    let scores = score_names(&columns.dimensions, &columns.probabilities);
    let scores: Vec<&str> = scores.iter().map(|s| &**s).collect();
    catalogue::columns(&parties, &scores).into_iter().map(|(name, _)| name).collect()
}

/// The measures of a call: those that are undefined, or not named, have no number. A recording of several conversations (audio tracks of
/// their own) has none as a whole.
pub fn of(heard: &Heard) -> Vec<(String, Option<f64>)> {
    let mut ended = heard.conversations.iter().map(|c| c.record()).filter(|r| r.ended != Ended::Open);
    let (Some(record), None) = (ended.next(), ended.next()) else { return Vec::new() };
    record.measures.into_iter().map(|m| (m.name.into_owned(), m.value.ok())).collect()
}
