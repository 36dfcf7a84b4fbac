//! What a machine brings to the parts of a run: how many at a time, limits of a call, and where things are here.

use super::child::Limits;
use super::settings::absolute;
use super::units::{bytes, time};
use super::wire::Charge;
use affect_archive::Run;
use affect_media::files::to_name;
use clap::Args;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// Where things are on this machine.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// Where the recordings are on this machine, if not where they were planned.
    #[arg(long, value_name = "FOLDER")]
    pub source: Option<PathBuf>,
    /// Where the model is on this machine, if not where it was planned. It has to be the same.
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Where its card is, likewise.
    #[arg(long, value_name = "FILE")]
    pub model_card: Option<PathBuf>,
    /// ONNX Runtime's shared library, where it shall not be searched for (also ORT_DYLIB_PATH).
    #[arg(long, value_name = "FILE")]
    pub runtime_library: Option<PathBuf>,
}

impl PlaceArgs {
    /// The first of the options that was given.
    pub fn given(&self) -> Option<&'static str> {
        let options = [
            ("--source", &self.source),
            ("--model", &self.model),
            ("--model-card", &self.model_card),
            ("--runtime-library", &self.runtime_library),
        ];
        options.into_iter().find(|(_, path)| path.is_some()).map(|(name, _)| name)
    }

    /// The run with its model and card where they are here.
    pub fn here(&self, planned: &Run) -> Run {
        let named = |path: &Option<PathBuf>| path.as_deref().map(absolute);
        let mut run = planned.clone();
        run.model = named(&self.model).or(run.model);
        run.model_card = named(&self.model_card).or(run.model_card);
        run
    }

    /// What a worker of a run is told that it is to be.
    pub fn charge(&self, planned: &Run) -> Charge {
        Charge { run: self.here(planned), runtime_library: self.runtime_library.as_deref().map(to_name) }
    }
}

/// Options of every verb that analyses parts.
#[derive(Debug, Args)]
pub struct MachineArgs {
    /// Calls that are analysed at the same time, each by a worker process; as many as there are cores without it.
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Time without progress after which a call is given up.
    #[arg(long, value_name = "TIME", default_value = "300s", value_parser = time)]
    pub stall: Duration,
    /// Time after which a call is given up in any case.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    timeout_per_call: Duration,
    /// Memory of a worker process at which its call is given up.
    #[arg(long, value_name = "BYTES", default_value = "2GiB", value_parser = bytes)]
    memory: u64,
    #[command(flatten)]
    pub places: PlaceArgs,
    /// What dead attempts left behind is deleted when it is that old.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time)]
    pub grace: Duration,
    /// No progress on standard error.
    #[arg(long, short)]
    pub quiet: bool,
}

impl MachineArgs {
    /// Calls at a time.
    pub fn jobs(&self) -> usize {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.jobs.unwrap_or(cores).get()
    }

    /// What a call may take.
    pub fn limits(&self) -> Limits {
        Limits { stall: self.stall, call: self.timeout_per_call, memory: self.memory }
    }
}
