//! Analysis of one file, with the results that the elements would give in a pipeline.
//!
//! All audio tracks are analysed. The channels of a file with several tracks are counted through: those of the second track
//! come after those of the first, and every record says its track.

use crate::decode::{DecodeError, Delivery, Item, Limits, decode};
use crate::tap::{Tap, Trouble};
use affect::analyzer::{ChannelMode, Config};
use affect::conversation::Conversation;
use affect::error::ConfigError;
use affect::features::baseline::Baseline;
use affect::record::Record;
use std::path::Path;

/// Options of the analysis of a file.
#[derive(Debug)]
pub struct Job<'a> {
    /// Settings; channel numbers, roles, policies and speakers count the channels of all tracks through.
    pub config: &'a Config,
    /// Only this audio track, the first being 0; all without it.
    pub track: Option<usize>,
    /// Baseline of the speaker of the only channel, from other files.
    pub baseline: Option<&'a Baseline>,
    /// Files with several channels are refused: one speaker is followed from file to file.
    pub one_channel: bool,
    /// Limits of waiting.
    pub limits: Limits<'a>,
}

/// Summary of a file that was analysed.
#[derive(Debug, Default)]
pub struct Heard {
    /// Audio tracks that were analysed.
    pub tracks: usize,
    /// Channels of all of them.
    pub channels: usize,
    /// Samples a second of the first of them, as recorded; 0 where there is none.
    pub rate_hz: u32,
    /// Where its audio ends, in ns of the file's own time.
    pub end_ns: u64,
    /// What ended it early, or is missing.
    pub problems: Vec<String>,
    /// What is worth knowing although everything was done.
    pub notes: Vec<String>,
    /// Whether an interruption ended it.
    pub interrupted: bool,
    /// Baseline of the speaker of channel 0 after the file.
    pub baseline: Option<Baseline>,
    /// The conversations, where they are followed: of each track the interim ones and those at an end, in order. Scores that are
    /// left to whoever takes the records are to be added ([`Conversation::score`]).
    pub conversations: Vec<Conversation>,
}

struct Track {
    tap: Tap,
    number: usize,
    first_channel: usize,
    config: Option<Config>,
    /// Records of later tracks wait for the end, so that the order is the same every time.
    held: Vec<Record>,
    conversations: Vec<Conversation>,
}

/// Decodes and analyses a file; `take` gets every record, `progress` position and duration in ns. Records come track by
/// track. What was heard until a defect or an interruption is complete up to there.
///
/// # Errors
/// [`DecodeError`]: why there is nothing at all.
pub fn analyse(
    path: &Path,
    job: &Job<'_>,
    progress: &mut dyn FnMut(u64, Option<u64>),
    take: &mut dyn FnMut(Record) -> Result<(), String>,
) -> Result<Heard, DecodeError> {
    let mut tracks: Vec<Track> = Vec::new();
    let mut heard = Heard::default();
    let mut has_audio = false;
    let outcome = decode(path, job.limits, &mut |delivery| {
        match delivery {
            Delivery::Tracks(infos) => {
                let channels: Vec<usize> = infos.iter().map(|i| i.channels() as usize).collect();
                let first = infos.get(job.track.unwrap_or(0)).map_or(0, |i| i.rate());
                heard.rate_hz = if heard.rate_hz == 0 { first } else { heard.rate_hz };
                heard.tracks = heard.tracks.max(job.track.map_or(channels.len(), |_| 1));
                heard.channels = heard.channels.max(arrange(&mut tracks, &channels, job)?);
            }
            Delivery::Item(number, item) => {
                let Some(track) = tracks.iter_mut().find(|t| t.number == number) else { return Ok(()) };
                if let Item::Buffer(buffer) = &item {
                    has_audio = true;
                    let end = buffer.pts().and_then(|p| p.checked_add(buffer.duration()?));
                    heard.end_ns = heard.end_ns.max(end.map_or(0, gst::ClockTime::nseconds));
                }
                if let Some(problem) = track.handle(item)? {
                    heard.problems.push(problem);
                }
                return track.hand_over(heard.tracks > 1, take);
            }
            Delivery::Progress(at, of) => progress(at, of),
        }
        Ok(())
    });
    let stopped = matches!(outcome, Err(DecodeError::Stopped(_)));
    match outcome {
        Err(e) if !has_audio => return Err(e),
        Ok(_) if !has_audio => return Err(DecodeError::NoAudio { others: Vec::new() }),
        Ok(defects) => heard.problems.extend(defects.iter().map(ToString::to_string)),
        Err(e) => {
            heard.interrupted = matches!(e, DecodeError::Interrupted);
            heard.problems.push(e.to_string());
        }
    }
    let several = heard.tracks > 1;
    for track in &mut tracks {
        track.tap.finish();
        if !stopped {
            let outcome = track.hand_over(several, take).and_then(|()| track.held.drain(..).try_for_each(&mut *take));
            heard.problems.extend(outcome.err());
        }
        heard.conversations.append(&mut track.conversations);
        let collapsed = track.tap.dual_mono();
        heard.notes.extend(track.tap.same_sound().into_iter().map(|(a, b)| {
            let analysed_once = collapsed.contains(&(a, b));
            let (a, b) = (a + track.first_channel, b + track.first_channel);
            if analysed_once {
                format!("channels {a} and {b} carry the same sound, sample for sample: it is analysed once, as channel {a}")
            } else {
                format!(
                    "channels {a} and {b} carry the same sound: one voice is counted as two (--channels {a} takes it once)"
                )
            }
        }));
    }
    heard.baseline = tracks.first().and_then(|t| t.tap.baseline().cloned());
    Ok(heard)
}

/// Assigns configurations and channel numbers to the tracks; returns the number of channels.
fn arrange(tracks: &mut Vec<Track>, channels: &[usize], job: &Job<'_>) -> Result<usize, String> {
    let of_all_tracks: usize = channels.iter().sum();
    if let Some(k) = job.track.filter(|k| *k >= channels.len()) {
        return Err(format!("no audio track {k}: there are {}, the first being 0", channels.len()));
    }
    let selected = |k: usize| job.track.is_none_or(|t| t == k);
    // With one track asked for, its channels are counted from 0.
    let total = job.track.map_or(of_all_tracks, |t| channels[t]);
    if let ChannelMode::List(list) = &job.config.channels
        && let Some(&found) = list.iter().find(|c| **c >= total)
    {
        return Err(ConfigError::NoSuchChannel { found, channels: total }.to_string());
    }
    if job.config.channels == ChannelMode::Mix && job.track.is_none() && channels.len() > 1 {
        return Err(format!(
            "{} audio tracks: the mix is of the channels of one track, choose it with --track 0 to {}",
            channels.len(),
            channels.len() - 1
        ));
    }
    if job.one_channel && total != 1 {
        return Err(format!("{total} channels: --baseline-file is for files with one channel"));
    }
    let mut first = 0;
    for (number, n) in channels.iter().enumerate().filter(|(k, _)| selected(*k)) {
        let config = config_of_channels(job.config, first, *n);
        match tracks.iter_mut().find(|t| t.number == number) {
            Some(t) => (t.config, t.first_channel) = (config, first),
            None => {
                let mut tap = Tap::default();
                job.baseline.cloned().into_iter().for_each(|b| tap.set_baseline(b));
                tracks.push(Track {
                    tap,
                    number,
                    first_channel: first,
                    config,
                    held: Vec::new(),
                    conversations: Vec::new(),
                });
            }
        }
        first += n;
    }
    Ok(total)
}

/// The configuration for `n` channels from `first` on; `None` where none of them is asked for.
fn config_of_channels(config: &Config, first: usize, n: usize) -> Option<Config> {
    let mut part = config.clone();
    part.roles.drain(..first.min(part.roles.len()));
    part.policy.drain(..first.min(part.policy.len()));
    part.speakers.drain(..first.min(part.speakers.len()));
    if let ChannelMode::List(list) = &mut part.channels {
        list.retain(|c| (first..first + n).contains(c));
        list.iter_mut().for_each(|c| *c -= first);
        if list.is_empty() {
            return None;
        }
    }
    Some(part)
}

impl Track {
    /// Analyses an item; returns a defect after which the track goes on.
    fn handle(&mut self, item: Item) -> Result<Option<String>, String> {
        let Some(config) = &self.config else { return Ok(None) };
        match item {
            Item::Stream(id) => self.tap.set_stream(&id),
            Item::Form(info) => self.tap.set_info(*info),
            Item::Segment(segment) => drop(self.tap.set_segment(segment)),
            Item::Gap(pts, duration) => self.tap.missing_time(Some(pts), duration),
            Item::End => self.tap.finish(),
            Item::Buffer(buffer) => match self.tap.buffer(&buffer, &|_| Ok(config.clone())) {
                Ok(()) => {}
                Err(Trouble::Buffer(e)) => return Ok(Some(e)),
                Err(Trouble::Audio(e)) => return Err(e.to_string()),
                Err(Trouble::Settings(e)) => return Err(e.to_string()),
            },
        }
        Ok(None)
    }

    /// Hands over what is ready, with the file's channel numbers.
    fn hand_over(&mut self, several: bool, take: &mut dyn FnMut(Record) -> Result<(), String>) -> Result<(), String> {
        let track = Some(self.number).filter(|_| several);
        for mut conversation in self.tap.take_conversations() {
            conversation.place_in_file(self.first_channel, track);
            self.conversations.push(conversation);
        }
        for mut record in self.tap.take() {
            record.channel.index = record.channel.index.map(|c| c + self.first_channel);
            record.channel.same_as.iter_mut().for_each(|c| *c += self.first_channel);
            record.channel.track = track;
            if self.number == 0 || !several {
                take(record)?;
            } else {
                self.held.push(record);
            }
        }
        Ok(())
    }
}
