//! `affect features FILE...`

use crate::args::{Extract, Format, Level};
use crate::output::{Form, Output, ended, output_failed};
use crate::whole::{Batch, Results, batch};
use crate::{FAILED, USAGE, interrupt};
use affect::analyzer::{FeatureSet, two_pass};
use affect::features::baseline::{Baseline, Population};
use affect::record::Record;
use affect_archive::Columns;
use affect_media::file::Heard;
use affect_media::files::{Complete, Kind, refuse_outputs_among_inputs, refuse_standard_output_among};
use std::io;
use std::path::{Path, PathBuf};

/// Rows that go to the output, or wait for the end of the file to be compared with all of it.
struct Rows {
    output: Output,
}

impl Results for Rows {
    fn take(&mut self, file: &str, record: Record) -> io::Result<()> {
        self.output.write(file, &record)
    }

    fn end_of_file(&mut self, file: &str, _heard: &Heard, held: Vec<Record>) -> io::Result<()> {
        held.iter().try_for_each(|r| self.output.write(file, r))
    }
}

/// Runs the job; returns the exit code. One bad file never stops the rest.
pub fn run(job: &Extract) -> u8 {
    let inputs = || job.inputs.files.iter().map(PathBuf::as_path);
    let outputs = job.out.iter().chain(&job.baseline_file).map(PathBuf::as_path);
    let apart = refuse_outputs_among_inputs(inputs(), outputs);
    let apart = apart.and_then(|()| if job.out.is_none() { refuse_standard_output_among(inputs()) } else { Ok(()) });
    if let Err(e) = apart {
        eprintln!("affect: {e}");
        return USAGE;
    }
    if let Err(e) = gst::init() {
        eprintln!("affect: GStreamer cannot start: {e}");
        return FAILED;
    }
    interrupt::flag();
    // The settings' check has seen to it that there is a set.
    let set: FeatureSet = job.config.sets.first().copied().unwrap_or_default();
    let entries = match job.level {
        Level::Lld => set.llds(),
        Level::Functionals => set.functionals(),
    };
    let form = match job.format {
        Format::Parquet => Form::Parquet(Columns::of(entries, None)),
        Format::Jsonl => Form::Jsonl,
        Format::Csv | Format::Json => Form::Csv(entries),
    };
    let output = match Output::open(job.out.as_deref(), form) {
        Ok(o) => o,
        Err(e) => return output_failed(job.out.as_deref(), &e),
    };
    let saved = |learnt: Option<&Baseline>| match (&job.baseline_file, learnt) {
        (Some(path), None) => load(path),
        (Some(path), Some(b)) => {
            let named = |e: io::Error| format!("{}: {e}", path.display());
            Complete::write(path, Kind::Text, b.to_json().as_bytes()).map_err(named).map(|()| None)
        }
        (None, _) => Ok(None),
    };
    let files = Batch {
        files: &job.inputs.files,
        names: &job.inputs.names,
        config: &job.config,
        reading: &job.reading,
        quiet: job.quiet,
        finish: job.two_pass.then_some(&|_: &mut Heard, held: &mut Vec<Record>| drop(two_pass(held))),
        baseline: job.baseline_file.is_some().then_some(&saved),
    };
    let mut rows = Rows { output };
    let outcome = batch(&files, &mut rows).map(|code| code.max(job.inputs.report_problems()));
    ended(outcome, job.out.as_deref(), rows.output)
}

/// A saved baseline; `None` where the file is not there yet.
fn load(path: &Path) -> Result<Option<Baseline>, String> {
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    match std::fs::read_to_string(path) {
        Ok(text) => Baseline::from_json(Population::affect(), &text).map(Some).map_err(|e| named(&e)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(named(&e)),
    }
}
