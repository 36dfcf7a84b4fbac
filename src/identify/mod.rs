//! From labelled recordings to what matters in them: contexts, folds without leaks, learners, importance on held-out speakers,
//! consensus with its uncertainty, how few features suffice; and to a model that the stream runs.

mod assemble;
pub mod audit;
pub mod clusters;
pub mod condition;
pub mod consensus;
pub mod contexts;
pub mod data;
pub mod direction;
pub mod evaluate;
mod examine;
pub mod export;
pub mod extract;
pub mod facts;
mod fewer;
pub mod findings;
pub mod importance;
pub mod labels;
pub mod learners;
pub mod measure;
pub mod models;
pub mod planted;
pub mod pool;
pub mod prepare;
pub mod report;
pub mod stability;
pub mod statistics;
pub mod study;
pub mod sufficiency;
pub mod train;
pub mod transfer;
