//! From audio files, buffers and events of GStreamer to records: what the plugin and the command share.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

pub mod audio;
pub mod decode;
pub mod tap;
mod timeline;
