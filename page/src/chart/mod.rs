//! Small charts: a histogram, and figures with their intervals.

mod axis;
mod histogram;
mod intervals;

pub use axis::{Axis, ticks};
pub use histogram::{Bin, histogram};
pub use intervals::{IntervalRow, intervals};
