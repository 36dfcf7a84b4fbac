//! Files: their names in records, whether an output is an input, and outputs that appear when they are complete.

mod complete;
mod identity;
mod name;

pub use complete::{Complete, Kind, replaceable};
pub use identity::{Identity, OutputIsInput, refuse_outputs_among_inputs, refuse_standard_output_among};
pub use name::{from_name, to_name};
