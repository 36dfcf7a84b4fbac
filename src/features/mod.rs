//! Feature sets: the catalogue of names and meanings, the streams that compute them, and their functionals.

pub mod catalogue;
pub mod egemaps;
pub mod functionals;
pub mod reason;
