//! Statistics over contours.

pub mod contour;
pub mod moments;
pub mod percentile;
pub mod runs;
