//! GStreamer plugin `affect`: thin elements over the analysis library.
//!
//! `affectfeatures` passes audio through and attaches results, `affectextract` gives them a pad of their own, and
//! `affectsink` writes them. Loading the plugin registers types and nothing else: it opens no file and starts no thread.

#![warn(clippy::unwrap_used)]

pub mod affectextract;
pub mod affectfeatures;
pub mod affectscore;
pub mod affectsink;
pub mod conversation;
mod item;
pub mod meta;
mod named_files;
mod outbox;
mod properties;
pub mod result;
pub mod seen;
pub mod speech;
mod tap;

/// Caps of the stream of results.
pub const RESULT_CAPS: &str = "application/x-json, format=(string)affect-result, version=(int)2";

/// Name of the event that carries results for which no buffer comes any more.
pub const RESULTS_EVENT: &str = "affect/results";

/// Name of the query by which an element asks upstream which features come, already attached.
pub const UPSTREAM_QUERY: &str = "affect/features";

fn plugin_init(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    meta::register();
    // ONNX Runtime's library may lie beside the plugin.
    if let Some(folder) = plugin.filename().as_deref().and_then(std::path::Path::parent) {
        affect::model::library::look_in(vec![folder.to_owned()]);
    }
    affectfeatures::register(plugin)?;
    affectscore::register(plugin)?;
    affectextract::register(plugin)?;
    affectsink::register(plugin)
}

/// Registers the plugin's elements in this process without loading a shared object.
pub use definition::plugin_register_static;

#[allow(missing_docs, reason = "the macro makes undocumented items")]
mod definition {
    use super::plugin_init;

    gst::plugin_define!(
        affect,
        env!("CARGO_PKG_DESCRIPTION"),
        plugin_init,
        concat!(env!("CARGO_PKG_VERSION"), "-", env!("COMMIT_ID")),
        "MIT/X11",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_NAME"),
        "Unknown package origin",
        env!("BUILD_REL_DATE")
    );
}
