//! Writing of the table of calls.

use super::{CALLS_SCHEMA, CallRow, EXPLAINED, MOST_BY, MOVED, Summary, group_column};
use crate::error::ArchiveError;
use crate::plan::META;
use crate::write::COLUMNS;
use arrow_array::{Array, ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Columns of a table of calls, beside those that all have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct CallColumns {
    pub probabilities: Vec<String>,
    pub dimensions: Vec<String>,
    /// Labels and dimensions that are explained, by which groups of features.
    #[serde(default)]
    pub explained: Vec<String>,
    #[serde(default)]
    pub groups: Vec<String>,
    pub numbers: Vec<String>,
    pub metadata: Vec<String>,
}

/// What a table of calls is about.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub columns: CallColumns,
    /// Metadata of the file, without `affect.`.
    pub metadata: Vec<(String, String)>,
}

fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn small(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// The number of this name.
fn named(list: &[(String, Option<f64>)], name: &str) -> Option<f64> {
    list.iter().find(|(n, _)| n == name).and_then(|(_, v)| *v).filter(|v| v.is_finite())
}

/// The table of these rows, as the bytes of a Parquet file.
pub(crate) fn table(rows: &[CallRow], about: &About) -> Result<Vec<u8>, ArchiveError> {
    let mut fields: Vec<Field> = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    let mut add = |name: String, array: ArrayRef| {
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    };
    let texts =
        |of: &dyn Fn(&CallRow) -> Option<&str>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<StringArray>()) };
    let wholes =
        |of: &dyn Fn(&CallRow) -> Option<i64>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<Int64Array>()) };
    let smalls =
        |of: &dyn Fn(&CallRow) -> Option<i32>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<Int32Array>()) };
    let doubles =
        |of: &dyn Fn(&CallRow) -> Option<f64>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<Float64Array>()) };
    add("part".into(), smalls(&|r| Some(small(r.part))));
    add("key".into(), texts(&|r| Some(&r.call.key)));
    add("size".into(), wholes(&|r| Some(whole(r.call.size))));
    add("modified_ns".into(), wholes(&|r| r.call.modified_ns));
    add("etag".into(), texts(&|r| r.call.etag.as_deref()));
    add("error".into(), texts(&|r| r.error.map(super::CallError::name)));
    add("error_message".into(), texts(&|r| r.error_message.as_deref()));
    add("duration_ns".into(), wholes(&|r| r.heard.map(|h| whole(h.duration_ns))));
    add("channels".into(), smalls(&|r| r.heard.map(|h| small(h.channels))));
    add("sample_rate_hz".into(), smalls(&|r| r.heard.map(|h| small(h.sample_rate_hz))));
    add("utterances".into(), wholes(&|r| Some(whole(r.utterances))));
    add("scored".into(), wholes(&|r| Some(whole(r.means.scored))));
    add("abstained_share".into(), doubles(&|r| r.means.abstained_share));
    for name in &about.columns.probabilities {
        add(format!("mean_probability_{name}"), doubles(&|r| named(&r.means.probabilities, name)));
    }
    for name in &about.columns.dimensions {
        add(format!("mean_dimension_{name}"), doubles(&|r| named(&r.means.dimensions, name)));
    }
    for target in &about.columns.explained {
        let explained = |r: &CallRow| whole(r.moved.score(target).map_or(0, |m| m.explained));
        add(format!("{MOVED}{target}{EXPLAINED}"), wholes(&|r| Some(explained(r))));
        add(format!("{MOVED}{target}{MOST_BY}"), texts(&|r| r.moved.score(target)?.strongest.as_deref()));
        for group in &about.columns.groups {
            let share = |r: &CallRow| r.moved.score(target)?.group(group).filter(|v| v.is_finite());
            add(group_column(target, group), doubles(&share));
        }
    }
    for name in &about.columns.numbers {
        add(name.clone(), doubles(&|r| named(&r.numbers, name)));
    }
    for (k, name) in about.columns.metadata.iter().enumerate() {
        add(format!("{META}{name}"), texts(&|r| r.call.metadata.get(k).and_then(Option::as_deref)));
    }
    add("utterances_file".into(), texts(&|r| Some(&r.utterances_file)));
    add("utterances_sha256".into(), texts(&|r| Some(&r.utterances_sha256)));
    let mut names: Vec<&String> = fields.iter().map(Field::name).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|p| p[0] == p[1]) {
        return Err(ArchiveError::Run(format!("two columns of calls have the name {:?}", twice[0])));
    }

    let written = |e: serde_json::Error| ArchiveError::Run(e.to_string());
    let mut keys = vec![
        ("schema".to_owned(), CALLS_SCHEMA.to_owned()),
        ("summary".to_owned(), serde_json::to_string(&Summary::of(rows)).map_err(written)?),
    ];
    keys.extend(about.metadata.iter().cloned());
    let mut keys: Vec<KeyValue> = keys.into_iter().map(|(k, v)| KeyValue::new(format!("affect.{k}"), v)).collect();
    keys.push(KeyValue::new(COLUMNS.to_owned(), serde_json::to_string(&about.columns).map_err(written)?));
    // The least and the greatest value of every measure would make the end of the file, which tells how far a run is, three times as
    // long. Who looks for a call has those of its name and its part.
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::LZ4_RAW)
        .set_coerce_types(true)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true);
    for name in ["part", "key", "error"] {
        let path = ColumnPath::new(vec![name.to_owned()]);
        properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Chunk);
    }
    for f in fields.iter().filter(|f| *f.data_type() == arrow_schema::DataType::Float64) {
        let path = ColumnPath::new(vec![f.name().clone()]);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT);
    }
    let properties = properties.set_key_value_metadata(Some(keys)).build();
    let schema = Arc::new(Schema::new(fields));
    let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties))?;
    writer.write(&RecordBatch::try_new(schema, arrays)?)?;
    Ok(writer.into_inner()?)
}
