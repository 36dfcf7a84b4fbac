//! Features: what each is (the catalogue), functionals over frames, and the feature sets.

pub mod affect;
pub mod baseline;
pub mod catalogue;
pub mod egemaps;
pub mod functionals;
pub mod reason;
pub mod values;
