//! Feature-importance studies of labelled recordings, and training of the models that follow from them.
//!
//! A study: contexts, cross-validation folds without leaks, classifiers, importance on held-out speakers, a consensus ranking with
//! confidence intervals, recall against number of features, transfer between corpora, a report. Training: one model with its card,
//! exported as ONNX, that the stream runs.

pub mod amount;
mod assemble;
pub mod audit;
mod background;
pub mod by_corpus;
pub mod clusters;
mod comparison;
pub mod condition;
pub mod consensus;
pub mod contexts;
pub mod data;
pub mod direction;
mod entry;
pub mod error;
pub mod evaluate;
mod examine;
pub mod export;
pub mod extract;
pub mod facts;
mod fewer;
pub mod findings;
pub mod folds;
pub mod friedman;
pub mod generality;
pub mod importance;
mod judge;
pub mod labels;
pub mod learners;
#[cfg(test)]
pub(crate) mod made;
pub mod measure;
pub mod models;
pub mod novelty;
pub mod opinions;
pub mod planted;
pub mod pool;
pub mod prepare;
pub mod recipe;
pub mod report;
pub mod settings;
pub mod skipped;
pub mod stability;
pub mod steps;
pub mod study;
pub mod sufficiency;
pub mod train;
pub mod transfer;
pub mod unseen;
