//! From a row back to its record: by its JSON.

use crate::columns::{Column, REST};
use affect::record::{Record, SCHEMA};
use serde_json::{Map, Value};

/// Keys of `quality` and `emotion` that stand there even where nothing is known.
const QUALITY: [&str; 10] = [
    "speech_s",
    "voiced_share",
    "snr_db",
    "clipping_share",
    "band_low_hz",
    "bandwidth_hz",
    "level_dbfs",
    "skipped_frames",
    "lost_share",
    "concealed_share",
];
const EMOTION: [&str; 4] = ["label", "confidence", "abstained", "entropy_bits"];

/// Puts a value at a path.
fn put(into: &mut Value, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if let Ok(k) = first.parse::<usize>()
        && (into.is_array() || into.is_null())
    {
        if into.is_null() {
            *into = Value::Array(Vec::new());
        }
        if let Value::Array(a) = into {
            while a.len() <= k {
                a.push(Value::Null);
            }
            a[k] = value;
        }
        return;
    }
    if into.is_null() {
        *into = Value::Object(Map::new());
    }
    if let Value::Object(m) = into {
        if rest.is_empty() {
            m.insert(first.clone(), value);
        } else {
            put(m.entry(first.clone()).or_insert(Value::Null), rest, value);
        }
    }
}

/// Puts the `rest` of an object back.
fn restore(object: &mut Value) -> Result<(), String> {
    let Value::Object(m) = object else { return Ok(()) };
    if let Some(Value::String(text)) = m.shift_remove(REST) {
        let rest: Map<String, Value> = serde_json::from_str(&text).map_err(|e| format!("rest: {e}"))?;
        m.extend(rest);
    }
    Ok(())
}

fn each(value: Option<&mut Value>, mut f: impl FnMut(&mut Value) -> Result<(), String>) -> Result<(), String> {
    match value {
        Some(Value::Array(a)) => a.iter_mut().try_for_each(&mut f),
        _ => Ok(()),
    }
}

/// Merges what was kept into what the columns say.
fn merge(into: &mut Value, rest: Value) {
    match (into, rest) {
        (Value::Object(a), Value::Object(b)) => {
            b.into_iter().for_each(|(k, v)| merge(a.entry(k).or_insert(Value::Null), v));
        }
        (_, Value::Null) => {}
        (into, rest) => *into = rest,
    }
}

/// The record of a row.
pub(crate) fn record(mut row: Map<String, Value>, columns: &[Column]) -> Result<Record, String> {
    let mut json = Value::Object(Map::from_iter([("schema".to_owned(), Value::String(SCHEMA.to_owned()))]));
    let rest = row.remove(REST);
    for c in columns.iter().filter(|c| !c.path.is_empty()) {
        let value = row.remove(&c.name).unwrap_or(Value::Null);
        // Features, and the channel's number, stand there also where they are not known.
        let always = c.path[0] == "features" || c.name == "channel";
        if always || !value.is_null() {
            put(&mut json, &c.path, value);
        }
    }
    for (part, names) in [("quality", &QUALITY[..]), ("emotion", &EMOTION)] {
        let there = match part {
            "quality" => json.get(part).is_some(),
            _ => json.pointer("/provenance/model").is_some(),
        };
        for name in names.iter().filter(|_| there) {
            if json.pointer(&format!("/{part}/{name}")).is_none() {
                put(&mut json, &[part.to_owned(), (*name).to_owned()], Value::Null);
            }
        }
    }
    for (part, name) in [("", "reasons"), ("baseline", "z")] {
        let there = part.is_empty() || json.get(part).is_some();
        let path: Vec<String> = [part, name].iter().filter(|p| !p.is_empty()).map(|p| (*p).to_owned()).collect();
        let pointer = format!("/{}", path.join("/"));
        if there && json.pointer(&pointer).is_none() {
            put(&mut json, &path, Value::Object(Map::new()));
        }
    }
    each(json.get_mut("explanations"), |e| {
        restore(e)?;
        each(e.get_mut("features"), restore)
    })?;
    if let Some(Value::String(text)) = rest {
        merge(&mut json, serde_json::from_str(&text).map_err(|e| format!("rest: {e}"))?);
    }
    Record::from_json(&json.to_string()).map_err(|e| e.to_string())
}
