//! Any text is settings of an element or refused as a whole: what an element says of its properties afterwards gives, as settings of
//! another one, the same properties.
#![no_main]

use gst::glib;
use gst::prelude::*;
use libfuzzer_sys::fuzz_target;
use std::sync::Once;

/// The properties of an element that can be set, as they are written in settings.
fn properties(element: &gst::Element) -> Vec<(String, String)> {
    element
        .list_properties()
        .iter()
        .filter(|p| p.flags().contains(glib::ParamFlags::WRITABLE | glib::ParamFlags::READABLE))
        .filter(|p| p.owner_type() == element.type_() && !matches!(p.name(), "settings" | "stats"))
        .filter_map(|p| {
            let text = element.property_value(p.name()).serialize().ok()?;
            let usual = p.default_value().serialize().ok();
            (usual.as_ref() != Some(&text)).then(|| (p.name().to_owned(), text.to_string()))
        })
        .collect()
}

fuzz_target!(|data: &[u8]| {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gst::init().expect("GStreamer starts");
        gstaffect::plugin_register_static().expect("the elements are registered");
    });
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    if text.contains('\0') {
        return;
    }
    let name = ["affectfeatures", "affectscore"][usize::from(first % 2)];
    let make = || gst::ElementFactory::make(name).build().expect("the element is registered");
    let element = make();
    element.set_property("settings", text);
    let set = properties(&element);
    // Semicolons separate settings: a text with one in it cannot be written there.
    if set.iter().any(|(_, value)| value.contains(';')) {
        return;
    }
    let other = make();
    other.set_property("settings", set.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(";"));
    assert_eq!(set, properties(&other), "after {text:?}");
});
