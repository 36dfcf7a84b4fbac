//! `affect report CALL --html PAGE`: one call on one page.

mod audio;
mod call;
mod cards;
mod contours;
mod lanes;
mod measures;
pub mod overview;
mod page;
mod provenance;
mod quality;
mod said;

use crate::analysis_args::{AnalysisArgs, Pieces, conclude};
use crate::progress::Progress;
use crate::whole::DecodingArgs;
use crate::{DONE, FAILED, USAGE, interrupt};
use affect::analyzer::{Config, ConversationConfig, FeatureSet, Segmentation};
use affect::record::Record;
use affect_media::file::{Heard, Job, analyse};
use affect_media::files::{Complete, Kind, refuse_outputs_among_inputs, to_name};
pub use audio::Audio;
use call::Call;
use clap::Args;
use contours::{Contours, bin_width};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A recording of a call; its channels are its parties.
    #[arg(value_name = "CALL")]
    file: PathBuf,
    /// The page to write. It appears when it is complete.
    #[arg(long, value_name = "PAGE.html")]
    html: PathBuf,
    /// The recording itself: none of it; a link to the file, relative to the page, that plays when asked to; or all of it inside the page.
    #[arg(long, value_enum, default_value = "none")]
    audio: Audio,
    /// What the page is for, as its record of provenance shall say.
    #[arg(long, value_name = "TEXT", default_value = "")]
    purpose: String,
    /// No progress on standard error.
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    analysis: AnalysisArgs,
    #[command(flatten)]
    decoding: DecodingArgs,
}

/// Analyses the call and writes the page. Returns the exit code.
pub fn run(args: &ReportArgs) -> u8 {
    let inputs = || [args.file.as_path()].into_iter().chain(args.analysis.model.as_deref());
    let apart = refuse_outputs_among_inputs(inputs(), [args.html.as_path()]).map_err(|e| e.to_string());
    let ready = apart.and_then(|()| {
        if args.analysis.segments != Pieces::Utterance {
            return Err("--segments: a page is about utterances".to_owned());
        }
        args.analysis.config(args.decoding.keep_dual_mono)
    });
    let config = match ready {
        Ok(config) => config,
        Err(e) => {
            eprintln!("affect: {e}");
            return USAGE;
        }
    };
    if let Err(e) = gst::init() {
        eprintln!("affect: GStreamer cannot start: {e}");
        return FAILED;
    }
    interrupt::flag();
    let file = args.file.as_path();
    let making = Making {
        file,
        name: to_name(file.file_name().unwrap_or(file.as_os_str())),
        html: &args.html,
        audio: args.audio,
        purpose: &args.purpose,
        config: Config {
            stream: to_name(file).as_str().into(),
            source: "affect report".into(),
            conversation: Some(ConversationConfig::default()),
            ..config
        },
        decoding: &args.decoding,
    };
    match page(&making, &Progress::file(args.quiet, 0, 1, file)) {
        Ok(true) => DONE,
        Ok(false) => FAILED,
        Err(e) => {
            eprintln!("affect: {}: {e}", to_name(file));
            FAILED
        }
    }
}

/// What the page of a call is made of.
pub struct Making<'a> {
    /// The recording.
    pub file: &'a Path,
    /// Its name on the page.
    pub name: String,
    /// The page to write.
    pub html: &'a Path,
    pub audio: Audio,
    /// What the page is for.
    pub purpose: &'a str,
    /// With the name of the stream, and with a conversation.
    pub config: Config,
    pub decoding: &'a DecodingArgs,
}

/// Hears the file with these settings; hands on every record.
fn hear(m: &Making<'_>, config: &Config, progress: &Progress, take: &mut dyn FnMut(Record)) -> Result<Heard, String> {
    let job = Job { config, track: m.decoding.track, baseline: None, one_channel: false, limits: m.decoding.limits() };
    let mut show = |at, of| progress.set_position(at, of);
    analyse(m.file, &job, &mut show, &mut |record| {
        take(record);
        Ok(())
    })
    .map_err(|e| e.to_string())
}

/// Analyses a call and writes its page. Returns whether the recording was whole and its model ran; what was wrong is said.
///
/// # Errors
/// A sentence: there is no page.
pub fn page(m: &Making<'_>, progress: &Progress) -> Result<bool, String> {
    let config = &m.config;
    let mut records = Vec::new();
    let mut heard = hear(m, config, progress, &mut |r| records.push(r))?;
    conclude(config, &mut heard, &mut records, &mut || {});
    records.sort_by_key(|r| (r.start_ns, r.channel.index));

    // The same sound once more, frame by frame: level and F0 over time. A policy holds here too.
    let frames = Config {
        segmentation: Segmentation::Frames,
        sets: vec![FeatureSet::AffectV1],
        scorer: None,
        deferred: false,
        conversation: None,
        ..config.clone()
    };
    let mut contours = Contours::new(bin_width(heard.end_ns), &records);
    hear(m, &frames, progress, &mut |r| contours.add(&r))?;
    if interrupt::asked() {
        return Err("interrupted: no page was written".to_owned());
    }
    let call = Call::new(m, &heard, &records, &contours)?;
    let audio = m.audio.prepare(m.file, m.html, &call)?;
    let html = page::html(&call, &audio)?;
    let failed = |e: std::io::Error| format!("cannot write to \"{}\": {e}", m.html.display());
    Complete::write(m.html, Kind::Text, html.as_bytes()).map_err(failed)?;
    let name = &config.stream;
    heard.notes.iter().for_each(|note| eprintln!("affect: {name}: note: {note}"));
    heard.problems.iter().for_each(|problem| eprintln!("affect: {name}: {problem}"));
    let model = records.iter().filter_map(|r| r.scored.as_ref()).find(|s| s.emotion.failed);
    if let Some(s) = model {
        eprintln!("affect: {name}: {}", s.emotion.abstained.as_deref().unwrap_or("the model failed"));
    }
    Ok(heard.problems.is_empty() && model.is_none())
}
