//! From a record to the cells of its row: its JSON is taken apart in one pass, by where the columns stand in it.

use crate::columns::{Column, EXPLANATION, REST, SHARE};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// A key of a record's JSON, or an end of an interval in it, with what stands below it.
#[derive(Debug, Default)]
struct Place {
    /// The column whose value stands here.
    column: Option<usize>,
    /// A pair of ends of an interval, which is none of the rest.
    pair: bool,
    below: HashMap<String, Place>,
}

/// Where the columns of a table stand in a record's JSON.
#[derive(Debug)]
pub(crate) struct Layout {
    names: Vec<String>,
    root: Place,
}

/// The row of a record.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    names: &'a [String],
    /// By column; nothing where the record has none.
    cells: Vec<Option<Value>>,
    /// What no column holds, as JSON.
    rest: Option<String>,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (name, cell) in self.names.iter().zip(&self.cells) {
            if let Some(cell) = cell {
                map.serialize_entry(name, cell)?;
            }
        }
        if let Some(rest) = &self.rest {
            map.serialize_entry(REST, rest)?;
        }
        map.end()
    }
}

/// Whether there is nothing in a value.
fn nothing(v: &Value) -> bool {
    match v {
        Value::Null => true,
        Value::Object(m) => m.values().all(nothing),
        _ => false,
    }
}

/// Moves what is beyond the known names of an object to its `rest`.
fn keep(object: &mut Value, known: &[&str]) {
    let Value::Object(m) = object else { return };
    if m.keys().all(|k| known.contains(&k.as_str())) {
        return;
    }
    let (known, beyond): (Map<_, _>, Map<_, _>) =
        std::mem::take(m).into_iter().partition(|(k, _)| known.contains(&k.as_str()));
    *m = known;
    m.insert(REST.to_owned(), Value::String(Value::Object(beyond).to_string()));
}

/// Does something to each element of an array that stands under a key.
fn each(object: &mut Value, key: &str, mut act: impl FnMut(&mut Value)) {
    if let Some(Value::Array(a)) = object.get_mut(key) {
        a.iter_mut().for_each(&mut act);
    }
}

impl Place {
    /// Takes the cells out of a value that stands here; returns what is left of it.
    fn take(&self, value: Value, cells: &mut [Option<Value>]) -> Option<Value> {
        if let Some(cell) = self.column.and_then(|c| cells.get_mut(c)) {
            *cell = Some(value).filter(|v| !v.is_null());
            return None;
        }
        let left = match value {
            Value::Object(m) if !self.below.is_empty() => {
                let mut left = Map::new();
                for (key, value) in m {
                    let value = match self.below.get(&key) {
                        Some(place) => place.take(value, cells),
                        None => Some(value),
                    };
                    left.extend(value.map(|v| (key, v)));
                }
                Value::Object(left)
            }
            Value::Array(a) if self.pair => {
                for (k, end) in a.into_iter().enumerate() {
                    self.below.get(&k.to_string()).and_then(|place| place.take(end, cells));
                }
                return None;
            }
            other => other,
        };
        (!self.pair).then_some(left)
    }
}

impl Layout {
    /// Of these columns.
    pub fn of(columns: &[Column]) -> Self {
        let mut root = Place::default();
        for (k, column) in columns.iter().enumerate().filter(|(_, c)| !c.path.is_empty()) {
            let mut place = &mut root;
            for (depth, key) in column.path.iter().enumerate() {
                let pair = matches!(&column.path[..depth], [_, intervals, _] if intervals == "intervals");
                place.pair |= pair;
                place = place.below.entry(key.clone()).or_default();
            }
            // Of two columns of one place the first has the value.
            place.column.get_or_insert(k);
        }
        Self { names: columns.iter().map(|c| c.name.clone()).collect(), root }
    }

    /// The row of a record's JSON.
    pub fn row(&self, mut json: Value) -> Row<'_> {
        each(&mut json, "explanations", |e| {
            keep(e, &EXPLANATION);
            each(e, "features", |f| keep(f, &SHARE));
        });
        let mut cells = vec![None; self.names.len()];
        let mut left = self.root.take(json, &mut cells);
        if let Some(Value::Object(m)) = &mut left {
            m.shift_remove("schema");
            m.retain(|_, v| !nothing(v));
        }
        let rest = left.filter(|v| !nothing(v)).map(|v| v.to_string());
        Row { names: &self.names, cells, rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Columns;
    use serde_json::json;

    /// Every column takes its value, ends of intervals too; what no column holds stays, in its order and with nulls among it.
    #[test]
    fn what_no_column_holds_is_the_rest() {
        let columns = Columns {
            features: vec!["a".into(), "b".into()],
            dimensions: vec!["arousal".into()],
            intervals: vec!["arousal".into()],
            ..Columns::default()
        };
        let layout = Layout::of(&columns.all());
        let row = layout.row(json!({
            "schema": "s", "id": "x", "zeta": 1, "features": {"b": 2.5, "c": 3, "a": null}, "alpha": {"n": null},
            "emotion": {"later": null, "dimensions": {"arousal": 0.5}, "intervals": {"arousal": [0.1, 0.9]}, "kept": [1]},
            "explanations": [{"odd": 1, "method": "m", "features": [{"name": "a", "new": 2}]}],
        }));
        let cells = serde_json::to_value(&row).unwrap();
        let expected = json!({
            "id": "x", "dimension_arousal": 0.5, "interval_low_arousal": 0.1, "interval_high_arousal": 0.9, "b": 2.5,
            "explanations": [{"method": "m", "features": [{"name": "a", "rest": "{\"new\":2}"}], "rest": "{\"odd\":1}"}],
        });
        let (mut cells, rest) = match cells {
            Value::Object(mut m) => (m.clone(), m.remove(REST)),
            other => panic!("{other}"),
        };
        cells.remove(REST);
        assert_eq!(Value::Object(cells), expected);
        let rest = rest.as_ref().and_then(Value::as_str).unwrap();
        assert_eq!(
            rest,
            r#"{"zeta":1,"features":{"c":3},"emotion":{"later":null,"dimensions":{},"intervals":{},"kept":[1]}}"#
        );
        // A record that columns hold whole has no rest.
        let row = layout.row(json!({"schema": "s", "id": "x", "features": {"a": 1, "b": null}, "reasons": {}}));
        assert_eq!(serde_json::to_value(&row).unwrap(), json!({"id": "x", "a": 1, "reasons": {}}));
    }
}
