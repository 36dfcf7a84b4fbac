//! Numbers in JSON: all of them finite, since others have no form there.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A number or `null`, and never missing. What is not finite is written as `null`; what is beyond single precision is refused by the
/// reader of JSON.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Finite(Option<f32>);

impl Finite {
    pub fn is_some(self) -> bool {
        self.0.is_some_and(f32::is_finite)
    }
}

impl From<Option<f32>> for Finite {
    fn from(value: Option<f32>) -> Self {
        Self(value)
    }
}

impl From<Finite> for Option<f32> {
    fn from(value: Finite) -> Self {
        value.0
    }
}

impl Serialize for Finite {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.filter(|v| v.is_finite()).serialize(s)
    }
}

/// Numbers by name, in an order of their own.
pub(super) type NumberMap<'a> = Ordered<Cow<'a, str>, Finite>;

/// A map that keeps its order.
pub(crate) struct Ordered<K, V>(pub Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for Ordered<K, V> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(k, v)| (k, v)))
    }
}

struct InOrder<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for InOrder<K, V> {
    type Value = Vec<(K, V)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Ordered<K, V> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_map(InOrder(PhantomData)).map(Self)
    }
}

/// Numbers, or pairs of them, by name as a field of a record.
pub(super) mod named {
    use super::{Arc, Deserialize, Deserializer, Ordered, Serialize, Serializer};

    pub fn serialize<S: Serializer, V: Serialize>(numbers: &[(Arc<str>, V)], s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(numbers.iter().map(|(name, value)| (name.as_ref(), value)))
    }

    pub fn deserialize<'de, D, V>(d: D) -> Result<Vec<(Arc<str>, V)>, D::Error>
    where
        D: Deserializer<'de>,
        V: Deserialize<'de>,
    {
        Ordered::<Arc<str>, V>::deserialize(d).map(|map| map.0)
    }
}
