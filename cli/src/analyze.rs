//! `affect analyze FILE...`: who sounded how, when, and which features of the voice say so.

use crate::analysis_args::{AnalysisArgs, conclude};
use crate::captions::{Caption, Captions};
use crate::conversation::summary;
use crate::inputs::InputArgs;
use crate::list::print_measures;
use crate::output::{Ending, Form, Output, Sink, ended, output_failed};
use crate::timeline::timeline;
use crate::whole::{Batch, ReadingArgs, Results, batch};
use crate::{DONE, FAILED, USAGE, interrupt};
use affect::analyzer::{Config, ConversationConfig};
use affect::record::Record;
use affect_archive::Columns;
use affect_media::file::Heard;
use affect_media::files::{Kind, refuse_outputs_among_inputs, refuse_standard_output_among};
use clap::{Args, ValueEnum};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// Who sounded how, when, and why, to be read by people.
    Timeline,
    /// One record of the schema affect.result/2 a line.
    Jsonl,
    /// A table of columns with everything that a record says, for pandas, DuckDB, Spark.
    Parquet,
    /// Tiers for Praat and ELAN, one file for each recording.
    Textgrid,
    /// Cues for players (WebVTT), one file for each recording.
    Vtt,
    /// One JSON document for each recording, in the names that contact-centre analytics use: talk time, non-talk time, interruptions, and
    /// what each party expressed when.
    CallJson,
}

#[derive(Debug, Args)]
pub struct AnalyzeArgs {
    #[command(flatten)]
    inputs: InputArgs,
    /// Records of the schema affect.result/2 as JSON lines: short for --format jsonl.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Form of the output.
    #[arg(long, value_enum, default_value = "timeline")]
    format: Shape,
    /// Write here instead of to standard output. The file appears when it is complete. A folder for textgrid, vtt and call-json of several
    /// recordings.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    analysis: AnalysisArgs,
    /// A record of the conversation of each file too (affect.conversation/1, after the file's results; JSON lines only): who talks how much, at once, in
    /// turn, and how each party sounds. With =S also one so far every S seconds. A timeline has a summary of it without asking.
    #[arg(long, value_name = "S", num_args = 0..=1, require_equals = true, default_missing_value = "0", value_parser = conversation_interval)]
    conversation: Option<u64>,
    /// What the measures of a conversation are, and no more; with --json as JSON.
    #[arg(long)]
    list_measures: bool,
    /// No progress on standard error.
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// Seconds between records of a conversation, as samples at 16 kHz.
fn conversation_interval(text: &str) -> Result<u64, String> {
    let seconds = text.parse::<f64>().ok().filter(|s| *s == 0.0 || (1.0..=86_400.0).contains(s));
    seconds
        .map(|s| (s * 16_000.0).round() as u64)
        .ok_or("expected 0 (at the end only), or 1 to 86400 seconds".to_owned())
}

impl AnalyzeArgs {
    fn shape(&self) -> Shape {
        if self.json { Shape::Jsonl } else { self.format }
    }

    /// How the conversation is followed, if it is.
    fn conversation(&self) -> Result<Option<ConversationConfig>, String> {
        let with = |interval| ConversationConfig { interval, ..ConversationConfig::default() };
        match (self.shape(), self.conversation) {
            (Shape::Timeline | Shape::CallJson, None | Some(0)) => Ok(Some(with(0))),
            (Shape::Jsonl, asked) => Ok(asked.map(with)),
            (_, None) => Ok(None),
            (shape, Some(_)) => {
                let name = shape.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default();
                let why = if matches!(shape, Shape::Timeline | Shape::CallJson) {
                    "shows the whole conversation"
                } else {
                    "holds the results of segments"
                };
                Err(format!("--conversation: the form {name} {why}: use --json for records of the conversation"))
            }
        }
    }

    fn config(&self) -> Result<Config, String> {
        let config = self.analysis.config(self.reading.decoding.keep_dual_mono)?;
        let config = Config { conversation: self.conversation()?, ..config };
        config.check().map_err(|e| e.to_string())?;
        Ok(config)
    }
}

/// Where results go.
enum To {
    /// A timeline.
    People(BufWriter<Sink>),
    /// Records.
    Records(Output),
    /// Documents beside the recordings.
    Documents(Captions),
}

/// Records as they come, or what waits for the end of the file: a timeline, and scores that rest on all that is said.
struct Shown {
    to: To,
    /// The model's first failure in this file.
    failed: Option<String>,
    /// Exit code of the files so far, by the model alone.
    code: u8,
}

impl Shown {
    fn note_failure(&mut self, record: &Record) {
        if let (None, Some(s)) = (&self.failed, record.scored.as_ref().filter(|s| s.emotion.failed)) {
            self.failed.clone_from(&s.emotion.abstained);
        }
    }
}

impl Results for Shown {
    fn take(&mut self, file: &str, record: Record) -> io::Result<()> {
        self.note_failure(&record);
        match &mut self.to {
            To::Records(output) => output.write(file, &record),
            // These take files as a whole.
            To::People(_) | To::Documents(_) => Ok(()),
        }
    }

    fn end_of_file(&mut self, file: &str, heard: &Heard, mut held: Vec<Record>) -> io::Result<()> {
        held.iter().for_each(|r| self.note_failure(r));
        match &mut self.to {
            To::Records(output) => {
                held.iter().try_for_each(|r| output.write(file, r))?;
                for conversation in &heard.conversations {
                    let record = conversation.record();
                    if record.may_be_told() {
                        output.write_line(&record.to_json())?;
                    }
                }
                output.flush()?;
            }
            To::Documents(captions) => match captions.write(file, heard, &held) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    eprintln!("affect: {file}: {e}");
                    self.code = FAILED;
                }
                other => other?,
            },
            To::People(out) => {
                held.sort_by_key(|r| (r.start_ns, r.channel.index));
                timeline(out, file, heard, &held)?;
                for conversation in &heard.conversations {
                    summary(out, &conversation.record())?;
                }
                out.flush()?;
            }
        }
        if let Some(e) = self.failed.take() {
            eprintln!("affect: {file}: {e}");
            self.code = FAILED;
        }
        Ok(())
    }
}

impl To {
    fn open(shape: Shape, out: Option<&Path>, config: &Config, recordings: usize) -> io::Result<Self> {
        let documents = |form| {
            let captions = Captions::new(form, out, recordings);
            captions.map(Self::Documents).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))
        };
        let set = config.sets.first().copied().unwrap_or_default();
        match shape {
            Shape::Textgrid => documents(Caption::TextGrid),
            Shape::Vtt => documents(Caption::Vtt),
            Shape::CallJson => documents(Caption::Call),
            Shape::Timeline => Sink::open(out, Kind::Text).map(|s| Self::People(BufWriter::new(s))),
            Shape::Jsonl => Output::open(out, Form::Jsonl).map(Self::Records),
            Shape::Parquet => {
                let columns = Columns::of(set.functionals(), config.scorer.as_deref());
                Output::open(out, Form::Parquet(columns)).map(Self::Records)
            }
        }
    }
}

impl Ending for To {
    fn finish(self) -> io::Result<()> {
        match self {
            Self::People(out) => out.into_inner().map_err(io::IntoInnerError::into_error)?.finish(),
            Self::Records(output) => output.finish(),
            Self::Documents(_) => Ok(()),
        }
    }

    fn abandon(self) -> io::Result<Option<PathBuf>> {
        match self {
            Self::People(out) => out.into_inner().map_err(io::IntoInnerError::into_error)?.abandon(),
            Self::Records(output) => output.abandon(),
            Self::Documents(_) => Ok(None),
        }
    }
}

/// Analyses all files; one bad file never stops the rest. Returns the exit code.
pub fn run(args: &AnalyzeArgs) -> u8 {
    if args.list_measures {
        return print_measures(args.json);
    }
    let ready = args.inputs.find().and_then(|inputs| {
        let files = || inputs.files.iter().map(PathBuf::as_path);
        refuse_outputs_among_inputs(files(), args.out.iter().map(PathBuf::as_path)).map_err(|e| e.to_string())?;
        if args.out.is_none() {
            refuse_standard_output_among(files()).map_err(|e| e.to_string())?;
        }
        let config = args.config()?;
        Ok((inputs, config))
    });
    let (inputs, config) = match ready {
        Ok(r) => r,
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
    let shape = args.shape();
    let to = match To::open(shape, args.out.as_deref(), &config, inputs.files.len()) {
        Ok(to) => to,
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => {
            eprintln!("affect: {e}");
            return USAGE;
        }
        Err(e) => return output_failed(args.out.as_deref(), &e),
    };
    let finish = |heard: &mut Heard, held: &mut Vec<Record>| conclude(&config, heard, held, &mut || {});
    let files = Batch {
        files: &inputs.files,
        names: &inputs.names,
        config: &config,
        reading: &args.reading,
        quiet: args.quiet,
        finish: (config.deferred || !matches!(shape, Shape::Jsonl | Shape::Parquet)).then_some(&finish),
        baseline: None,
    };
    let mut shown = Shown { to, failed: None, code: DONE };
    let outcome = batch(&files, &mut shown).map(|code| code.max(shown.code).max(inputs.report_problems()));
    ended(outcome, args.out.as_deref(), shown.to)
}
