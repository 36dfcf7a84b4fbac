//! Analysis of audio files, and of GStreamer's buffers and events, to records: what the plugin and the command share.
//!
//! Buffers and events go into a [`tap::Tap`], records come out. [`decode`] makes buffers and events of a file, and [`mod@file`]
//! joins the two: it gives for a file what the elements give for the same file in a pipeline. [`files`] keeps recordings from
//! being overwritten.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

pub mod audio;
mod cut;
pub mod decode;
pub mod file;
pub mod files;
mod sameness;
mod slew;
pub mod tap;
mod timeline;
mod trouble;
