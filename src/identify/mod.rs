//! Feature-importance studies of labelled recordings, and training of the models that follow from them.
//!
//! A study: contexts, cross-validation folds without leaks, classifiers, importance on held-out speakers, a consensus ranking with
//! confidence intervals, recall against number of features, transfer between corpora, a report. Training: one model with its card,
//! exported as ONNX, that the stream runs.

mod assemble;
pub mod audit;
pub mod clusters;
pub mod condition;
pub mod consensus;
pub mod contexts;
pub mod data;
pub mod direction;
pub mod error;
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
pub mod settings;
pub mod stability;
pub mod statistics;
pub mod study;
pub mod sufficiency;
pub mod train;
pub mod transfer;
pub mod unseen;
